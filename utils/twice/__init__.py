"""Built Twice: torch's language over NumPy, for a course that builds every idea twice.

    import twice
    from twice import nn

    x = twice.randn(64, 1, 28, 28)
    y = nn.Conv2d(1, 6, 5, padding=2)(x)

Names, arguments, shapes and numbers are torch's, so that a model file runs on either. `import twice` needs NumPy alone.
"""

# ruff: noqa: F401  this file is the front door: what it imports is what it offers

from twice import autograd, creation, cuda, functions, linalg
from twice.autograd import Tensor, enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from twice.creation import (
    Generator,
    arange,
    as_tensor,
    bernoulli,
    default_generator,
    device,
    dtype,
    e,
    empty,
    empty_like,
    eye,
    finfo,
    float16,
    float32,
    float64,
    from_numpy,
    full,
    full_like,
    get_default_dtype,
    get_rng_state,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    is_tensor,
    linspace,
    logspace,
    manual_seed,
    multinomial,
    nan,
    normal,
    ones,
    ones_like,
    pi,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    set_default_dtype,
    set_rng_state,
    tensor,
    tril_indices,
    triu_indices,
    uint8,
    zeros,
    zeros_like,
)
from twice.functions import *  # noqa: F403  torch's everyday functions, as `functions.__all__` lists them
from twice.printing import set_printoptions
from twice.size import Size

__version__ = "0.1.0"
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
bool = creation.bool_

from twice import nn, optim  # noqa: E402  made of the names above
from twice.files import copy_weights, from_torch, load, save, to_torch  # noqa: E402
