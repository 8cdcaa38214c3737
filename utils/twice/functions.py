"""torch's everyday functions and methods on tensors: the elementary kernels, lifted, under torch's names.

A function decorated with `method` is also the Tensor's method of that name, so `x.exp()` and `twice.exp(x)` are one.
Operands of different dtypes are brought together by torch's rules: a Python number never widens a tensor, a tensor
without axes never widens one that has some, and whole numbers meet floats as floats.
"""

import builtins
import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from inspect import signature
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor, change, op
from twice.creation import _shape, get_default_dtype
from twice.kernels import activation
from twice.kernels import elementary as E
from twice.kernels.pullback import Parts
from twice.printing import show

Number = int | float


def method(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """Make a function the Tensor's method too, under its own name or another."""
    if isinstance(function, str):
        return partial(_attach, function)
    return _attach(function.__name__, with_axis(function))


def _attach(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    setattr(Tensor, name, function)
    return function


def with_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `axis` and `keepdims`, NumPy's names, stand for `dim` and `keepdim`, as in torch."""
    if "dim" not in signature(function).parameters:
        return function

    @wraps(function)
    def named(*arguments: Any, **options: Any) -> Any:
        if "axis" in options:
            options["dim"] = options.pop("axis")
        if "keepdims" in options:
            options["keepdim"] = options.pop("keepdims")
        return function(*arguments, **options)

    return named


def _arrays(*things: Any) -> tuple:
    return tuple(t.array if isinstance(t, Tensor) else t for t in things)


# ── dtypes ──────────────────────────────────────────────────────────────────────────────────────────────────────

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def result_type(*operands: Any) -> np.dtype:
    """The dtype in which torch would combine these tensors and numbers."""
    result, rank = None, -1
    for group in _by_weight(operands):
        top = builtins.max((_RANK[d.kind] for d in group), default=-1)
        if top > rank:
            result, rank = np.result_type(*[d for d in group if _RANK[d.kind] == top]), top
    assert result is not None, "result_type: no operand came"
    return result


def _by_weight(operands: Sequence[Any]) -> tuple[list, list, list]:
    """The dtypes of tensors with axes, of tensors without, and of Python numbers."""
    groups: tuple[list, list, list] = ([], [], [])
    for x in operands:
        if isinstance(x, Tensor | np.ndarray | np.generic):
            groups[0 if x.ndim else 1].append(x.dtype)
        else:
            kind = {builtins.bool: np.dtype(bool), builtins.int: np.dtype("int64")}.get(
                x.__class__, get_default_dtype()
            )
            groups[2].append(kind)
    return groups


def _operand(x: Any) -> Any:
    """An array is a tensor; NumPy's scalars are Python numbers."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, Number):
        return x
    if isinstance(x, np.ndarray):
        return Tensor(x)
    raise TypeError(f"an operand is of type {x.__class__.__name__}, expected a tensor or a number")


def _is_bool(x: Any) -> bool:
    return x.dtype == np.bool_ if isinstance(x, Tensor | np.ndarray | np.generic) else isinstance(x, builtins.bool)


def _numbers(name: str, x: Any, y: Any, either: bool = False) -> tuple[Any, Any]:
    """`_together`, but masks are no numbers: both must not be bool (or either)."""
    bools = _is_bool(x) + _is_bool(y)
    if bools == 2 or (either and bools):
        raise TypeError(f"{name}: an operand is bool, expected numbers; for masks there are &, | and ^")
    return _together(x, y)


def _together(x: Any, y: Any) -> tuple[Any, Any]:
    """Both operands in the dtype of their combination; the common cases cost nothing."""
    x, y = _operand(x), _operand(y)
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        if x.array.dtype is y.array.dtype or x.array.dtype == y.array.dtype:
            return x, y
    elif isinstance(x, Tensor):
        if x.array.dtype.kind == "f" and isinstance(y, Number):
            return x, y
    elif isinstance(y, Tensor):
        if y.array.dtype.kind == "f" and isinstance(x, Number):
            return x, y
    else:
        x = creation.tensor(x)
    dtype = result_type(x, y)
    return tuple(to(t, dtype) if isinstance(t, Tensor) else t for t in (x, y))  # type: ignore[return-value]


def _floating(x: Tensor) -> Tensor:
    return x if x.array.dtype.kind == "f" else to(x, get_default_dtype())


_cast = op(E.cast)


@method
def to(self: Tensor, *targets: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """The tensor in another dtype; a device may be named if it is the CPU."""
    for target in (*targets, device):
        if isinstance(target, Tensor):
            dtype = target.dtype
        elif isinstance(target, str | creation.device):
            creation.device(target)
        elif target is not None and not isinstance(target, builtins.bool):
            dtype = target
    if dtype is None or self.array.dtype == dtype:
        return clone(self) if copy else self
    return _cast(self, dtype=np.dtype(dtype))


def _as_dtype(dtype: np.dtype) -> Callable[[Tensor], Tensor]:
    return lambda self: to(self, dtype)


for _name, _dtype in {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
                      "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool"}.items():  # fmt: skip
    setattr(Tensor, _name, _as_dtype(np.dtype(_dtype)))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, other.dtype)


@method("type")
def _type(self: Tensor, dtype: Any = None) -> Any:
    if dtype is None:
        raise NotImplementedError("type: without a dtype it names a class of torch's, use x.dtype")
    return to(self, dtype)


# ── arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────


def _binary(
    kernel: Callable[..., Any], name: str, floating: bool = False, meet: Callable[..., tuple] = _together
) -> Callable[..., Any]:
    lifted = op(kernel, name)

    def function(input: Any, other: Any, **options: Any) -> Tensor:
        x, y = meet(input, other)
        if floating:
            x, y = (_floating(t) if isinstance(t, Tensor) else t for t in (x, y))
        return lifted(x, y, **options)

    function.__name__, function.__doc__ = name, kernel.__doc__
    setattr(Tensor, name, function)
    return function


add, mul = _binary(E.add, "add"), _binary(E.mul, "mul")
sub = _binary(E.sub, "sub", meet=partial(_numbers, "sub", either=True))
true_divide, atan2 = _binary(E.div, "true_divide", floating=True), _binary(E.arctan2, "atan2", floating=True)
maximum, minimum = _binary(E.maximum, "maximum"), _binary(E.minimum, "minimum")
remainder, fmod, pow = (
    _binary(kernel, name, meet=partial(_numbers, name))
    for kernel, name in ((E.remainder, "remainder"), (E.fmod, "fmod"), (E.power, "pow"))
)
_divide_floor, _divide_trunc = op(E.divide_floor, "floor_divide"), op(E.divide_trunc, "trunc_divide")


@method
def div(input: Any, other: Any, rounding_mode: str | None = None) -> Tensor:
    """The quotient; with a rounding mode ('floor' or 'trunc') a whole number."""
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(f"div: rounding_mode is {rounding_mode!r}, expected None, 'floor' or 'trunc'")
    return (_divide_floor if rounding_mode == "floor" else _divide_trunc)(*_numbers("div", input, other))


@method
def floor_divide(input: Any, other: Any) -> Tensor:
    """⌊input / other⌋, off the tape: torch knows no derivative either."""
    return _divide_floor(*_numbers("floor_divide", input, other)).detach()


def _unary(kernel: Callable[..., Any], name: str, floating: bool = True) -> Callable[..., Any]:
    lifted = op(kernel, name)

    def function(input: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return lifted(_floating(input) if floating else input, *arguments, **options)

    function.__name__, function.__doc__ = name, kernel.__doc__
    setattr(Tensor, name, function)
    return function


exp, expm1 = _unary(E.exp, "exp"), _unary(E.expm1, "expm1")
log, log2, log10, log1p = (
    _unary(E.log, "log"),
    _unary(E.log2, "log2"),
    _unary(E.log10, "log10"),
    _unary(E.log1p, "log1p"),
)
sqrt, rsqrt = _unary(E.sqrt, "sqrt"), _unary(E.rsqrt, "rsqrt")
reciprocal = _unary(E.reciprocal, "reciprocal")
sin, cos, tan = _unary(E.sin, "sin"), _unary(E.cos, "cos"), _unary(E.tan, "tan")
asin, acos, atan = _unary(E.arcsin, "asin"), _unary(E.arccos, "acos"), _unary(E.arctan, "atan")
sinh, cosh, erf = _unary(E.sinh, "sinh"), _unary(E.cosh, "cosh"), _unary(E.erf, "erf")
floor, ceil, trunc, sign = (
    _unary(partial(E.flat, getattr(np, n)), n, floating=False) for n in ("floor", "ceil", "trunc", "sign")
)
_round = op(partial(E.flat, np.round), "round")
sigmoid, tanh = _unary(activation.sigmoid, "sigmoid"), _unary(activation.tanh, "tanh")
relu = _unary(activation.relu, "relu", floating=False)
abs = _unary(E.absolute, "abs", floating=False)
neg = _unary(E.negative, "neg", floating=False)
clone = _unary(E.clone, "clone", floating=False)
_clamp, _softmax, _log_softmax = op(E.clamp), op(activation.softmax), op(activation.log_softmax)


@method
def square(input: Tensor) -> Tensor:
    """x²"""
    return pow(input, 2)


@method
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The values held between min and max."""
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        low = input if min is None else maximum(input, min)
        return low if max is None else minimum(low, max)
    return _clamp(to(input, result_type(input, *(b for b in (min, max) if b is not None))), low=min, high=max)


@method
def round(input: Tensor, decimals: int = 0) -> Tensor:
    """The nearest whole numbers, halves to the even one."""
    return _round(input, decimals)


@method
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """The values, or min where they are smaller."""
    return clamp(input, min=min)


@method
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """The values, or max where they are larger."""
    return clamp(input, max=max)


@method
def exp2(input: Tensor) -> Tensor:
    """2ˣ"""
    return pow(2.0, _floating(input))


@method
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln (x / (1 − x)), the inverse of sigmoid; eps keeps x away from 0 and 1."""
    x = _floating(input) if eps is None else clamp(_floating(input), eps, 1 - eps)
    return log(div(x, sub(1, x)))


@method
def frac(input: Tensor) -> Tensor:
    """What follows the point."""
    return sub(input, trunc(input))


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


@method
def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """NaN and the infinities replaced by numbers."""
    limits = np.finfo(input.dtype) if is_floating_point(input) else None
    if limits is None:
        return input
    y = masked_fill(input, isnan(input), nan)
    y = masked_fill(y, eq(y, math.inf), builtins.float(limits.max) if posinf is None else posinf)
    return masked_fill(y, eq(y, -math.inf), builtins.float(limits.min) if neginf is None else neginf)


@method
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    return _softmax(_floating(input if dtype is None else to(input, dtype)), dim=dim)


@method
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, without overflow."""
    return _log_softmax(_floating(input if dtype is None else to(input, dtype)), dim=dim)


def _answer(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function whose values know no slope, such as a comparison: the tape ends here."""

    def asked(input: Any, *others: Any) -> Tensor:
        return Tensor(function(*_arrays(*(_together(input, others[0]) if others else (input,)))))

    asked.__name__ = name
    setattr(Tensor, name, asked)
    return asked


isnan, isinf, isfinite, logical_not, logical_and, logical_or, logical_xor = (
    _answer(getattr(np, n), n)
    for n in ("isnan", "isinf", "isfinite", "logical_not", "logical_and", "logical_or", "logical_xor")
)
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = (
    _answer(getattr(np, n), n) for n in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")
)
eq, ne, lt, le, gt, ge = (
    _answer(f, n)
    for f, n in (
        (np.equal, "eq"),
        (np.not_equal, "ne"),
        (np.less, "lt"),
        (np.less_equal, "le"),
        (np.greater, "gt"),
        (np.greater_equal, "ge"),
    )
)


@method
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Which entries agree within a tolerance."""
    return Tensor(np.isclose(input.array, other.array, rtol, atol, equal_nan))


def isin(elements: Tensor, test_elements: Any) -> Tensor:
    """Which entries occur among others."""
    return Tensor(np.isin(*_arrays(elements, test_elements)))


# ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────

_sum, _mean, _var, _std, _prod = op(E.sum), op(E.mean), op(E.var), op(E.std), op(E.prod)
_max, _min, _amax, _amin = op(E.maximum_along, "max"), op(E.minimum_along, "min"), op(E.amax), op(E.amin)
_logsumexp, _cumsum, _cumprod = op(E.logsumexp), op(E.cumsum), op(E.cumprod)
_norm, _median = op(E.norm), op(E.median)


@method
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Σ over some axes, or all."""
    return _sum(input if dtype is None else to(input, dtype), dim=dim, keepdim=keepdim)


@method
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The average over some axes, or all."""
    return _mean(input if dtype is None else to(input, dtype), dim=dim, keepdim=keepdim)


def _correction(dim: Any, unbiased: bool | None, correction: Any) -> tuple[Any, Any]:
    if isinstance(dim, builtins.bool):  # torch's older form: var(x, unbiased)
        dim, unbiased = None, dim
    return dim, correction if unbiased is None else builtins.int(unbiased)


@method
def var(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1) -> Tensor:
    """The variance, divided by n − 1 unless told otherwise."""
    dim, correction = _correction(dim, unbiased, correction)
    return _var(input, dim=dim, correction=correction, keepdim=keepdim)


@method
def std(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1) -> Tensor:
    """The standard deviation, divided by n − 1 unless told otherwise."""
    dim, correction = _correction(dim, unbiased, correction)
    return _std(input, dim=dim, correction=correction, keepdim=keepdim)


def var_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1
) -> tuple:
    """The variance, and the mean."""
    return var(input, dim, unbiased, keepdim, correction=correction), mean(
        input, None if isinstance(dim, builtins.bool) else dim, keepdim
    )


def std_mean(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = 1
) -> tuple:
    """The standard deviation, and the mean."""
    return std(input, dim, unbiased, keepdim, correction=correction), mean(
        input, None if isinstance(dim, builtins.bool) else dim, keepdim
    )


@method
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Π over an axis, or over all."""
    return _prod(input if dtype is None else to(input, dtype), dim=dim, keepdim=keepdim)


@method
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Σ over what is a number."""
    return sum(masked_fill(input, isnan(input), 0), dim, keepdim)


@method
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The average of what is a number."""
    return div(nansum(input, dim, keepdim), sum(logical_not(isnan(input)), dim, keepdim))


@method
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many entries are not zero."""
    return sum(ne(input, 0), dim)


@method
def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The largest entry; equal ones share the gradient."""
    return _amax(input, dim=dim, keepdim=keepdim)


@method
def amin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The smallest entry; equal ones share the gradient."""
    return _amin(input, dim=dim, keepdim=keepdim)


class Extreme(tuple):
    """What `max(dim)`, `sort` and `topk` return: values and indices."""

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _extreme(input: Tensor, dim: Any, keepdim: bool, along: Any, whole: Any, pairwise: Any) -> Any:
    if isinstance(dim, Tensor):
        return pairwise(input, dim)
    return whole(input) if dim is None else Extreme(along(input, dim=dim, keepdim=keepdim))


@method
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest of all; or along an axis, with its index; or of two tensors."""
    return _extreme(input, dim, keepdim, _max, amax, maximum)


@method
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest of all; or along an axis, with its index; or of two tensors."""
    return _extreme(input, dim, keepdim, _min, amin, minimum)


@method
def median(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The middle of all entries (the lower of two); or along an axis, with its index."""
    if dim is None:
        return _median(flatten(input), dim=0)[0]
    return Extreme(_median(input, dim=dim, keepdim=keepdim))


@method
def argmax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the largest entry stands (the first of equals)."""
    return Tensor(np.argmax(input.array, axis=dim if input.ndim else None, keepdims=keepdim))


@method
def argmin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the smallest entry stands (the first of equals)."""
    return Tensor(np.argmin(input.array, axis=dim if input.ndim else None, keepdims=keepdim))


@method
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ along axes."""
    return _logsumexp(input, dim=dim, keepdim=keepdim)


@method
def cumsum(input: Tensor, dim: int) -> Tensor:
    """Running sums along an axis."""
    return _cumsum(input, dim=dim)


@method
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """The differences of neighbours, n times."""
    for _ in range(n):
        length = input.shape[dim]
        input = sub(narrow(input, dim, 1, length - 1), narrow(input, dim, 0, length - 1))
    return input


@method
def cumprod(input: Tensor, dim: int) -> Tensor:
    """Running products along an axis."""
    return _cumprod(input, dim=dim)


@method
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p); ±∞ for the largest and the smallest |x|."""
    if p == "nuc":
        raise NotImplementedError("norm: p='nuc' (the sum of the singular values) is not supported")
    x = input if dtype is None else to(input, dtype)
    return _norm(x, p=2 if p in ("fro", None) else p, dim=dim, keepdim=keepdim)


@method
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The norm of the difference."""
    return norm(sub(input, other), p)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """The distance of each row of x1 from each row of x2."""
    return norm(sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), p, -1)


@method
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether every entry is true."""
    return _truths(np.all, input, dim, keepdim)


@method
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some entry is true."""
    return _truths(np.any, input, dim, keepdim)


def _truths(reduce: Callable[..., Any], input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    axes = dim if dim == () else E.axes_of(input.array, dim)
    return Tensor(np.asarray(reduce(input.array, axis=axes, keepdims=keepdim)))


_sort, _topk = op(E.sort), op(E.topk)


@method
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Extreme:
    """The entries along an axis in order, and where each came from."""
    return Extreme(_sort(input, dim=dim, descending=descending))


@method
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Where each entry of the sorted axis came from."""
    return _sort(input, dim=dim, descending=descending)[1]


@method
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Extreme:
    """The k largest (or smallest) entries along an axis, and where each stands."""
    return Extreme(_topk(input, k=k, dim=dim, largest=largest))


# ── products of matrices ────────────────────────────────────────────────────────────────────────────────────────

_matmul = op(E.matmul)
_einsum, _diagonal, _diagonal_embed = op(E.einsum), op(E.diagonal), op(E.diagonal_embed)


@method
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of matrices, or of batches of them; a tensor with one axis is a row, or a column."""
    return _matmul(input, other)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein's sum over repeated letters."""
    given = operands[0] if isinstance(operands[0], list | tuple) else operands
    return _einsum(*given, equation=equation)


def _product(name: str, ranks: tuple[int, int]) -> Callable[..., Any]:
    def function(input: Tensor, other: Tensor) -> Tensor:
        if (input.ndim, other.ndim) != ranks:
            raise ValueError(f"{name}: shapes {input.shape} and {other.shape}, expected {ranks[0]} and {ranks[1]} axes")
        return matmul(input, other)

    function.__name__, function.__doc__ = name, f"The product of tensors with {ranks[0]} and {ranks[1]} axes."
    setattr(Tensor, name, function)
    return function


mm, bmm, mv, dot = _product("mm", (2, 2)), _product("bmm", (3, 3)), _product("mv", (2, 1)), _product("dot", (1, 1))


@method
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    """β input + α mat1 mat2"""
    return add(mul(input, beta), mm(mat1, mat2), alpha=alpha)


@method
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    """β input + α batch1 batch2, matrix by matrix"""
    return add(mul(input, beta), bmm(batch1, batch2), alpha=alpha)


@method
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two axes, as the last axis (a copy, where torch gives a view)."""
    return _diagonal(input, offset=offset, dim1=dim1, dim2=dim2)


@method
def diag_embed(input: Tensor, offset: int = 0) -> Tensor:
    """Matrices with the last axis on their diagonal."""
    return _diagonal_embed(input, offset=offset)


@method
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix, or the matrix with this diagonal."""
    if input.ndim not in (1, 2):
        raise ValueError(f"diag: the tensor has shape {input.shape}, expected 1 or 2 axes")
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, offset=diagonal)


@method
def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal."""
    return sum(diag(input))


@method
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the entries of two vectors."""
    return mul(unsqueeze(input, 1), unsqueeze(vec2, 0))


# ── shape ───────────────────────────────────────────────────────────────────────────────────────────────────────

_reshape, _permute, _expand, _repeat = op(E.reshape), op(E.permute), op(E.expand), op(E.repeat)
_flip, _roll, _triangle = op(E.flip), op(E.roll), op(E.triangle)


@method
def reshape(input: Tensor, *lengths: Any, shape: Any = ()) -> Tensor:
    """The same entries in another shape; one length may be −1."""
    return _reshape(input, shape=_shape(lengths or tuple(shape)))


@method
def view(self: Tensor, *shape: Any) -> Tensor:
    """`reshape` that promises to share memory."""
    out = reshape(self, *shape)
    if out._storage is not self._storage:
        raise RuntimeError(f"view: a tensor of shape {self.shape} with strides {self.array.strides} cannot be seen as "
                           f"{_shape(shape)} without a copy, expected reshape() or contiguous() first")  # fmt: skip
    return out


@method
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor."""
    return view(self, other.shape)


@method
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor."""
    return reshape(self, other.shape)


@method
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Several neighbouring axes as one."""
    start, end = E.axis_of(input.array, start_dim), E.axis_of(input.array, end_dim)
    if start > end:
        raise ValueError(f"flatten: start_dim is {start_dim} and end_dim {end_dim}, expected them in order")
    shape = input.shape or (1,)
    return reshape(input, *shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


@method
def ravel(input: Tensor) -> Tensor:
    """All entries in one row."""
    return reshape(input, -1)


@method
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several."""
    axis = E.axis_of(input.array, dim)
    return reshape(input, *input.shape[:axis], *sizes, *input.shape[axis + 1 :])


@method
def permute(input: Tensor, *order: Any, dims: Any = ()) -> Tensor:
    """The axes in another order."""
    return _permute(input, dims=_shape(order or tuple(dims)))


@method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    first, second = E.axis_of(input.array, dim0), E.axis_of(input.array, dim1)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = second, first
    return _permute(input, dims=tuple(order))


swapaxes = swapdims = transpose


@method
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places."""
    sources, places = E.axes_of(input.array, source), E.axes_of(input.array, destination)
    order = [d for d in range(input.ndim) if d not in sources]
    for place, axis in sorted(zip(places, sources)):
        order.insert(place, axis)
    return _permute(input, dims=tuple(order))


moveaxis = movedim


@method
def t(input: Tensor) -> Tensor:
    """A matrix, transposed."""
    if input.ndim > 2:
        raise ValueError(f"t: the tensor has shape {input.shape}, expected at most 2 axes")
    return input if input.ndim < 2 else transpose(input, 0, 1)


@method
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without axes of length one."""
    axes = E.axes_of(input.array, dim)
    return reshape(input, tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in axes))


@method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length one."""
    place = E.axis_of(input.array[None], dim)
    return reshape(input, (*input.shape[:place], 1, *input.shape[place:]))


@method
def expand(self: Tensor, *sizes: Any, size: Any = ()) -> Tensor:
    """Axes of length one repeated, without a copy."""
    return _expand(self, shape=_shape(sizes or tuple(size)))


@method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return _expand(self, shape=other.shape)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All in the shape that they have together."""
    shape = np.broadcast_shapes(*[t.shape for t in tensors])
    return tuple(_expand(t, shape=shape) for t in tensors)


def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """`expand` as a function."""
    return _expand(input, shape=tuple(shape))


@method
def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """Copies side by side along each axis."""
    return _repeat(self, counts=_shape(repeats))


@method
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat` with ones in front where counts are missing."""
    counts = _shape(dims)
    return _repeat(input, counts=(*(1,) * (input.ndim - len(counts)), *counts))


@method
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Each entry several times in a row."""
    x = flatten(input) if dim is None else input
    axis = 0 if dim is None else E.axis_of(input.array, dim)
    if isinstance(repeats, Tensor):
        return index_select(x, axis, Tensor(np.repeat(np.arange(x.shape[axis]), repeats.array)))
    copies = expand(unsqueeze(x, axis + 1), *x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return flatten(copies, axis, axis + 1)


@method
def flip(input: Tensor, *axes: Any, dims: Any = ()) -> Tensor:
    """The entries in reverse order along axes."""
    return _flip(input, dims=_shape(axes or (dims if isinstance(dims, builtins.int) else tuple(dims),)))


@method
def fliplr(input: Tensor) -> Tensor:
    """The second axis reversed."""
    return flip(input, 1)


@method
def flipud(input: Tensor) -> Tensor:
    """The first axis reversed."""
    return flip(input, 0)


@method
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of one size along an axis, as a last axis (a copy, where torch gives a view)."""
    axis = E.axis_of(self.array, dimension)
    starts = np.arange(0, self.shape[axis] - size + 1, step)
    windows = _getitem(self, index=(*[slice(None)] * axis, starts[:, None] + np.arange(size)))
    return movedim(windows, axis + 1, -1)


@method
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """The entries shifted along axes, around the end."""
    return _roll(input, shifts=shifts, dims=dims)


@method
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle, zero above."""
    return _triangle(input, diagonal=diagonal, lower=True)


@method
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle, zero below."""
    return _triangle(input, diagonal=diagonal, lower=False)


@method
def contiguous(self: Tensor) -> Tensor:
    """The tensor with its entries in row-major order in memory: itself where they are."""
    return self if self.array.flags.c_contiguous else clone(self)


@method
def is_contiguous(self: Tensor) -> bool:
    """Whether the entries lie in row-major order."""
    return self.array.flags.c_contiguous


# ── joining, parting, choosing ──────────────────────────────────────────────────────────────────────────────────

_concatenate, _stack, _split, _unbind = op(E.concatenate, "cat"), op(E.stack), op(E.split), op(E.unbind)
_getitem, _gather, _where, _masked_fill = op(E.getitem), op(E.gather), op(E.where), op(E.masked_fill)


@with_axis
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """One after the other along an axis."""
    dtype, rank = result_type(*tensors), builtins.max(x.ndim for x in tensors)
    full = [
        x for x in tensors if x.ndim == rank or x.shape != (0,)
    ]  # torch passes over an empty row, whatever the rank
    return _concatenate(*[to(x, dtype) for x in full], dim=dim)


concat = concatenate = cat


@with_axis
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Side by side along a new axis."""
    dtype = result_type(*tensors)
    return _stack(*[to(x, dtype) for x in tensors], dim=dim)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """One after the other along the second axis, rows along their only one."""
    return cat([atleast_1d(x) for x in tensors], 0 if tensors[0].ndim < 2 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """One below the other."""
    return cat([atleast_2d(x) for x in tensors], 0)


def atleast_1d(input: Tensor) -> Tensor:
    """With at least one axis."""
    return input if input.ndim else reshape(input, 1)


def atleast_2d(input: Tensor) -> Tensor:
    """With at least two axes, new ones in front."""
    return input if input.ndim > 1 else reshape(input, 1, -1)


@method
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Stretches of one length (the last may be shorter), or of given lengths."""
    sizes, length = split_size_or_sections, tensor.shape[dim]
    if isinstance(sizes, builtins.int):
        if sizes < 1 and (sizes < 0 or length):
            raise ValueError(f"split: split_size is {sizes}, expected at least 1")
        sizes = [builtins.min(sizes, length - start) for start in range(0, length, sizes or 1)] or [0]
    return _split(tensor, sizes=list(sizes), dim=dim)


@method
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many stretches of equal length (the last may be shorter)."""
    length = input.shape[dim]
    return split(input, -(-length // chunks) if length else [0] * chunks, dim)


@method
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """So many stretches as equal as can be, or those between given places."""
    pieces, length = indices_or_sections, input.shape[dim]
    if isinstance(pieces, builtins.int):
        return split(input, [length // pieces + (i < length % pieces) for i in range(pieces)], dim)
    ends = [slice(None, e).indices(length)[1] for e in pieces]
    return tuple(
        narrow(input, dim, start, builtins.max(end - start, 0)) for start, end in zip([0, *ends], [*ends, length])
    )


@method
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return _unbind(input, dim=dim)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, else `other`; alone, the indices where it holds."""
    if input is None:
        return nonzero(condition, as_tuple=True)
    dtype = result_type(input, other)
    return _where(
        condition, *(to(v, dtype) if isinstance(v, Tensor) else creation.tensor(v, dtype) for v in (input, other))
    )


@method("where")
def _choose(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    return where(condition, self, other)


@method
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """One value wherever the mask holds."""
    return _masked_fill(input, mask, value)


@method
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """y[i, j] = x[index[i, j], j] for dim 0, and so on."""
    return _gather(input, index, dim=dim)


@method
def take_along_dim(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    """`gather`, with the other axes broadcast."""
    axis = E.axis_of(input.array, dim)
    shape = lambda t, own: (*t.shape[:axis], own, *t.shape[axis + 1 :])
    both = np.broadcast_shapes(shape(input, 1), shape(indices, 1))
    fit = lambda t: expand(t, *both[:axis], t.shape[axis], *both[axis + 1 :])
    return gather(fit(input), dim, fit(indices))


_scatter, _index_add = op(E.scatter), op(E.index_add)


@method
def scatter(input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """A copy with y[index[i, j], j] = src[i, j] for dim 0, and so on."""
    return _scatter(input, index, src, dim=dim)


@method
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy with y[index[i, j], j] += src[i, j] for dim 0, and so on."""
    return _scatter(input, index, src, dim=dim, add=True)


@method
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float = 1) -> Tensor:
    """A copy where each slice of `source` is added to the slice that the index names."""
    return _index_add(input, index, source, dim=dim, alpha=alpha)


@method
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices that the index names."""
    axis = E.axis_of(input.array, dim)
    E.require_indices("index_select: index", index.array, input.shape[axis])
    return _getitem(input, index=(*[slice(None)] * axis, index.array.copy()))


@method
def take(input: Tensor, index: Tensor) -> Tensor:
    """The entries that the index names, counted along all rows."""
    return _getitem(flatten(input), index=_index(index))


@method
def index_fill(input: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """A copy with one value in the slices that the index names."""
    return clone(input).index_fill_(dim, index, value)  # type: ignore[attr-defined]


@method
def index_fill_(self: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """One value in the slices that the index names."""
    E.require_indices("index_fill: index", index.array, self.shape[dim])
    self[(*[slice(None)] * E.axis_of(self.array, dim), index)] = value  # type: ignore[index]
    return self


@method
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One slice of an axis."""
    return _getitem(input, index=(*[slice(None)] * E.axis_of(input.array, dim), index))


@method
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The entries where the mask holds, in one row."""
    return _getitem(input, index=np.broadcast_to(mask.array, input.shape))


@method
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A stretch of an axis."""
    axis = E.axis_of(input.array, dim)
    first = start + input.shape[axis] if start < 0 else start
    if not 0 <= first <= first + length <= input.shape[axis]:
        raise ValueError(
            f"narrow: start {start} and length {length}, expected a stretch of the {input.shape[axis]} entries"
        )
    return _getitem(input, index=(*[slice(None)] * axis, slice(first, first + length)))


@method
def nonzero(input: Tensor, as_tuple: bool = False) -> Any:
    """The indices of the entries that are not zero, a row each (or a tensor for each axis)."""
    if as_tuple:
        return tuple(Tensor(i) for i in np.nonzero(np.atleast_1d(input.array)))
    return Tensor(np.argwhere(input.array))


argwhere = nonzero


@method
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The different entries, sorted; with where each entry went, and how often each occurs."""
    values = np.unique(input.array, return_inverse=True, return_counts=True)
    inverse = values[1].reshape(input.shape)
    answers = [values[0], *[inverse] * return_inverse, *[values[2]] * return_counts]
    return tuple(map(Tensor, answers)) if len(answers) > 1 else Tensor(answers[0])


@method
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number occurs, or the sum of the weights of its occurrences."""
    return Tensor(np.bincount(input.array, None if weights is None else weights.array, minlength))


def searchsorted(sorted_sequence: Tensor, input: Any, right: bool = False) -> Tensor:
    """Where each value would stand in a sorted row."""
    if sorted_sequence.ndim != 1:
        raise NotImplementedError(f"searchsorted: sorted_sequence has shape {sorted_sequence.shape}, expected one axis")
    row, values = _arrays(sorted_sequence, input)
    return Tensor(np.searchsorted(row, values, side="right" if right else "left"))


def bucketize(input: Any, boundaries: Tensor, right: bool = False) -> Tensor:
    """The number of the bucket between boundaries that each value falls into."""
    return searchsorted(boundaries, input, right)


@method
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether two tensors agree within a tolerance."""
    return np.allclose(input.array, other.array, rtol, atol, equal_nan)


@method
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and entries."""
    return np.array_equal(input.array, other.array)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid."""
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is {indexing!r}, expected 'ij' or 'xy'")
    axes = list(tensors[0]) if isinstance(tensors[0], list | tuple) else list(tensors)
    swapped = indexing == "xy" and len(axes) > 1
    shape = [t.numel() for t in axes]
    grids = [expand(reshape(t, *(-1 if i == k else 1 for k in range(len(axes)))), *shape) for i, t in enumerate(axes)]
    return tuple(transpose(g, 0, 1) for g in grids) if swapped else tuple(grids)


# ── indexing ────────────────────────────────────────────────────────────────────────────────────────────────────


def _index(index: Any) -> Any:
    """An index with arrays of its own where tensors and lists stood."""
    if isinstance(index, tuple):
        return tuple(_index(i) for i in index)
    if isinstance(index, list | range):
        index = Tensor(np.asarray(index) if len(index) else np.empty(0, np.int64))
    if isinstance(index, Tensor | np.ndarray):
        array = np.array(index.array if isinstance(index, Tensor) else index)
        if array.dtype == np.uint8:
            raise NotImplementedError("indexing: a uint8 mask is not supported, expected bool or int64")
        return array.item() if array.ndim == 0 else array
    if isinstance(index, slice) and index.step is not None and index.step < 1:
        raise ValueError(f"indexing: step is {index.step}, expected at least 1; use flip()")
    return index


@method("__getitem__")
def _read(self: Tensor, index: Any) -> Tensor:
    return _getitem(self, index=_index(index))


@method("__setitem__")
def _write(self: Tensor, index: Any, value: Any) -> None:
    place, storage = _index(index), self._storage
    last = isinstance(value, Tensor) and value._storage is storage and value._seen == storage.history == self._seen + 1
    if last and _same_memory(value.array, *E.aim(self.array, place)):
        # x[i] += y: Python reads a view, changes it in place, which x has not seen, and writes it where it came from
        self._seen = storage.history
    value = value if isinstance(value, Tensor) else np.asarray(value, self.dtype)
    change("setitem", E.setitem, self, value, index=place, out=self.array)


def _same_memory(x: np.ndarray, y: np.ndarray, rest: tuple) -> bool:
    return rest == (...,) and x.__array_interface__ == y.__array_interface__


@method("__iter__")
def _iterate(self: Tensor) -> Any:
    if self.ndim == 0:
        raise TypeError("iteration: the tensor has no axes, expected at least one")
    return iter(unbind(self, 0))


# ── operators ───────────────────────────────────────────────────────────────────────────────────────────────────


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as an operator: for what is no operand, Python asks the other side."""

    def operator(self: Tensor, other: Any) -> Any:
        known = isinstance(other, Tensor | Number | np.ndarray | np.generic)
        return function(self, other) if known else NotImplemented

    return operator


for _symbol, _function in {
    "add": add, "sub": sub, "mul": mul, "truediv": true_divide, "pow": pow, "matmul": matmul,
    "floordiv": floor_divide, "mod": remainder, "and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor,
}.items():  # fmt: skip
    setattr(Tensor, f"__{_symbol}__", _operator(_function))
    setattr(Tensor, f"__r{_symbol}__", _operator(lambda self, other, f=_function: f(other, self)))
for _symbol, _function in {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}.items():
    setattr(Tensor, f"__{_symbol}__", _operator(_function))
for _symbol, _function in {"neg": neg, "abs": abs, "invert": bitwise_not}.items():
    setattr(Tensor, f"__{_symbol}__", _function)
multiply, subtract, divide, negative, absolute, clip = mul, sub, div, neg, abs, clamp
arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
for _name in (
    "multiply", "subtract", "divide", "negative", "absolute", "clip", "arcsin", "arccos", "arctan", "arctan2",
    "not_equal", "less", "less_equal", "greater", "greater_equal", "swapaxes", "swapdims", "moveaxis", "argwhere",
):  # fmt: skip
    setattr(Tensor, _name, globals()[_name])
setattr(Tensor, "__pos__", lambda self: self)  # noqa: B010
Tensor.bernoulli, Tensor.multinomial = creation.bernoulli, creation.multinomial  # type: ignore[attr-defined]

# ── in place ────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_place(kernel: Callable[..., Any], name: str) -> None:
    setattr(Tensor, name, lambda self, *others, **options: change(name, kernel, self, *others, **options))


_changing: dict[str, Callable[..., Any]] = {
    "add": E.add,
    "sub": E.sub,
    "mul": E.mul,
    "div": E.div,
    "pow": E.power,
    "remainder": E.remainder,
    "exp": E.exp,
    "log": E.log,
    "sqrt": E.sqrt,
    "reciprocal": E.reciprocal,
    "neg": E.negative,
    "abs": E.absolute,
    "sin": E.sin,
    "cos": E.cos,
    "rsqrt": E.rsqrt,
    "sigmoid": activation.sigmoid,
    "tanh": activation.tanh,
    "masked_fill": E.masked_fill,
    **{name: partial(E.flat, getattr(np, name)) for name in ("floor", "ceil", "round", "trunc", "sign")},
}
for _name, _kernel in _changing.items():
    _in_place(_kernel, f"{_name}_")
for _name in ("add", "sub", "mul", "pow"):
    setattr(Tensor, f"__i{_name}__", getattr(Tensor, f"{_name}_"))
Tensor.__itruediv__, Tensor.__imod__ = Tensor.div_, Tensor.remainder_  # type: ignore[attr-defined]


def _logic_in_place(kernel: Callable[..., Any], name: str) -> None:
    """`mask &= other` and its kin, which have no gradient."""
    setattr(Tensor, f"__{name}__", lambda self, other: change(name, lambda x, y: (kernel(x, y), None), self, other))


for _kernel, _name in ((np.bitwise_and, "iand"), (np.bitwise_or, "ior"), (np.bitwise_xor, "ixor")):
    _logic_in_place(_kernel, _name)


@method
def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input += value · tensor1 · tensor2"""
    return input.add_(mul(tensor1, tensor2), alpha=value)  # type: ignore[attr-defined]


@method
def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1) -> Tensor:
    """input += value · tensor1 / tensor2"""
    return input.add_(div(tensor1, tensor2), alpha=value)  # type: ignore[attr-defined]


@method
def lerp_(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """A share of the way to `end`, in place."""
    return input.add_(mul(sub(end, input), weight))  # type: ignore[attr-defined]


@method
def scatter_(self: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """self[index[i, j], j] = src[i, j] for dim 0, and so on."""
    return change("scatter_", E.scatter, self, index, src, dim=dim)


@method
def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """self[index[i, j], j] += src[i, j] for dim 0, and so on."""
    return change("scatter_add_", E.scatter, self, index, src, dim=dim, add=True)


@method
def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float = 1) -> Tensor:
    """Each slice of `source` is added to the slice that the index names."""
    return change("index_add_", E.index_add, self, index, source, dim=dim, alpha=alpha)


@method
def relu_(input: Tensor) -> Tensor:
    """Negative entries become zero, in the tensor's own memory."""
    return change("relu_", activation.relu, input, out=input.array)


@method
def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """The values held between min and max, in place."""
    return change("clamp_", E.clamp, input, low=min, high=max)


def _overwrite(x: np.ndarray, y: Any):
    """New values for old: what was there before has no part in them."""
    return np.broadcast_to(np.asarray(y, x.dtype), x.shape), Parts(np.zeros_like, lambda dy: dy)


@method
def clamp_min_(input: Tensor, min: Any) -> Tensor:
    """The values, or min where they are smaller, in place."""
    return clamp_(input, min=min)


@method
def clamp_max_(input: Tensor, max: Any) -> Tensor:
    """The values, or max where they are larger, in place."""
    return clamp_(input, max=max)


@method
def tril_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Zero above the lower triangle."""
    return change("tril_", E.triangle, self, diagonal=diagonal, lower=True)


@method
def triu_(self: Tensor, diagonal: int = 0) -> Tensor:
    """Zero below the upper triangle."""
    return change("triu_", E.triangle, self, diagonal=diagonal, lower=False)


@method
def fill_diagonal_(self: Tensor, fill_value: float) -> Tensor:
    """One value on the diagonal of a matrix."""
    rows = np.arange(builtins.min(self.shape))
    self[rows, rows] = fill_value  # type: ignore[index]
    return self


@method
def copy_(self: Tensor, src: Tensor) -> Tensor:
    """Take over the values of another tensor."""
    return change("copy_", _overwrite, self, src)


@method
def fill_(self: Tensor, value: Any) -> Tensor:
    """One value everywhere."""
    return change("fill_", _overwrite, self, value)


@method
def zero_(self: Tensor) -> Tensor:
    """Zero everywhere."""
    return fill_(self, 0)


@method
def bernoulli_(self: Tensor, p: float = 0.5, generator: Any = None) -> Tensor:
    """1 with probability p, else 0."""
    return fill_(self, creation.random_source(generator).random(self.shape) < p)


@method
def exponential_(self: Tensor, lambd: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with exponentially distributed random numbers."""
    return fill_(self, creation.random_source(generator).exponential(1 / lambd, self.shape))


@method
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with normal random numbers."""
    drawn = creation.random_source(generator).standard_normal(self.shape) * std + mean
    return fill_(self, drawn.astype(self.dtype))


@method
def uniform_(self: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with uniform random numbers."""
    drawn = creation.random_source(generator).uniform(a, b, self.shape)
    return fill_(self, drawn.astype(self.dtype))


# ── leaving the tape, and looking ───────────────────────────────────────────────────────────────────────────────


@method
def item(self: Tensor) -> Any:
    """The one entry as a Python number."""
    if self.array.size != 1:
        raise ValueError(f"item: the tensor has shape {self.shape}, expected one entry")
    return self.array.item()


@method
def tolist(self: Tensor) -> Any:
    """The entries as nested lists."""
    return self.array.tolist()


@method
def numpy(self: Tensor, force: bool = False) -> np.ndarray:
    """The array itself; a tensor on the tape must be detached first."""
    if self.requires_grad and not force:
        raise RuntimeError("numpy: the tensor requires a gradient, expected detach() first")
    return self.array


@method
def cpu(self: Tensor) -> Tensor:
    """The tensor itself: it is there already."""
    return self


@method
def cuda(self: Tensor, *_: Any) -> Tensor:
    """There is no other device."""
    raise NotImplementedError("cuda: twice computes with NumPy on the CPU; use torch for the GPU")


@method
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return creation.Size(self.shape) if dim is None else self.shape[dim]


@method
def numel(input: Tensor) -> int:
    """How many entries there are."""
    return input.array.size


@method
def dim(self: Tensor) -> int:
    """How many axes there are."""
    return self.array.ndim


Tensor.nelement, Tensor.ndimension = numel, dim  # type: ignore[attr-defined]
Tensor.element_size = lambda self: self.array.itemsize  # type: ignore[attr-defined]
Tensor.itemsize = property(lambda self: self.array.itemsize)  # type: ignore[attr-defined]
Tensor.nbytes = property(lambda self: self.array.nbytes)  # type: ignore[attr-defined]
Tensor.data_ptr = lambda self: self.array.ctypes.data  # type: ignore[attr-defined]


@method
def is_floating_point(input: Tensor) -> bool:
    """Whether the entries are floats."""
    return input.array.dtype.kind == "f"


def _new(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`new_zeros` and its kin: made in this tensor's dtype."""
    return lambda self, *args, dtype=None, **options: make(*args, dtype=dtype or self.dtype, **options)


for _name in ("zeros", "ones", "empty", "full", "tensor"):
    setattr(Tensor, f"new_{_name}", _new(getattr(creation, _name)))


@method
def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off the tape."""
    self._node, self.requires_grad = None, False
    return self


@method
def stride(self: Tensor) -> tuple[int, ...]:
    """How many entries apart neighbours along each axis lie in memory."""
    return tuple(s // self.array.itemsize for s in self.array.strides)


Tensor.device = property(lambda self: creation.device("cpu"))  # type: ignore[attr-defined]
Tensor.T = property(lambda self: permute(self, *range(self.ndim)[::-1]))  # type: ignore[attr-defined]
Tensor.mT = property(lambda self: transpose(self, -1, -2))  # type: ignore[attr-defined]
Tensor.is_cuda = False  # type: ignore[attr-defined]


@method("__len__")
def _length(self: Tensor) -> int:
    if self.ndim == 0:
        raise TypeError("len: the tensor has no axes, expected at least one")
    return self.shape[0]


@method("__bool__")
def _truth(self: Tensor) -> bool:
    if self.array.size != 1:
        raise ValueError(f"bool: the tensor has shape {self.shape}, expected one entry; use any() or all()")
    return builtins.bool(self.array.item())


Tensor.__float__ = lambda self: builtins.float(item(self))  # type: ignore[attr-defined]
Tensor.__int__ = lambda self: builtins.int(item(self))  # type: ignore[attr-defined]
Tensor.__index__ = lambda self: self.array.item().__index__()  # type: ignore[attr-defined]


@method("__contains__")
def _contains(self: Tensor, value: Any) -> bool:
    return builtins.bool(np.any(eq(self, value).array))


@method("__array__")
def _as_array(self: Tensor, dtype: Any = None, copy: Any = None) -> np.ndarray:
    return np.array(self.numpy(), dtype, copy=copy)  # type: ignore[attr-defined]


@method("__format__")
def _format(self: Tensor, form: str) -> str:
    return format(self.array.item(), form) if self.ndim == 0 else object.__format__(self, form)


@method("__repr__")
def _show(self: Tensor) -> str:
    return show(self)


_METHODS_ALONE = {  # torch has no function of these names
    "to", "type_as", "view", "view_as", "reshape_as", "expand", "expand_as", "repeat", "contiguous", "is_contiguous",
    "unfold", "addcmul_", "addcdiv_", "lerp_", "scatter_", "scatter_add_", "index_add_", "copy_", "bernoulli_",
    "exponential_", "index_fill_", "tril_", "triu_", "fill_diagonal_", "normal_", "uniform_", "item", "tolist", "numpy",
    "cpu", "cuda", "size", "dim", "stride",
}  # fmt: skip
__all__ = [
    name
    for name, thing in list(globals().items())
    if not name.startswith("_")
    and getattr(thing, "__module__", "") == __name__
    and name not in _METHODS_ALONE | {"method", "with_axis", "Extreme"}
]
