"""Activations and dropout."""

from functools import partial
from typing import Any

from twice import functions
from twice.autograd import Tensor, op
from twice.creation import random_source
from twice.kernels import activation as kernels
from twice.kernels import dropout as dropouts
from twice.nn.functional.lifting import in_place_or_not

_relu, _glu, _gelu, _prelu = op(kernels.relu), op(kernels.glu), op(kernels.gelu), op(kernels.prelu)
_softmin, _softplus, _softshrink = op(kernels.softmin), op(kernels.softplus), op(kernels.softshrink)
_hardshrink, _logsigmoid = op(kernels.hardshrink), op(kernels.logsigmoid)
_softsign, _tanhshrink = op(kernels.softsign), op(kernels.tanhshrink)
_leaky_relu, _elu, _celu, _selu = map(in_place_or_not, (kernels.leaky_relu, kernels.elu, kernels.celu, kernels.selu))
_hardtanh, _relu6, _hardsigmoid, _hardswish = map(
    in_place_or_not, (kernels.hardtanh, kernels.relu6, kernels.hardsigmoid, kernels.hardswish)
)
_silu, _mish, _rrelu, _threshold = map(in_place_or_not, (kernels.silu, kernels.mish, kernels.rrelu, kernels.threshold))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)"""
    return functions.relu_(input) if inplace else _relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, else negative_slope·x"""
    return _leaky_relu(input, inplace, negative_slope=negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """`leaky_relu` with a learnt slope, one or one a channel"""
    return _prelu(input, weight)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """`leaky_relu` with a slope drawn at random in training"""
    return _rrelu(input, inplace, lower=lower, upper=upper, training=training, rng=random_source())


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else α(eˣ − 1)"""
    return _elu(input, inplace, alpha=alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, else α(e^(x/α) − 1)"""
    return _celu(input, inplace, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The ELU that keeps mean and variance"""
    return _selu(input, inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)"""
    return _relu6(input, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x held between two values"""
    return _hardtanh(input, inplace, min_val=min_val, max_val=max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3)/6"""
    return _hardsigmoid(input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·relu6(x + 3)/6"""
    return _hardswish(input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·σ(x)"""
    return _silu(input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(ln(1 + eˣ))"""
    return _mish(input, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x above the threshold, else the value"""
    return _threshold(input, inplace, threshold=threshold, value=value)


relu_, leaky_relu_, elu_, celu_ = (partial(f, inplace=True) for f in (relu, leaky_relu, elu, celu))
selu_, hardtanh_, threshold_, rrelu_ = (partial(f, inplace=True) for f in (selu, hardtanh, threshold, rrelu))


def sigmoid(input: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ)"""
    return functions.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """tanh x"""
    return functions.tanh(input)


def logsigmoid(input: Tensor) -> Tensor:
    """ln σ(x)"""
    return _logsigmoid(input)


def softsign(input: Tensor) -> Tensor:
    """x/(1 + |x|)"""
    return _softsign(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x"""
    return _tanhshrink(input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), Φ the normal distribution"""
    return _gelu(input, approximate=approximate)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a·σ(b), a and b the halves along an axis"""
    return _glu(input, dim=dim)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """ln(1 + e^βx)/β"""
    return _softplus(input, beta=beta, threshold=threshold)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved by λ towards 0"""
    return _softshrink(input, lambd=lambd)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, or 0 within λ of 0"""
    return _hardshrink(input, lambd=lambd)


# ── shares of a row ─────────────────────────────────────────────────────────────────────────────────────────────


def _axis(input: Tensor, dim: int | None) -> int:
    """torch's choice where none is given: the first axis of 0, 1 or 3, else the second."""
    if dim is not None:
        return dim
    return 0 if input.ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along an axis"""
    return functions.softmax(input, _axis(input, dim), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of softmax"""
    return functions.log_softmax(input, _axis(input, dim), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The softmax of −x"""
    return _softmin(input if dtype is None else functions.to(input, dtype), dim=_axis(input, dim))


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """The softmax of (logits + Gumbel noise)/τ; `hard` shows the one-hot choice and keeps the soft gradient"""
    noise = Tensor(random_source().gumbel(size=logits.shape).astype(logits.dtype))
    soft = functions.softmax(functions.div(functions.add(logits, noise), tau), dim)
    if not hard:
        return soft
    largest = functions.amax(soft.detach(), dim, keepdim=True)
    chosen = functions.to(functions.eq(soft.detach(), largest), soft.dtype)
    return functions.add(functions.sub(chosen, soft.detach()), soft)


# ── dropout ─────────────────────────────────────────────────────────────────────────────────────────────────────

_dropout, _dropout1d, _dropout2d, _dropout3d, _alpha_dropout = map(
    in_place_or_not,
    (dropouts.dropout, dropouts.dropout1d, dropouts.dropout2d, dropouts.dropout3d, dropouts.alpha_dropout),
)


def _dropped(lifted: Any, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Outside training it is the input itself."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is {p}, expected a probability between 0 and 1")
    return lifted(input, inplace, p=p, training=True, rng=random_source()) if training and p else input


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Numbers become 0 with probability p, the others larger"""
    return _dropped(_dropout, input, p, training, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels (…, L) become 0 with probability p"""
    return _dropped(_dropout1d, input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels (…, H, W) become 0 with probability p"""
    return _dropped(_dropout2d, input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels (…, D, H, W) become 0 with probability p"""
    return _dropped(_dropout3d, input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout to where SELU ends, with mean and variance restored"""
    return _dropped(_alpha_dropout, input, p, training, inplace)
