"""Arithmetic, reductions and the moving of data: the verbs between the layers, each with its pullback.

Where two inputs meet, the gradients have the shape of the result; whoever broadcast them sums them back. What torch
calculates without a word (1/0, ln 0, NaN) NumPy warns of: whoever lifts these kernels onto tensors silences it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice.kernels import special
from twice.kernels.checks import Array
from twice.kernels.pullback import Parts

Number = int | float

# ── two inputs ──────────────────────────────────────────────────────────────────────────────────────────────────


def add(x, y, *, alpha: float = 1):
    """x + α y"""
    if alpha == 1:
        return np.add(x, y), Parts(lambda dz: dz, lambda dz: dz)
    return x + alpha * y, Parts(lambda dz: dz, lambda dz: alpha * dz)


def sub(x, y, *, alpha: float = 1):
    """x − α y"""
    value = np.subtract(x, y) if alpha == 1 else x - alpha * y
    return value, Parts(lambda dz: dz, lambda dz: -alpha * dz)


def mul(x, y):
    """x y"""
    return np.multiply(x, y), Parts(lambda dz: dz * y, lambda dz: dz * x)


def div(x, y):
    """x / y; with z = x/y, dy = −z dz / y"""
    z = np.true_divide(x, y)
    return z, Parts(lambda dz: dz / y, lambda dz: -dz * z / y)


def power(x, n):
    """xⁿ; dx = n xⁿ⁻¹ dz, dn = xⁿ ln x dz (0 where x = 0 and n ≥ 0)"""
    z = _power(x, n)

    def to_x(dz: Array) -> Array:
        slope = n * _power(x, n - 1)
        return dz * (slope if isinstance(n, Number) else only(slope, n != 0)) if np.any(n) else np.zeros_like(dz)

    def to_n(dz: Array) -> Array:
        slope = z * np.log(np.asarray(x, dz.dtype))
        return dz * only(slope, (np.asarray(x) != 0) | (n < 0))

    return z, Parts(to_x, to_n)


def _power(x, n):
    """np.power, but small whole exponents are products: several hundred times faster."""
    if not isinstance(n, Number) or n not in (-1, 0.5, 1, 2, 3, 4):
        return np.power(x, n)
    if n < 1:
        return np.sqrt(x) if n == 0.5 else np.reciprocal(_floating("pow", x))
    if n == 1:
        return x * 1
    square = x * x
    return square if n == 2 else square * (x if n == 3 else square)


def _floating(where: str, x: Array) -> Array:
    """x, if its entries are floats."""
    if x.dtype.kind != "f":
        raise TypeError(f"{where}: x has dtype {x.dtype}, expected a floating dtype such as float32")
    return x


def maximum(x, y):
    """The larger of two; where they are equal each gets half of the gradient, as in torch."""
    return np.maximum(x, y), Parts(lambda dz: dz * _wins(x < y, x == y), lambda dz: dz * _wins(y < x, x == y))


def minimum(x, y):
    """The smaller of two; where they are equal each gets half of the gradient, as in torch."""
    return np.minimum(x, y), Parts(lambda dz: dz * _wins(x > y, x == y), lambda dz: dz * _wins(y > x, x == y))


def _wins(loses: Array, tied: Array) -> Array:
    """1 for the winner, ½ for both of a tie, 0 for the loser."""
    return ~loses - np.float32(0.5) * tied


def remainder(x, y):
    """x − y ⌊x/y⌋, of the sign of y"""
    return np.remainder(x, y), Parts(lambda dz: dz, lambda dz: -dz * np.floor_divide(x, y))


def fmod(x, y):
    """x − y trunc(x/y), of the sign of x"""
    return np.fmod(x, y), Parts(lambda dz: dz, lambda dz: -dz * np.trunc(x / y))


def divide_floor(x, y):
    """⌊x/y⌋: a staircase, without slope"""
    return np.floor_divide(x, y), Parts(np.zeros_like, np.zeros_like)


def divide_trunc(x, y):
    """x/y without its fraction: a staircase, without slope"""
    z = np.trunc(np.true_divide(x, y)).astype(np.result_type(x, y), copy=False)
    return z, Parts(np.zeros_like, np.zeros_like)


def arctan2(y, x):
    """The angle of the point (x, y)"""
    square = x * x + y * y
    return np.arctan2(y, x), Parts(
        lambda dz: only(dz * x / square, square != 0), lambda dz: only(-dz * y / square, square != 0)
    )


def only(dy: Array, here: Array | bool) -> Array:
    """dy where the condition holds, else 0, also where dy is NaN: the bits of dy and a mask, as fast as a product."""
    bits = f"i{dy.dtype.itemsize}"
    return np.asarray(np.asarray(dy).view(bits) & -np.asarray(here).astype(bits)).view(dy.dtype)


def where(condition: Array, x, y):
    """x where the condition holds, else y"""
    _require_mask("where: condition", condition)
    return np.where(condition, x, y), Parts(None, lambda dz: only(dz, condition), lambda dz: only(dz, ~condition))


def masked_fill(x: Array, mask: Array, value: float):
    """x, with `value` where the mask holds"""
    _require_mask("masked_fill: mask", mask)
    y = np.where(mask, np.asarray(value, x.dtype), x)
    return y, Parts(lambda dy: only(dy, ~mask), None, lambda dy: np.sum(only(dy, mask)))


def _require_mask(what: str, mask: Array) -> None:
    if mask.dtype != bool:
        raise TypeError(f"{what} has dtype {mask.dtype}, expected bool")


# ── one input ───────────────────────────────────────────────────────────────────────────────────────────────────


def negative(x: Array):
    """−x"""
    return -x, lambda dy: -dy


def exp(x: Array):
    """eˣ"""
    y = np.exp(x)
    return y, lambda dy: dy * y


def expm1(x: Array):
    """eˣ − 1, exact near 0"""
    y = np.expm1(x)
    return y, lambda dy: dy * (y + 1)


def log(x: Array):
    """ln x"""
    return np.log(x), lambda dy: dy / x


def log2(x: Array):
    """log₂ x"""
    return np.log2(x), lambda dy: dy / (x * float(np.log(2)))


def log10(x: Array):
    """log₁₀ x"""
    return np.log10(x), lambda dy: dy / (x * float(np.log(10)))


def log1p(x: Array):
    """ln(1 + x), exact near 0"""
    return np.log1p(x), lambda dy: dy / (1 + x)


def sqrt(x: Array):
    """√x"""
    y = np.sqrt(x)

    def back(dy: Array) -> Array:
        return dy / (2 * y)

    return y, back


def rsqrt(x: Array):
    """1/√x"""
    y = 1 / np.sqrt(x)
    return y, lambda dy: dy * (-0.5 * y * y * y)


def reciprocal(x: Array):
    """1/x"""
    y = 1 / x
    return y, lambda dy: -dy * y * y


def absolute(x: Array):
    """|x|, with slope 0 at 0"""
    return np.abs(x), lambda dy: dy * np.sign(x)


def flat(step: Callable[..., Array], x: Array, *options: Any):
    """A function that is flat between its steps, such as sign or floor: its slope is 0"""
    return step(x, *options), np.zeros_like


def sin(x: Array):
    """sin x"""
    return np.sin(x), lambda dy: dy * np.cos(x)


def cos(x: Array):
    """cos x"""
    return np.cos(x), lambda dy: dy * -np.sin(x)


def tan(x: Array):
    """tan x; the slope is 1 + tan² x"""
    y = np.tan(x)
    return y, lambda dy: dy * (1 + y * y)


def arctan(x: Array):
    """The angle whose tangent is x"""
    return np.arctan(x), lambda dy: dy / (1 + x * x)


def arcsin(x: Array):
    """The angle whose sine is x"""
    return np.arcsin(x), lambda dy: dy / np.sqrt(1 - x * x)


def arccos(x: Array):
    """The angle whose cosine is x"""
    return np.arccos(x), lambda dy: -dy / np.sqrt(1 - x * x)


def sinh(x: Array):
    """(eˣ − e⁻ˣ)/2"""
    return np.sinh(x), lambda dy: dy * np.cosh(x)


def cosh(x: Array):
    """(eˣ + e⁻ˣ)/2"""
    return np.cosh(x), lambda dy: dy * np.sinh(x)


def erf(x: Array):
    """2/√π ∫₀ˣ e^(−t²) dt; the slope is 2/√π e^(−x²)"""
    return special.erf(x), lambda dy: dy * (2 / math.sqrt(math.pi) * np.exp(-x * x))


def clamp(x: Array, low: float | None = None, high: float | None = None):
    """x held between low and high; the gradient passes where x lies between them"""
    if low is None and high is None:
        raise ValueError("clamp: min and max are None, expected at least one of them")

    def back(dy: Array) -> Array:
        return only(dy, (low is None or x > low) & (high is None or x < high))

    return np.clip(x, low, high), back


def cast(x: Array, dtype: np.dtype):
    """The same values in another dtype; the gradient comes back in the old one"""
    before = x.dtype
    return x.astype(dtype), lambda dy: dy.astype(before)


def clone(x: Array):
    """A copy in memory of its own"""
    return x.copy(), lambda dy: dy


def identity(x: Array):
    """x itself"""
    return x[...], lambda dy: dy


# ── reductions ──────────────────────────────────────────────────────────────────────────────────────────────────

Axes = int | Sequence[int] | None


def axes_of(x: Array, dim: Axes) -> tuple[int, ...]:
    """The axes that `dim` names, all of them for None, counted from the front."""
    if dim is None or (not isinstance(dim, int | np.integer) and len(dim) == 0) or x.ndim == 0:
        return tuple(range(x.ndim))
    return tuple(axis_of(x, d) for d in ((dim,) if isinstance(dim, int | np.integer) else dim))


def axis_of(x: Array, dim: int) -> int:
    """The axis that `dim` names, counted from the front."""
    rank = max(x.ndim, 1)
    if not -rank <= dim < rank:
        raise IndexError(f"dim is {dim}, expected a value from {-rank} to {rank - 1} for shape {x.shape}")
    return int(dim % rank)


def _keep(reduced: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Give a reduced array its reduced axes back, as axes of length one."""
    return np.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(shape)))


def sum(x: Array, dim: Axes = None, keepdim: bool = False):
    """Σ x: each entry gets the gradient of the sum it went into"""
    axes, shape = axes_of(x, dim), x.shape
    if x.dtype.kind != "f":
        return np.sum(x, axis=axes, keepdims=keepdim, dtype=np.int64), lambda dy: None
    y = np.sum(x, axis=axes, keepdims=keepdim)
    return y, lambda dy: np.broadcast_to(_keep(dy, shape, axes), shape)


def mean(x: Array, dim: Axes = None, keepdim: bool = False):
    """Σ x / n"""
    axes, shape = axes_of(_floating("mean", x), dim), x.shape
    n = _count(shape, axes)
    y = np.sum(x, axis=axes, keepdims=keepdim) / x.dtype.type(n)
    return y, lambda dy: np.broadcast_to(_keep(dy / n, shape, axes), shape)


def _count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    return math.prod(shape[i] for i in axes)


def var(x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False):
    """Σ (x − mean)² / (n − correction); dx = 2 (x − mean) dy / (n − correction)"""
    axes, shape = axes_of(x, dim), x.shape
    centred = x - mean(x, dim, keepdim=True)[0]
    freedom = x.dtype.type(max(_count(shape, axes) - correction, 0))
    y = np.sum(centred * centred, axis=axes, keepdims=keepdim) / freedom

    def back(dy: Array) -> Array:
        return centred * (2 / freedom) * _keep(dy, shape, axes)

    return y, back


def std(x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False):
    """y = √var; dx = dvar dy / 2y, and 0 where all entries are equal"""
    y, to_x = var(x, dim, correction, keepdim)
    y = np.sqrt(y)

    def back(dy: Array) -> Array:
        return to_x(only(dy / (2 * y), y != 0))

    return y, back


def norm(x: Array, p: float = 2, dim: Axes = None, keepdim: bool = False):
    """y = (Σ |x|ᵖ)^(1/p); dx = dy sign(x) (|x|/y)ᵖ⁻¹, and 0 where y = 0. p = ±∞ is the largest (smallest) |x|."""
    axes, shape = axes_of(_floating("norm", x), dim), x.shape
    if abs(p) == math.inf:
        y, spread = (amax if p > 0 else amin)(np.abs(x), dim, keepdim)
        return y, lambda dy: spread(dy) * np.sign(x)
    if p == 0:
        return np.sum(x != 0, axis=axes, keepdims=keepdim, dtype=x.dtype), lambda dy: np.zeros_like(x)
    y = _power(np.sum(_power(np.abs(x), p), axis=axes, keepdims=keepdim), 1 / p)

    def back(dy: Array) -> Array:
        whole = _keep(y, shape, axes)
        slope = x / whole if p == 2 else np.sign(x) * _power(np.abs(x) / whole, p - 1)
        return only(slope, (whole != 0) & (x != 0)) * _keep(dy, shape, axes)

    return y, back


def amax(x: Array, dim: Axes = None, keepdim: bool = False):
    """The largest entry; equal ones share the gradient evenly"""
    return _extreme(np.max, x, dim, keepdim)


def amin(x: Array, dim: Axes = None, keepdim: bool = False):
    """The smallest entry; equal ones share the gradient evenly"""
    return _extreme(np.min, x, dim, keepdim)


def _extreme(reduce, x: Array, dim: Axes, keepdim: bool):
    axes, shape = axes_of(x, dim), x.shape
    y = np.asarray(reduce(x, axis=axes, keepdims=keepdim))

    def back(dy: Array) -> Array:
        tied = ((x == _keep(y, shape, axes)) | (x != x)).astype(x.dtype)  # a NaN is the largest and the smallest
        return tied * (_keep(dy, shape, axes) / tied.sum(axis=axes, keepdims=True))

    return y, back


def maximum_along(x: Array, dim: int, keepdim: bool = False):
    """The largest entry along one axis and where it stands (the first of equals)"""
    return _select(x, np.argmax(x, axis=axis_of(x, dim), keepdims=True), dim, keepdim)


def minimum_along(x: Array, dim: int, keepdim: bool = False):
    """The smallest entry along one axis and where it stands (the first of equals)"""
    return _select(x, np.argmin(x, axis=axis_of(x, dim), keepdims=True), dim, keepdim)


def _select(x: Array, index: Array, dim: int, keepdim: bool):
    axis, shape, index = axis_of(x, dim), x.shape, np.asarray(index)
    y = np.take_along_axis(x, index, axis) if x.ndim else x.copy()

    def back(dy: Array, _: None = None) -> Array:
        dx = np.zeros(shape, dy.dtype)
        if shape:
            np.put_along_axis(dx, index, dy.reshape(index.shape), axis)
        return dx if shape else dy

    return ((y, index) if keepdim or not shape else (y.squeeze(axis), index.squeeze(axis))), back


def median(x: Array, dim: int, keepdim: bool = False):
    """The middle entry along one axis (the lower of two) and where it stands"""
    axis = axis_of(x, dim)
    middle = np.argsort(x, axis, kind="stable").take([(x.shape[axis] - 1) // 2], axis)
    return _select(x, middle, dim, keepdim)


def prod(x: Array, dim: Axes = None, keepdim: bool = False):
    """Π x; dx is the product of the others, exact also where an entry is zero"""
    axes, shape = axes_of(x, dim), x.shape
    y = np.prod(x, axis=axes, keepdims=keepdim, dtype=x.dtype if x.dtype.kind == "f" else np.int64)

    def back(dy: Array) -> Array:
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
        ones = np.ones_like(rows[..., :1])
        before = np.cumprod(np.concatenate([ones, rows[..., :-1]], -1), -1)
        after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], -1), -1)[..., ::-1]
        others = np.moveaxis((before * after).reshape(moved.shape), range(-len(axes), 0), axes)
        return others * _keep(dy, shape, axes)

    return y, back


def logsumexp(x: Array, dim: Axes, keepdim: bool = False):
    """ln Σ eˣ, without overflow; dx = softmax(x) dy"""
    axes, shape = axes_of(x, dim), x.shape
    top = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros_like(top))
    whole = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top

    def back(dy: Array) -> Array:
        return np.exp(x - whole) * _keep(dy, shape, axes)

    return whole if keepdim else whole.squeeze(axes), back


def cumsum(x: Array, dim: int):
    """Running sums; the gradient runs backwards"""
    axis = axis_of(x, dim)
    return _running(np.cumsum, x, axis), lambda dy: _from_the_end(dy, axis)


def cumprod(x: Array, dim: int):
    """Running products; dx = (Σ of y dy from here on) / x"""
    axis = axis_of(x, dim)
    y = _running(np.cumprod, x, axis)

    def back(dy: Array) -> Array:
        if not x.all():
            raise NotImplementedError("cumprod: x has an entry 0, whose gradient is not supported")
        return _from_the_end(dy * y, axis) / x

    return y, back


def _running(accumulate: Callable[..., Array], x: Array, axis: int) -> Array:
    dtype = x.dtype if x.dtype.kind == "f" else np.int64
    return accumulate(x, axis, dtype) if x.ndim else x.astype(dtype)


def _from_the_end(dy: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(dy, axis), axis, dy.dtype), axis) if dy.ndim else dy


# ── products of matrices ────────────────────────────────────────────────────────────────────────────────────────


def matmul(x: Array, y: Array):
    """x y over the last two axes; dx = dz yᵀ, dy = xᵀ dz. An input with one axis is a row, or a column."""
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise ValueError(f"matmul: shapes {x.shape} and {y.shape}, expected the last axis of x to match y's rows")
    if x.dtype != y.dtype:
        raise TypeError(f"matmul: dtypes {x.dtype} and {y.dtype}, expected one dtype for both")
    row, column = x.ndim == 1, y.ndim == 1

    def matrices(dz: Array) -> Array:
        dz = np.expand_dims(dz, -1) if column else dz
        return np.expand_dims(dz, -2) if row else dz

    def to_x(dz: Array) -> Array:
        dx = matrices(dz) @ (y[None, :] if column else y.swapaxes(-1, -2))
        return dx.squeeze(-2) if row else dx

    def to_y(dz: Array) -> Array:
        dy = (x[:, None] if row else x.swapaxes(-1, -2)) @ matrices(dz)
        return dy.squeeze(-1) if column else dy

    return x @ y, Parts(to_x, to_y)


def einsum(*operands: Array, equation: str):
    """Einstein's sum; the gradient of one operand is the sum of dy with all the others, read the other way."""
    terms, result = _parse_einsum(equation, operands)
    value = np.einsum(f"{','.join(terms)}->{result}", *operands, optimize=True)

    def part(i: int):
        others = [o for j, o in enumerate(operands) if j != i]
        names = [t for j, t in enumerate(terms) if j != i]
        shape = operands[i].shape

        def to_operand(dy: Array) -> Array:
            known = set(result).union(*names)
            kept = "".join(c for c in terms[i] if c in known)
            d = np.einsum(f"{','.join([result, *names])}->{kept}", dy, *others, optimize=True)
            full = np.expand_dims(d, [a for a, c in enumerate(terms[i]) if c not in known])
            return np.broadcast_to(full, np.broadcast_shapes(full.shape, shape))

        return to_operand

    return value, Parts(*map(part, range(len(operands))))


def _parse_einsum(equation: str, operands: Sequence[Array]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with '...' spelled out in capital letters."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {equation!r} names {len(terms)} operands, {len(operands)} came")
    free = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in equation]
    ranks = [o.ndim - len(t.replace("...", "")) for t, o in zip(terms, operands)]
    if any(r < 0 or (r and "..." not in t) for t, r in zip(terms, ranks)):
        raise ValueError(f"einsum: {equation!r} does not fit the shapes {[o.shape for o in operands]}")
    terms = [t.replace("...", "".join(reversed(free[:r]))) for t, r in zip(terms, ranks)]
    if any(len(set(t)) < len(t) for t in terms):
        raise NotImplementedError(f"einsum: {equation!r} repeats a letter within one operand (a diagonal)")
    ellipsis = "".join(reversed(free[: max(ranks, default=0)]))
    if not arrow:
        letters = sorted(set("".join(terms)) - set(ellipsis))
        return terms, ellipsis + "".join(c for c in letters if "".join(terms).count(c) == 1)
    return terms, result.replace("...", ellipsis)


# ── moving data ─────────────────────────────────────────────────────────────────────────────────────────────────


def reshape(x: Array, shape: tuple[int, ...]):
    """The same entries, read in rows of another length"""
    before = x.shape
    try:
        return x.reshape(shape), lambda dy: dy.reshape(before)
    except ValueError:
        raise ValueError(f"reshape: a tensor of shape {before} ({x.size} entries) does not fit {shape}") from None


def permute(x: Array, dims: Sequence[int]):
    """The axes in another order"""
    order = [axis_of(x, d) for d in dims]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"permute: dims is {tuple(dims)}, expected each of the {x.ndim} axes once")
    inverse = np.argsort(order).tolist()
    return x.transpose(order), lambda dy: dy.transpose(inverse)


def expand(x: Array, shape: tuple[int, ...]):
    """Repeat axes of length one without copying; −1 keeps a length"""
    lengths = (-1,) * (len(shape) - x.ndim) + x.shape
    grown = tuple(n if s == -1 else s for n, s in zip(lengths, shape))
    if len(shape) < x.ndim or any(s < 0 or n not in (-1, 1, s) for n, s in zip(lengths, grown)):
        raise ValueError(f"expand: shape {x.shape} does not fit {shape}, expected lengths of 1 where they grow")
    return np.broadcast_to(x, grown), lambda dy: dy


def repeat(x: Array, counts: tuple[int, ...]):
    """Copies of x side by side along each axis"""
    if len(counts) < x.ndim:
        raise ValueError(f"repeat: {len(counts)} counts {counts} came for shape {x.shape}, expected one for each axis")
    shape = (1,) * (len(counts) - x.ndim) + x.shape
    split = tuple(n for pair in zip(counts, shape) for n in pair)
    return np.tile(x, counts), lambda dy: dy.reshape(split).sum(tuple(range(0, 2 * len(counts), 2))).reshape(x.shape)


def flip(x: Array, dims: Sequence[int]):
    """The entries in reverse order along axes"""
    axes = tuple(axis_of(x, d) for d in dims) if x.ndim else ()
    return np.flip(x, axes).copy(), lambda dy: np.flip(dy, axes)


def roll(x: Array, shifts: int | Sequence[int], dims: Axes = None):
    """Shift the entries along axes; what leaves at one end comes in at the other"""
    minus = -shifts if isinstance(shifts, int) else [-s for s in shifts]
    return np.roll(x, shifts, dims), lambda dy: np.roll(dy, minus, dims)


def triangle(x: Array, diagonal: int = 0, lower: bool = True):
    """The lower (or upper) triangle of the last two axes, zero elsewhere"""
    cut = np.tril if lower else np.triu
    if x.ndim < 2:
        raise ValueError(f"{cut.__name__}: the tensor has shape {x.shape}, expected at least 2 axes")
    return cut(x, diagonal), lambda dy: cut(dy, diagonal)


def diagonal(x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """The entries x[i, i + offset] of two axes, as a last axis"""
    shape = x.shape

    def back(dy: Array) -> Array:
        dx = np.zeros(shape, dy.dtype)
        np.einsum("...ii->...i", _square(dx, offset, dim1, dim2))[...] = dy
        return dx

    return np.diagonal(x, offset, dim1, dim2).copy(), back


def _square(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The view of x whose main diagonal is the diagonal at `offset`."""
    moved = np.moveaxis(x, (dim1, dim2), (-2, -1))[..., max(-offset, 0) :, max(offset, 0) :]
    side = min(moved.shape[-2:])
    return moved[..., :side, :side]


def diagonal_embed(x: Array, offset: int = 0):
    """Matrices with the last axis of x on their diagonal"""
    side = x.shape[-1] + abs(offset)
    y = np.zeros((*x.shape[:-1], side, side), x.dtype)
    np.einsum("...ii->...i", _square(y, offset, -2, -1))[...] = x
    return y, lambda dy: np.diagonal(dy, offset, -2, -1)


def getitem(x: Array, index: Any):
    """x[index]; entries that were read several times collect the sum of their gradients"""
    shape, (part, rest) = x.shape, aim(x, index)
    several = any(isinstance(p, np.ndarray) and p.dtype != bool for p in rest)

    def back(dy: Array) -> Array:
        dx = np.zeros(shape, dy.dtype)
        part, rest = aim(dx, index)
        if several:
            np.add.at(part, rest, dy)
        else:
            part[rest] = dy
        return dx

    return part[rest], back


def aim(x: Array, index: Any) -> tuple[Array, tuple]:
    """A view of x, and the index of arrays into it, that together read x[index]: torch takes the numbers first."""
    index = index if isinstance(index, tuple) else (index,)
    if not any(isinstance(p, np.ndarray | bool) for p in index):
        return x[(*index, ...)] if Ellipsis not in index else x[index], (...,)
    if not any(isinstance(p, int | np.integer) and not isinstance(p, bool) for p in index):
        return x, index
    first: list[Any] = []
    rest: list[Any] = []
    for p in index:
        if isinstance(p, np.ndarray | bool):
            rest.append(p)
            first.extend([slice(None)] * (np.ndim(p) if np.asarray(p).dtype == bool else 1))
        else:
            first.append(p)
            rest.extend([] if isinstance(p, int | np.integer) else [p if p is Ellipsis else slice(None)])
    return x[tuple(first)], tuple(rest)


def setitem(x: Array, y: Array | float, index: Any, out: Array | None = None):
    """x with x[index] = y (in `out` = x itself for an in-place call); what was overwritten gets no gradient"""
    z = x.copy() if out is None else out
    part, rest = aim(z, index)
    part[rest] = y

    def to_x(dz: Array) -> Array:
        dx = dz.copy()
        part, rest = aim(dx, index)
        part[rest] = 0
        return dx

    rank = np.ndim(y)

    def to_y(dz: Array) -> Array:
        part, rest = aim(dz, index)
        dy = part[rest]
        return dy.reshape((1,) * (rank - dy.ndim) + dy.shape)

    return z, Parts(to_x, to_y)


def _places(where: str, shape: tuple[int, ...], index: Array, axis: int) -> tuple[Array, ...]:
    """The indices into an array that name, for each entry of `index`, that entry along the axis."""
    require_indices(f"{where}: index", index, shape[axis] if shape else 1)
    place: list[Array] = list(np.indices(index.shape, sparse=True))
    if index.ndim != len(shape) or any(n > m for i, (n, m) in enumerate(zip(index.shape, shape)) if i != axis):
        raise ValueError(f"{where}: index has shape {index.shape}, expected one within {shape} but for axis {axis}")
    return tuple(index if i == axis else p for i, p in enumerate(place))


def require_indices(what: str, index: Array, length: int) -> None:
    """Whole numbers from 0 to length − 1: here torch does not count from the end."""
    if index.dtype.kind not in "iu":
        raise TypeError(f"{what} has dtype {index.dtype}, expected int64")
    if index.size and (index.min() < 0 or index.max() >= length):
        worst = index.min() if index.min() < 0 else index.max()
        raise IndexError(f"{what} has the entry {worst}, expected 0 to {length - 1}")


def gather(x: Array, index: Array, dim: int):
    """y[i, j] = x[index[i, j], j] for dim 0, and so on for other axes"""
    shape, place = x.shape, _places("gather", x.shape, index, axis_of(x, dim))

    def back(dy: Array):
        dx = np.zeros(shape, dy.dtype)
        np.add.at(dx, place, dy)
        return dx, None

    return x[place], back


def scatter(x: Array, index: Array, source: Array | float, dim: int, add: bool = False):
    """x with x[index[i, j], j] = source[i, j] for dim 0 (or += with add), and so on for other axes"""
    at = _places("scatter", x.shape, index, axis_of(x, dim))
    corner = tuple(slice(n) for n in index.shape) if np.ndim(source) else ()
    z, size = x.copy(), np.shape(source)
    if add:
        np.add.at(z, at, np.asarray(source)[corner])
    else:
        z[at] = np.asarray(source)[corner]

    def to_x(dz: Array) -> Array:
        dx = dz.copy()
        if not add:
            dx[at] = 0
        return dx

    def to_source(dz: Array) -> Array:
        ds = np.zeros(size, dz.dtype)
        ds[corner] = dz[at] if size else dz[at].sum()
        return ds

    return z, Parts(to_x, None, to_source)


def index_add(x: Array, index: Array, source: Array, dim: int, alpha: float = 1):
    """x with source's slice i added (α times) to the slice that index[i] names"""
    axis = axis_of(x, dim)
    require_indices("index_add: index", index, x.shape[axis])
    at: Any = (*[slice(None)] * axis, index)
    z = x.copy()
    np.add.at(z, at, source if alpha == 1 else alpha * source)
    return z, Parts(lambda dz: dz, None, lambda dz: dz[at] if alpha == 1 else alpha * dz[at])


def concatenate(*arrays: Array, dim: int = 0):
    """One after the other along an axis; each gets its own stretch of the gradient"""
    axis = axis_of(arrays[0], dim)
    for a in arrays:
        if a.ndim != arrays[0].ndim or any(
            i != axis and n != m for i, (n, m) in enumerate(zip(a.shape, arrays[0].shape))
        ):
            raise ValueError(f"cat: shapes {[a.shape for a in arrays]} differ, expected them equal but for axis {axis}")
    ends = np.cumsum([a.shape[axis] for a in arrays])
    return np.concatenate(arrays, axis), lambda dy: tuple(np.split(dy, ends[:-1], axis))


def stack(*arrays: Array, dim: int = 0):
    """Along a new axis"""
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise ValueError(f"stack: shapes {[a.shape for a in arrays]} differ, expected them equal")
    y = np.stack(arrays, dim)
    return y, lambda dy: slices(dy, dim)


def split(x: Array, sizes: Sequence[int], dim: int = 0):
    """Stretches of an axis, one after the other"""
    axis = axis_of(x, dim)
    if int(np.sum(sizes)) != x.shape[axis]:
        raise ValueError(f"split: sizes {list(sizes)} sum to {int(np.sum(sizes))}, expected {x.shape[axis]}")
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis)), lambda *dys: np.concatenate(dys, axis)


def unbind(x: Array, dim: int = 0):
    """The slices along an axis"""
    axis = axis_of(x, dim)
    return slices(x, axis), lambda *dys: np.stack(dys, axis)


def slices(x: Array, axis: int) -> tuple[Array, ...]:
    """The views along an axis; of a row, views of its single entries."""
    moved = np.moveaxis(x, axis, 0)
    return tuple(moved[i, ...] for i in range(len(moved)))


def sort(x: Array, dim: int = -1, descending: bool = False):
    """The entries along an axis in order, and where each came from (equal ones keep their order)"""
    axis = axis_of(x, dim)
    if x.ndim == 0:
        return (x.copy(), np.zeros((), np.int64)), lambda dy, _=None: dy
    if descending:
        index = np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    else:
        index = np.argsort(x, axis, kind="stable")
    return _ordered(x, index, axis)


def topk(x: Array, k: int, dim: int = -1, largest: bool = True):
    """The k largest (or smallest) entries along an axis in order, and where each stands"""
    axis, length = axis_of(x, dim), x.shape[dim] if x.ndim else 1
    if not 0 <= k <= length:
        raise ValueError(f"topk: k is {k}, expected at most {length}, the length of axis {axis}")
    (values, index), back = sort(x, axis, descending=largest)
    if k == length:
        return (values, index), back
    return _ordered(x, index[(*[slice(None)] * axis, slice(k))], axis)


def _ordered(x: Array, index: Array, axis: int):
    """The entries that the index names, and the way of their gradients back."""
    shape, index = x.shape, np.ascontiguousarray(index)

    def back(dy: Array, _: None = None) -> Array:
        dx = np.zeros(shape, dy.dtype)
        np.put_along_axis(dx, index, dy, axis)
        return dx

    return (np.take_along_axis(x, index, axis), index), back
