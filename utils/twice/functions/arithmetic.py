"""Arithmetic and the functions of one tensor, entry by entry."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twice.autograd import Tensor, op
from twice.functions.dtypes import floating, in_dtype, numbers, result_type, to, together
from twice.functions.lifting import attach, method
from twice.kernels import activation
from twice.kernels import elementary as E

__all__ = [
    "abs", "absolute", "acos", "add", "addcdiv", "addcmul", "arccos", "arcsin", "arctan", "arctan2", "asin", "atan",
    "atan2", "ceil", "clamp", "clamp_max", "clamp_min", "clip", "cos", "cosh", "div", "divide", "erf", "exp", "exp2",
    "expm1", "floor", "floor_divide", "fmod", "frac", "lerp", "log", "log1p", "log2", "log10", "log_softmax", "logit",
    "maximum", "minimum", "mul", "multiply", "neg", "negative", "pow", "reciprocal", "relu", "remainder", "round",
    "rsqrt", "sigmoid", "sign", "sin", "sinh", "softmax", "sqrt", "square", "sub", "subtract", "tan", "tanh",
    "true_divide", "trunc",
]  # fmt: skip

# ── two tensors, or a tensor and a number ───────────────────────────────────────────────────────────────────────

Function = Callable[..., Tensor]


def _binary(name: str, kernel: Callable[..., Any], meet: Callable[..., tuple] = together) -> Function:
    lifted = op(kernel, name)

    def function(input: Any, other: Any, **options: Any) -> Tensor:
        return lifted(*meet(input, other), **options)

    function.__name__, function.__doc__ = name, kernel.__doc__
    return attach(name, function)


def _as_floats(x: Any, y: Any) -> tuple[Any, Any]:
    x, y = together(x, y)
    return floating(x), floating(y)


add = _binary("add", E.add)
sub = _binary("sub", E.sub, partial(numbers, "sub", either=True))
mul = _binary("mul", E.mul)
true_divide = _binary("true_divide", E.div, _as_floats)
pow = _binary("pow", E.power, partial(numbers, "pow"))
remainder = _binary("remainder", E.remainder, partial(numbers, "remainder"))
fmod = _binary("fmod", E.fmod, partial(numbers, "fmod"))
maximum = _binary("maximum", E.maximum)
minimum = _binary("minimum", E.minimum)
atan2 = _binary("atan2", E.arctan2, _as_floats)
_divide_floor, _divide_trunc = op(E.divide_floor, "floor_divide"), op(E.divide_trunc, "trunc_divide")


@method
def div(input: Any, other: Any, rounding_mode: str | None = None) -> Tensor:
    """The quotient; with a rounding mode ('floor' or 'trunc') a whole number."""
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(f"div: rounding_mode is {rounding_mode!r}, expected None, 'floor' or 'trunc'")
    return (_divide_floor if rounding_mode == "floor" else _divide_trunc)(*numbers("div", input, other))


@method
def floor_divide(input: Any, other: Any) -> Tensor:
    """⌊input / other⌋, off the tape: torch knows no derivative either."""
    return _divide_floor(*numbers("floor_divide", input, other)).detach()


@method
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """The way from input to end, a share of it."""
    return add(input, mul(sub(end, input), weight))


@method
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2"""
    return add(input, mul(mul(tensor1, tensor2), value))


@method
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2"""
    return add(input, mul(div(tensor1, tensor2), value))


# ── one tensor ──────────────────────────────────────────────────────────────────────────────────────────────────


def _unary(name: str, kernel: Callable[..., Any], floats: bool = True) -> Function:
    """Lift a kernel; its values are floats, also of whole numbers, or (`floats=False`) what its input is."""
    lifted = op(kernel, name)

    def function(input: Tensor) -> Tensor:
        return lifted(floating(input) if floats else input)

    function.__name__, function.__doc__ = name, kernel.__doc__
    return attach(name, function)


abs = _unary("abs", E.absolute, floats=False)
neg = _unary("neg", E.negative, floats=False)
relu = _unary("relu", activation.relu, floats=False)
floor = _unary("floor", E.floor, floats=False)
ceil = _unary("ceil", E.ceil, floats=False)
trunc = _unary("trunc", E.trunc, floats=False)
sign = _unary("sign", E.sign, floats=False)
reciprocal = _unary("reciprocal", E.reciprocal)
sqrt = _unary("sqrt", E.sqrt)
rsqrt = _unary("rsqrt", E.rsqrt)
exp = _unary("exp", E.exp)
expm1 = _unary("expm1", E.expm1)
log = _unary("log", E.log)
log2 = _unary("log2", E.log2)
log10 = _unary("log10", E.log10)
log1p = _unary("log1p", E.log1p)
sin = _unary("sin", E.sin)
cos = _unary("cos", E.cos)
tan = _unary("tan", E.tan)
asin = _unary("asin", E.arcsin)
acos = _unary("acos", E.arccos)
atan = _unary("atan", E.arctan)
sinh = _unary("sinh", E.sinh)
cosh = _unary("cosh", E.cosh)
erf = _unary("erf", E.erf)
sigmoid = _unary("sigmoid", activation.sigmoid)
tanh = _unary("tanh", activation.tanh)
_round, _clamp = op(E.round), op(E.clamp)
_softmax, _log_softmax = op(activation.softmax), op(activation.log_softmax)


@method
def square(input: Tensor) -> Tensor:
    """x²"""
    return pow(input, 2)


@method
def exp2(input: Tensor) -> Tensor:
    """2ˣ"""
    return pow(2.0, floating(input))


@method
def round(input: Tensor, decimals: int = 0) -> Tensor:
    """The nearest whole numbers, halves to the even one."""
    return _round(input, decimals)


@method
def frac(input: Tensor) -> Tensor:
    """What follows the point."""
    return sub(input, trunc(input))


@method
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The values held between min and max."""
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        low = input if min is None else maximum(input, min)
        return low if max is None else minimum(low, max)
    return _clamp(to(input, result_type(input, *(b for b in (min, max) if b is not None))), low=min, high=max)


@method
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """The values, or min where they are smaller."""
    return clamp(input, min=min)


@method
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """The values, or max where they are larger."""
    return clamp(input, max=max)


@method
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln (x / (1 − x)), the inverse of sigmoid; eps keeps x away from 0 and 1."""
    x = floating(input) if eps is None else clamp(floating(input), eps, 1 - eps)
    return log(div(x, sub(1, x)))


@method
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    return _softmax(floating(in_dtype(input, dtype)), dim=dim)


@method
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, without overflow."""
    return _log_softmax(floating(in_dtype(input, dtype)), dim=dim)


multiply, subtract, divide = attach("multiply", mul), attach("subtract", sub), attach("divide", div)
negative, absolute, clip = attach("negative", neg), attach("absolute", abs), attach("clip", clamp)
arcsin, arccos, arctan = attach("arcsin", asin), attach("arccos", acos), attach("arctan", atan)
arctan2 = attach("arctan2", atan2)
