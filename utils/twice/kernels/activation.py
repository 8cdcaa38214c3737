"""Activations: the functions that act on each number alone, and the softmaxes that make shares of a row."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_same_dtype
from twice.kernels.special import blockwise, erf, expit, log1p_exp


def elementwise(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse integers, and let a kernel of one array meet a lone number (0 axes) as a row of one."""

    @wraps(kernel)
    def checked(x: Array, *args: Any, **options: Any):
        require_floating(kernel.__name__, "x", x)
        if x.ndim or options.get("out") is not None:
            return kernel(x, *args, **options)
        y, back = kernel(x.reshape(1).copy(), *args, **options)
        return y.copy().reshape(()), lambda dy: back(dy.reshape(1)).reshape(())

    return checked


# ── pieces of straight lines ────────────────────────────────────────────────────────────────────────────────


@elementwise
def relu(x: Array, out: Array | None = None):
    """y = max(x, 0), written into `out` if given (x itself for an in-place call); dx = dy·[y ≠ 0]."""
    y = np.maximum(x, 0, out=out)
    return y, lambda dy: dy * (y != 0)


@elementwise
def hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0):
    """y = x held between min_val and max_val; dx = dy strictly between them, else 0."""
    require(min_val <= max_val, f"hardtanh: min_val is {min_val}, expected at most max_val {max_val}")
    y = np.clip(x, min_val, max_val)
    return y, lambda dy: dy * ((y > min_val) & (y < max_val))


@elementwise
def relu6(x: Array):
    """y = min(max(x, 0), 6); dx = dy strictly between 0 and 6, else 0."""
    return hardtanh(x, 0.0, 6.0)


@elementwise
def leaky_relu(x: Array, negative_slope: float = 0.01):
    """y = x where x > 0, else s·x; dx = dy there, else s·dy."""
    positive = x > 0
    slope = x.dtype.type(negative_slope)
    return x * _slopes(positive, slope), lambda dy: dy * _slopes(positive, slope)


def _slopes(positive: Array, below: Array) -> Array:
    """1 where positive, else the slope `below`; sums of products, several times faster than np.where."""
    slopes = ~positive * below
    slopes += positive
    return slopes


def prelu(x: Array, weight: Array):
    """y = x where x > 0, else w·x, with one w, or one for each channel (axis 1) of x.

    dx = dy where x > 0, else w·dy; dw = Σ dy·x over x ≤ 0.
    """
    require_floating("prelu", "x", x)
    require_same_dtype("prelu", x=x, weight=weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    require(
        weight.ndim <= 1 and weight.size in (1, channels),
        f"prelu: weight has shape {weight.shape}, expected (1,) or ({channels},) for x {x.shape}",
    )
    slope = weight.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 1 else weight.reshape((1,) * x.ndim)
    positive = x > 0

    def back(dy: Array, needs=(True, True)):
        dx = dy * _slopes(positive, slope) if needs[0] else None
        return dx, _slope_gradient(dy, x, weight) if needs[1] else None

    return np.asarray(x * _slopes(positive, slope)), back


def _slope_gradient(dy: Array, x: Array, weight: Array) -> Array:
    """Σ dy·min(x, 0), over everything but the channels if each has its own slope."""
    product = dy * np.minimum(x, 0)
    axes = None if weight.size == 1 else (0, *range(2, x.ndim))
    return np.asarray(product.sum(axes)).reshape(weight.shape)


@elementwise
def rrelu(
    x: Array,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    rng: np.random.Generator | None = None,
):
    """leaky_relu whose slope is drawn from [lower, upper) for each number in training, and their mean otherwise."""
    require(lower <= upper, f"rrelu: lower is {lower}, expected at most upper {upper}")
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    rng = np.random.default_rng() if rng is None else rng
    slope = rng.random(x.shape, np.float64 if x.dtype == np.float64 else np.float32).astype(x.dtype, copy=False)
    slope *= upper - lower
    slope += lower
    slope[x > 0] = 1  # what is positive passes
    return x * slope, lambda dy: dy * slope


@elementwise
def threshold(x: Array, threshold: float, value: float):
    """y = x where x > threshold, else value; dx = dy there, else 0."""
    stopped = x <= threshold
    return np.where(stopped, x.dtype.type(value), x), lambda dy: dy * ~stopped


@elementwise
def hardshrink(x: Array, lambd: float = 0.5):
    """y = x where |x| > λ, else 0; dx = dy there, else 0."""
    passed = np.abs(x) > lambd
    return x * passed, lambda dy: dy * passed


@elementwise
def softshrink(x: Array, lambd: float = 0.5):
    """y = x moved by λ towards 0, and 0 where it would cross: y = x − clip(x, −λ, λ); dx = dy where y ≠ 0."""
    require(lambd >= 0, f"softshrink: lambd is {lambd}, expected at least 0")
    y = x - np.clip(x, -lambd, lambd)
    return y, lambda dy: dy * (y != 0)


@elementwise
def hardsigmoid(x: Array):
    """y = relu6(x + 3)/6; dy/dx = 1/6 for −3 < x < 3, else 0."""
    y = np.clip(x + 3, 0, 6)
    y /= 6
    return y, lambda dy: dy * ((y > 0) & (y < 1)) / 6


@elementwise
def hardswish(x: Array):
    """y = x·relu6(x + 3)/6; dy/dx = 0 up to −3, x/3 + ½ between, 1 from 3 on."""
    y = np.clip(x + 3, 0, 6)
    y *= x
    y /= 6

    def back(dy: Array):
        slope = x / 3
        slope += 0.5
        slope *= x > -3
        slope[x >= 3] = 1
        slope *= dy
        return slope

    return y, back


# ── built on the exponential ────────────────────────────────────────────────────────────────────────────────


@elementwise
def sigmoid(x: Array):
    """σ(x) = 1/(1 + e⁻ˣ); dσ/dx = σ(1 − σ)."""
    y = blockwise(expit, x)
    return y, lambda dy: blockwise(lambda dy, y: dy * y * (1 - y), dy, y)


@elementwise
def tanh(x: Array):
    """y = tanh x; dy/dx = 1 − y²."""
    y = np.tanh(x)
    return y, lambda dy: blockwise(lambda dy, y: dy * (1 - y * y), dy, y)


@elementwise
def tanhshrink(x: Array):
    """y = x − tanh x; dy/dx = tanh² x."""
    t = np.tanh(x)
    return x - t, lambda dy: blockwise(lambda dy, t: dy * t * t, dy, t)


@elementwise
def softsign(x: Array):
    """y = x/(1 + |x|); dy/dx = 1/(1 + |x|)²."""

    def back(dy: Array):
        bottom = np.abs(x)
        bottom += 1
        bottom *= bottom
        return dy / bottom

    return x / (1 + np.abs(x)), back


@elementwise
def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0):
    """y = ln(1 + e^βx)/β, and x itself where βx > threshold; dy/dx = σ(βx), there 1."""
    linear = x * beta > threshold
    y = log1p_exp(x * beta)
    y /= beta
    np.copyto(y, x, where=linear)

    def back(dy: Array):
        slope = expit(x * beta)
        slope[x * beta > threshold] = 1
        slope *= dy
        return slope

    return y, back


@elementwise
def logsigmoid(x: Array):
    """y = ln σ(x) = −ln(1 + e⁻ˣ); dy/dx = σ(−x)."""
    return -blockwise(log1p_exp, -x), lambda dy: blockwise(lambda dy, x: dy * expit(-x), dy, x)


@elementwise
def silu(x: Array):
    """y = x·σ(x); dy/dx = σ(1 + x(1 − σ))."""
    return blockwise(lambda x: x * expit(x), x), lambda dy: blockwise(_silu_back, dy, x)


def _silu_back(dy: Array, x: Array) -> Array:
    s = expit(x)
    slope = 1 - s
    slope *= x
    slope += 1
    slope *= s
    slope *= dy
    return slope


@elementwise
def mish(x: Array):
    """y = x·tanh(ln(1 + eˣ)) = x·n/(n + 2), with w = eˣ and n = w² + 2w.

    dy/dx = n/(n + 2) + x·4w(1 + w)/(n + 2)². Beyond x = 20 the share n/(n + 2) is 1: w stops there.
    """
    return blockwise(_mish, x), lambda dy: blockwise(_mish_back, dy, x)


def _mish(x: Array) -> Array:
    w = np.exp(np.minimum(x, 20))
    n = w * (w + 2)
    return x * (n / (n + 2))


def _mish_back(dy: Array, x: Array) -> Array:
    w = np.exp(np.minimum(x, 20))
    n = w * (w + 2)
    slope = 4 * w * (1 + w) / (n + 2)
    slope *= x
    slope += n
    slope /= n + 2
    slope *= dy
    return slope


@elementwise
def elu(x: Array, alpha: float = 1.0):
    """y = x where x > 0, else α(eˣ − 1); dy/dx = 1, else α·eˣ."""
    return _exponential_unit(x, alpha)


@elementwise
def selu(x: Array):
    """y = λ·elu(x, α), with the λ and α that keep mean 0 and variance 1 from layer to layer (Klambauer 2017)."""
    return _exponential_unit(x, alpha=1.6732632423543772, scale=1.0507009873554805)


@elementwise
def celu(x: Array, alpha: float = 1.0):
    """y = x where x > 0, else α(e^(x/α) − 1): an ELU whose slope at 0 is always 1; dy/dx = 1, else e^(x/α)."""
    require(alpha != 0, "celu: alpha is 0, expected another number")
    return _exponential_unit(x, alpha, rate=1 / alpha)


def _exponential_unit(x: Array, alpha: float, scale: float = 1.0, rate: float = 1.0):
    """y = s·x where x > 0, else s·α(e^(rx) − 1); dy/dx = s, else s·α·r·e^(rx)."""
    y = np.minimum(x, 0)
    y *= rate
    np.expm1(y, out=y)
    y *= scale * alpha
    y += scale * np.maximum(x, 0)

    def back(dy: Array):
        slope = np.minimum(x, 0)
        slope *= rate
        np.exp(slope, out=slope)
        slope *= _slopes(x > 0, x.dtype.type(alpha * rate))
        slope *= scale
        slope *= dy
        return slope

    return y, back


@elementwise
def gelu(x: Array, approximate: str = "none"):
    """y = x·Φ(x), with Φ the normal distribution ½(1 + erf(x/√2)), or its approximation by tanh.

    dy/dx = Φ(x) + x·φ(x), with φ(x) = e^(−x²/2)/√2π.
    """
    require(approximate in ("none", "tanh"), f"gelu: approximate is {approximate!r}, expected 'none' or 'tanh'")
    if approximate == "tanh":
        return _gelu_tanh(x)
    share = blockwise(_normal, x)  # Φ(x), kept: it costs more than the rest together
    return x * share, lambda dy: blockwise(_gelu_back, dy, x, share)


def _normal(x: Array) -> Array:
    """Φ(x) = ½(1 + erf(x/√2))"""
    y = erf(x * math.sqrt(0.5))
    y += 1
    y *= 0.5
    return y


def _gelu_back(dy: Array, x: Array, share: Array) -> Array:
    slope = x * x
    slope *= -0.5
    np.exp(slope, out=slope)
    slope *= x
    slope *= 1 / math.sqrt(2 * math.pi)
    slope += share
    slope *= dy
    return slope


def _gelu_tanh(x: Array):
    """y = ½x(1 + t), t = tanh(c(x + ax³)), c = √(2/π), a = 0.044715; dy/dx = ½(1 + t)(1 + x(1 − t)·c(1 + 3ax²))."""

    def value(x: Array) -> Array:
        y = _bent(x)
        y += 1
        y *= x
        y *= 0.5
        return y

    return blockwise(value, x), lambda dy: blockwise(_gelu_tanh_back, dy, x)


_C, _A = math.sqrt(2 / math.pi), 0.044715


def _bent(x: Array) -> Array:
    """t = tanh(c(x + ax³))"""
    t = x * x
    t *= _A
    t += 1
    t *= x
    t *= _C
    return np.tanh(t, out=t)


def _gelu_tanh_back(dy: Array, x: Array) -> Array:
    t = _bent(x)
    slope = x * x
    slope *= 3 * _A * _C
    slope += _C
    slope *= x
    slope *= 1 - t
    slope += 1
    slope *= 1 + t
    slope *= 0.5
    slope *= dy
    return slope


# ── along an axis ───────────────────────────────────────────────────────────────────────────────────────────


def glu(x: Array, dim: int = -1):
    """y = a·σ(b), with a and b the two halves of x along `dim`; da = dy·σ(b), db = dy·a·σ(b)(1 − σ(b))."""
    require_floating("glu", "x", x)
    dim = _axis("glu", x, dim)
    length = x.shape[dim] if x.ndim else 1
    require(length % 2 == 0, f"glu: x has shape {x.shape}, expected an even length along dim {dim}")
    a, b = np.split(x, 2, axis=dim)

    def back(dy: Array):
        dx = np.empty_like(x)
        da, db = np.split(dx, 2, axis=dim)
        s = expit(b)
        np.multiply(dy, s, out=da)
        np.multiply(da, a * (1 - s), out=db)
        return dx

    return a * expit(b), back


@elementwise
def softmax(x: Array, dim: int):
    """yᵢ = eˣⁱ / Σ eˣʲ along `dim`, computed from x − max x; dx = y·(dy − Σ dy·y)."""
    dim = _axis("softmax", x, dim)
    y = _below_largest(x, dim)
    np.exp(y, out=y)
    y /= y.sum(dim, keepdims=True)

    def back(dy: Array):
        dx = dy * y
        dx -= y * dx.sum(dim, keepdims=True)
        return dx

    return y, back


@elementwise
def softmin(x: Array, dim: int):
    """The softmax of −x: the smallest entry has the largest share; dx = −y·(dy − Σ dy·y)."""
    y = softmax(-x, dim)[0]

    def back(dy: Array):
        dx = dy * -y
        dx -= y * dx.sum(dim, keepdims=True)
        return dx

    return y, back


@elementwise
def log_softmax(x: Array, dim: int):
    """yᵢ = xᵢ − ln Σ eˣʲ along `dim`, computed from x − max x; dx = dy − eʸ·Σ dy."""
    dim = _axis("log_softmax", x, dim)
    y = _below_largest(x, dim)
    with np.errstate(divide="ignore"):  # ln 0 belongs to an empty axis alone
        y -= np.log(np.exp(y).sum(dim, keepdims=True))

    def back(dy: Array):
        dx = np.exp(y)
        dx *= -dy.sum(dim, keepdims=True)
        dx += dy
        return dx

    return y, back


def _below_largest(x: Array, dim: int) -> Array:
    """x − max x along `dim`; where the largest is infinite the answer is NaN, as in torch, and no news."""
    if not x.shape[dim]:
        return x.copy()
    with np.errstate(invalid="ignore"):
        return x - x.max(dim, keepdims=True)


def _axis(where: str, x: Array, dim: int) -> int:
    """`dim` counted from the front; −1 is the last axis."""
    rank = max(x.ndim, 1)
    require(-rank <= dim < rank, f"{where}: dim is {dim}, expected from {-rank} to {rank - 1} for x {x.shape}")
    return dim % rank
