"""Built Twice: torch's language over NumPy, for a course that builds every idea twice.

    import twice
    from twice import nn

    x = twice.randn(64, 1, 28, 28)
    y = nn.Conv2d(1, 6, 5, padding=2)(x)

Names, arguments, shapes and numbers are torch's, so that a model file runs on either. Importing `twice` needs NumPy alone.
"""

from twice import autograd, creation, functions
from twice.autograd import Tensor, enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from twice.creation import (
    Generator,
    Size,
    arange,
    as_tensor,
    bernoulli,
    device,
    empty,
    empty_like,
    eye,
    float16,
    float32,
    float64,
    from_numpy,
    full,
    full_like,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    is_tensor,
    linspace,
    manual_seed,
    multinomial,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    set_default_dtype,
    tensor,
    uint8,
    zeros,
    zeros_like,
)
from twice.functions import *  # noqa: F403  torch's everyday functions, as `functions.__all__` lists them

__version__ = "0.1.0"
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
bool = creation.bool_
