"""torch's everyday functions and methods on tensors: the elementary kernels, lifted, under torch's names.

A function decorated with `method` is also the Tensor's method of that name, so `x.exp()` and `twice.exp(x)` are one.
Operands of different dtypes are brought together by torch's rules: a Python number never widens a tensor, a tensor
without axes never widens one that has some, and whole numbers meet floats as floats.
"""

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor, change, op
from twice.creation import _shape, get_default_dtype
from twice.kernels import activation
from twice.kernels import elementary as E
from twice.kernels.pullback import Parts

Number = int | float


def method(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """Make a function the Tensor's method too, under its own name or another."""
    if isinstance(function, str):
        return lambda f: setattr(Tensor, function, f) or f
    setattr(Tensor, function.__name__, function)
    return function


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
            kind = {builtins.bool: np.dtype(bool), builtins.int: np.dtype("int64")}.get(type(x), get_default_dtype())
            groups[2].append(kind)
    return groups


def _together(x: Any, y: Any) -> tuple[Any, Any]:
    """Both operands in the dtype of their combination; the common cases cost nothing."""
    x = Tensor(x) if isinstance(x, np.ndarray | np.generic) else x
    y = Tensor(y) if isinstance(y, np.ndarray | np.generic) else y
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        if x.array.dtype is y.array.dtype or x.array.dtype == y.array.dtype:
            return x, y
    elif isinstance(x, Tensor):
        if x.array.dtype.kind == "f" and isinstance(y, Number):
            return x, y
    elif y.array.dtype.kind == "f" and isinstance(x, Number):
        return x, y
    dtype = result_type(x, y)
    return tuple(to(t, dtype) if isinstance(t, Tensor) else t for t in (x, y))  # type: ignore[return-value]


def _floating(x: Tensor) -> Tensor:
    return x if x.array.dtype.kind == "f" else to(x, get_default_dtype())


_cast = op(E.cast)


@method
def to(self: Tensor, *targets: Any, dtype: Any = None, device: Any = None, **_: Any) -> Tensor:
    """The tensor in another dtype; a device may be named if it is the CPU."""
    for target in (*targets, device):
        if isinstance(target, Tensor):
            dtype = target.dtype
        elif isinstance(target, str | creation.device):
            creation.device(target)
        elif target is not None and not isinstance(target, builtins.bool):
            dtype = target
    if dtype is None or self.array.dtype == dtype:
        return self
    return _cast(self, dtype=np.dtype(dtype))


for _name, _dtype in (
    ("float", np.float32),
    ("double", np.float64),
    ("half", np.float16),
    ("long", np.int64),
    ("int", np.int32),
    ("bool", np.bool_),
    ("byte", np.uint8),
):
    setattr(Tensor, _name, lambda self, dtype=np.dtype(_dtype): to(self, dtype))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, other.dtype)


# ── arithmetic ──────────────────────────────────────────────────────────────────────────────────────────────────


def _binary(kernel: Callable[..., Any], name: str, floating: bool = False) -> Callable[..., Any]:
    lifted = op(kernel, name)

    def function(input: Any, other: Any, **options: Any) -> Tensor:
        x, y = _together(input, other)
        if floating:
            x, y = (_floating(t) if isinstance(t, Tensor) else t for t in (x, y))
        return lifted(x, y, **options)

    function.__name__, function.__doc__ = name, kernel.__doc__
    setattr(Tensor, name, function)
    return function


add, sub, mul = _binary(E.add, "add"), _binary(E.sub, "sub"), _binary(E.mul, "mul")
true_divide = _binary(E.div, "true_divide", floating=True)
maximum, minimum = _binary(E.maximum, "maximum"), _binary(E.minimum, "minimum")
pow = _binary(E.power, "pow")


@method
def div(input: Any, other: Any, rounding_mode: str | None = None) -> Tensor:
    """The quotient; with a rounding mode ('floor' or 'trunc') a whole number."""
    if rounding_mode is None:
        return true_divide(input, other)
    x, y = _arrays(*_together(input, other))
    if rounding_mode == "floor":
        return Tensor(np.floor_divide(x, y))
    return Tensor(np.trunc(np.true_divide(x, y)).astype(result_type(input, other)))


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
sin, cos, tan, atan = _unary(E.sin, "sin"), _unary(E.cos, "cos"), _unary(E.tan, "tan"), _unary(E.arctan, "atan")
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
    return _clamp(input, low=min, high=max)


clip = clamp


@method
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along an axis."""
    return _softmax(_floating(input if dtype is None else to(input, dtype)), dim=dim)


@method
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """The logarithm of softmax, without overflow."""
    return _log_softmax(_floating(input if dtype is None else to(input, dtype)), dim=dim)


def _stepwise(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function that is flat between its steps: its gradient is zero, so the tape ends here."""

    def stepped(input: Any, *others: Any) -> Tensor:
        return Tensor(function(*_arrays(*(_together(input, others[0]) if others else (input,)))))

    stepped.__name__ = name
    setattr(Tensor, name, stepped)
    return stepped


floor, ceil, round, trunc = (_stepwise(getattr(np, n), n) for n in ("floor", "ceil", "round", "trunc"))
sign, isnan, isinf, isfinite = (_stepwise(getattr(np, n), n) for n in ("sign", "isnan", "isinf", "isfinite"))
logical_not, logical_and, logical_or = (
    _stepwise(getattr(np, n), n) for n in ("logical_not", "logical_and", "logical_or")
)
logical_xor = _stepwise(np.logical_xor, "logical_xor")
eq, ne, lt, le, gt, ge = (
    _stepwise(f, n)
    for f, n in (
        (np.equal, "eq"),
        (np.not_equal, "ne"),
        (np.less, "lt"),
        (np.less_equal, "le"),
        (np.greater, "gt"),
        (np.greater_equal, "ge"),
    )
)
floor_divide, remainder = _stepwise(np.floor_divide, "floor_divide"), _stepwise(np.remainder, "remainder")

# ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────

_sum, _mean, _var, _prod = op(E.sum), op(E.mean), op(E.var), op(E.prod)
_max, _min, _amax, _amin = op(E.maximum_along, "max"), op(E.minimum_along, "min"), op(E.amax), op(E.amin)
_logsumexp, _cumsum = op(E.logsumexp), op(E.cumsum)


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
    return sqrt(var(input, dim, unbiased, keepdim, correction=correction))


@method
def prod(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Π over an axis, or over all."""
    return _prod(input, dim=dim, keepdim=keepdim)


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
def argmax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the largest entry stands (the first of equals)."""
    return Tensor(np.argmax(input.array, axis=dim, keepdims=keepdim))


@method
def argmin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the smallest entry stands (the first of equals)."""
    return Tensor(np.argmin(input.array, axis=dim, keepdims=keepdim))


@method
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ along axes."""
    return _logsumexp(input, dim=dim, keepdim=keepdim)


@method
def cumsum(input: Tensor, dim: int) -> Tensor:
    """Running sums along an axis."""
    return _cumsum(input, dim=dim)


@method
def norm(input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """(Σ |x|ᵖ)^(1/p)."""
    if p == math.inf:
        return amax(abs(input), dim, keepdim)
    if p in (2, "fro"):
        return sqrt(sum(square(input), dim, keepdim))
    powers = abs(input) if p == 1 else pow(abs(input), p)
    return sum(powers, dim, keepdim) if p == 1 else pow(sum(powers, dim, keepdim), 1 / p)


@method
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether every entry is true."""
    return Tensor(np.all(input.array, axis=dim, keepdims=keepdim))


@method
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some entry is true."""
    return Tensor(np.any(input.array, axis=dim, keepdims=keepdim))


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

matmul = method(op(E.matmul))
_einsum = op(E.einsum)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein's sum over repeated letters."""
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    return _einsum(*operands, equation=equation)


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
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of the entries of two vectors."""
    return mul(unsqueeze(input, 1), unsqueeze(vec2, 0))


# ── shape ───────────────────────────────────────────────────────────────────────────────────────────────────────

_reshape, _permute, _expand, _repeat = op(E.reshape), op(E.permute), op(E.expand), op(E.repeat)
_flip, _roll, _triangle = op(E.flip), op(E.roll), op(E.triangle)


@method
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same entries in another shape; one length may be −1."""
    return _reshape(input, shape=_shape(shape))


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
    rank = input.ndim
    if rank == 0:
        return reshape(input, 1)
    start, end = start_dim % rank, end_dim % rank
    return reshape(input, *input.shape[:start], math.prod(input.shape[start : end + 1]), *input.shape[end + 1 :])


@method
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several."""
    axis = dim % input.ndim
    return reshape(input, *input.shape[:axis], *sizes, *input.shape[axis + 1 :])


@method
def permute(input: Tensor, *dims: Any) -> Tensor:
    """The axes in another order."""
    return _permute(input, dims=_shape(dims))


@method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    order = list(range(input.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _permute(input, dims=tuple(order))


swapaxes = method("swapaxes")(transpose)


@method
def movedim(input: Tensor, source: int, destination: int) -> Tensor:
    """One axis moved to another place."""
    order = [d for d in range(input.ndim) if d != source % input.ndim]
    order.insert(destination % input.ndim, source % input.ndim)
    return _permute(input, dims=tuple(order))


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
    place = dim % (input.ndim + 1)
    return reshape(input, (*input.shape[:place], 1, *input.shape[place:]))


@method
def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Axes of length one repeated, without a copy."""
    return _expand(self, shape=_shape(sizes))


@method
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor."""
    return _expand(self, shape=other.shape)


def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """`expand` as a function."""
    return _expand(input, shape=tuple(shape))


@method
def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """Copies side by side along each axis."""
    return _repeat(self, counts=_shape(repeats))


@method
def repeat_interleave(input: Tensor, repeats: int, dim: int | None = None) -> Tensor:
    """Each entry several times in a row."""
    x = flatten(input) if dim is None else input
    axis = 0 if dim is None else dim % input.ndim
    copies = expand(unsqueeze(x, axis + 1), *x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
    return flatten(copies, axis, axis + 1)


@method
def flip(input: Tensor, *dims: Any) -> Tensor:
    """The entries in reverse order along axes."""
    return _flip(input, dims=_shape(dims))


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


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """One after the other along an axis."""
    dtype = result_type(*tensors)
    return _concatenate(*[to(x, dtype) for x in tensors], dim=dim)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Side by side along a new axis."""
    return _stack(*tensors, dim=dim)


@method
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Stretches of one length (the last may be shorter), or of given lengths."""
    sizes, length = split_size_or_sections, tensor.shape[dim]
    if isinstance(sizes, builtins.int):
        sizes = [*[sizes] * (length // sizes), *([length % sizes] if length % sizes else [])]
    return _split(tensor, sizes=list(sizes), dim=dim)


@method
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many stretches of equal length (the last may be shorter)."""
    return split(input, -(-input.shape[dim] // chunks), dim)


@method
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return _unbind(input, dim=dim)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, else `other`; alone, the indices where it holds."""
    if input is None:
        return tuple(Tensor(i) for i in np.nonzero(condition.array))
    x, y = _together(input, other) if isinstance(input, Tensor) or isinstance(other, Tensor) else (
        creation.tensor(input),
        creation.tensor(other),
    )  # fmt: skip
    x, y = (creation.tensor(v, dtype=result_type(x, y)) if not isinstance(v, Tensor) else v for v in (x, y))
    return _where(condition, x, y)


@method
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """One value wherever the mask holds."""
    return _masked_fill(input, mask, value)


@method
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """y[i, j] = x[index[i, j], j] for dim 0, and so on."""
    return _gather(input, index, dim=dim)


_scatter = op(E.scatter)


@method
def scatter(input: Tensor, dim: int, index: Tensor, src: Any) -> Tensor:
    """A copy with y[index[i, j], j] = src[i, j] for dim 0, and so on."""
    return _scatter(input, index, src, dim=dim)


@method
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy with y[index[i, j], j] += src[i, j] for dim 0, and so on."""
    return _scatter(input, index, src, dim=dim, add=True)


@method
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices that the index names."""
    return _getitem(input, index=(*[slice(None)] * (dim % input.ndim), index.array))


@method
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The entries where the mask holds, in one row."""
    return _getitem(input, index=np.broadcast_to(mask.array, input.shape))


@method
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A stretch of an axis."""
    return _getitem(input, index=(*[slice(None)] * (dim % input.ndim), slice(start, start + length)))


@method
def nonzero(input: Tensor) -> Tensor:
    """The indices of the entries that are not zero, a row each."""
    return Tensor(np.argwhere(input.array))


def unique(input: Tensor) -> Tensor:
    """The different entries, sorted."""
    return Tensor(np.unique(input.array))


@method
def bincount(input: Tensor, minlength: int = 0) -> Tensor:
    """How often each whole number occurs."""
    return Tensor(np.bincount(input.array, minlength=minlength))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether two tensors agree within a tolerance."""
    return np.allclose(input.array, other.array, rtol, atol, equal_nan)


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and entries."""
    return np.array_equal(input.array, other.array)


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid."""
    grids = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    return tuple(Tensor(g) for g in np.meshgrid(*_arrays(*grids), indexing=indexing))


# ── indexing ────────────────────────────────────────────────────────────────────────────────────────────────────


def _index(index: Any) -> Any:
    """An index with arrays where tensors and lists stood."""
    if isinstance(index, tuple):
        return tuple(_index(i) for i in index)
    if isinstance(index, Tensor):
        return index.array
    if isinstance(index, slice):
        if index.step is not None and index.step < 1:
            raise ValueError(f"indexing: step is {index.step}, expected at least 1; use flip()")
        return index
    return np.asarray(index) if isinstance(index, list) else index


@method("__getitem__")
def _read(self: Tensor, index: Any) -> Tensor:
    return _getitem(self, index=_index(index))


@method("__setitem__")
def _write(self: Tensor, index: Any, value: Any) -> None:
    change("setitem", E.setitem, self, value if isinstance(value, Tensor) else np.asarray(value, self.dtype),
           index=_index(index))  # fmt: skip


@method("__iter__")
def _iterate(self: Tensor) -> Any:
    if self.ndim == 0:
        raise TypeError("iteration: the tensor has no axes, expected at least one")
    return iter(unbind(self, 0))


# ── operators ───────────────────────────────────────────────────────────────────────────────────────────────────

for _symbol, _function in {
    "add": add, "sub": sub, "mul": mul, "truediv": true_divide, "pow": pow, "matmul": matmul,
    "floordiv": floor_divide, "mod": remainder, "and": logical_and, "or": logical_or, "xor": logical_xor,
}.items():  # fmt: skip
    setattr(Tensor, f"__{_symbol}__", _function)
    setattr(Tensor, f"__r{_symbol}__", lambda self, other, f=_function: f(other, self))
for _symbol, _function in {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}.items():
    setattr(Tensor, f"__{_symbol}__", _function)
for _symbol, _function in {"neg": neg, "abs": abs, "invert": logical_not}.items():
    setattr(Tensor, f"__{_symbol}__", _function)
Tensor.divide = Tensor.div  # type: ignore[attr-defined]
Tensor.clip = clamp  # type: ignore[attr-defined]
Tensor.__hash__ = object.__hash__  # type: ignore[method-assign]

# ── in place ────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_place(kernel: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(self: Tensor, *others: Any, **options: Any) -> Tensor:
        return change(name, kernel, self, *others, **options)

    setattr(Tensor, name, function)
    return function


for _name, _kernel in {
    "add": E.add, "sub": E.sub, "mul": E.mul, "div": E.div, "pow": E.power, "exp": E.exp, "sqrt": E.sqrt, "neg": E.negative,
    "masked_fill": E.masked_fill, "sigmoid": activation.sigmoid, "tanh": activation.tanh,
}.items():  # fmt: skip
    _in_place(_kernel, f"{_name}_")
for _symbol, _name in {"iadd": "add_", "isub": "sub_", "imul": "mul_", "itruediv": "div_"}.items():
    setattr(Tensor, f"__{_symbol}__", getattr(Tensor, _name))


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


@method
def is_floating_point(input: Tensor) -> bool:
    """Whether the entries are floats."""
    return input.array.dtype.kind == "f"


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
Tensor.__index__ = lambda self: self.array.__index__()  # type: ignore[attr-defined]
Tensor.__contains__ = lambda self, value: builtins.bool((self.array == value).any())  # type: ignore[attr-defined]


@method("__array__")
def _as_array(self: Tensor, dtype: Any = None, copy: Any = None) -> np.ndarray:
    return np.array(self.numpy(), dtype, copy=copy)  # type: ignore[attr-defined]


@method("__repr__")
def _show(self: Tensor) -> str:
    """As torch prints it."""
    body = np.array2string(self.array, separator=", ", prefix="tensor(", threshold=1000, formatter=_formatter(self.array))
    parts = [body]
    if self.dtype not in (get_default_dtype(), np.dtype("int64"), np.dtype(bool)):
        parts.append(f"dtype={self.dtype}")
    if self._node is not None:
        parts.append(f"grad_fn={self._node}")
    elif self.requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


def _formatter(array: np.ndarray) -> dict:
    """Whole floats as '1.', others with four decimals, very large or small ones in powers of ten."""
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else None
    if finite is None or finite.size == 0:
        return {"bool_kind": str} if array.dtype.kind != "f" else {}
    if (finite == np.floor(finite)).all() and finite.max() < 1e8:
        form = lambda v: f"{v:.0f}." if np.isfinite(v) else str(v)
    else:
        smallest = finite[finite > 0].min()
        scientific = finite.max() > 1e8 or smallest < 1e-4 or finite.max() / smallest > 1000
        form = (lambda v: f"{v:.4e}") if scientific else (lambda v: f"{v:.4f}")
    width = builtins.max(len(form(v)) for v in array.ravel()[:2000])
    return {"float_kind": lambda v: form(v).rjust(width)}


__all__ = [
    name
    for name, thing in list(globals().items())
    if not name.startswith("_") and callable(thing) and getattr(thing, "__module__", "") in (__name__, "twice.autograd")
    and name not in ("method", "op", "change")
]  # fmt: skip
