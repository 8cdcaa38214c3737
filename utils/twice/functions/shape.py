"""The same entries in another shape or another order."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from twice.autograd import Tensor, op
from twice.creation import shape_of
from twice.functions.dtypes import clone
from twice.functions.indexing import at, getitem, index_select
from twice.functions.lifting import attach, method
from twice.kernels import elementary as E

__all__ = [
    "broadcast_tensors", "broadcast_to", "flatten", "flip", "fliplr", "flipud", "moveaxis", "movedim", "permute",
    "ravel", "repeat_interleave", "reshape", "roll", "squeeze", "swapaxes", "swapdims", "t", "tile", "transpose",
    "tril", "triu", "unflatten", "unsqueeze",
]  # fmt: skip

# ── in another shape ────────────────────────────────────────────────────────────────────────────────────────────

_reshape, _permute = op(E.reshape), op(E.permute)


@method
def reshape(input: Tensor, *lengths: Any, shape: Any = ()) -> Tensor:
    """The same entries in another shape; one length may be −1."""
    return _reshape(input, shape=shape_of(lengths or tuple(shape)))


@method
def view(self: Tensor, *shape: Any) -> Tensor:
    """`reshape` that promises to share memory."""
    out = reshape(self, *shape)
    if out._storage is not self._storage:
        raise RuntimeError(
            f"view: a tensor of shape {self.array.shape} with strides {self.array.strides} cannot be seen as "
            f"{shape_of(shape)} without a copy, expected reshape() or contiguous() first"
        )
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
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without axes of length one."""
    axes = E.axes_of(input.array, dim)
    return reshape(input, tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in axes))


@method
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length one."""
    place = E.axis_of(input.array[None], dim)
    return reshape(input, (*input.shape[:place], 1, *input.shape[place:]))


# ── axes in another order ───────────────────────────────────────────────────────────────────────────────────────


@method
def permute(input: Tensor, *order: Any, dims: Any = ()) -> Tensor:
    """The axes in another order."""
    return _permute(input, dims=shape_of(order or tuple(dims)))


@method
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged."""
    first, second = E.axis_of(input.array, dim0), E.axis_of(input.array, dim1)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = second, first
    return _permute(input, dims=tuple(order))


@method
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places."""
    sources, places = E.axes_of(input.array, source), E.axes_of(input.array, destination)
    order = [d for d in range(input.ndim) if d not in sources]
    for place, axis in sorted(zip(places, sources)):
        order.insert(place, axis)
    return _permute(input, dims=tuple(order))


@method
def t(input: Tensor) -> Tensor:
    """A matrix, transposed."""
    if input.ndim > 2:
        raise ValueError(f"t: the tensor has shape {input.array.shape}, expected at most 2 axes")
    return input if input.ndim < 2 else transpose(input, 0, 1)


swapaxes, swapdims = attach("swapaxes", transpose), attach("swapdims", transpose)
moveaxis = attach("moveaxis", movedim)
attach("T", property(lambda self: permute(self, *range(self.ndim)[::-1])))
attach("mT", property(lambda self: transpose(self, -1, -2)))

# ── entries repeated, reversed, shifted ─────────────────────────────────────────────────────────────────────────

_expand, _repeat = op(E.expand), op(E.repeat)
_flip, _roll, _triangle = op(E.flip), op(E.roll), op(E.triangle)


@method
def expand(self: Tensor, *sizes: Any, size: Any = ()) -> Tensor:
    """Axes of length one repeated, without a copy."""
    return _expand(self, shape=shape_of(sizes or tuple(size)))


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
    return _repeat(self, counts=shape_of(repeats))


@method
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`repeat` with ones in front where counts are missing."""
    counts = shape_of(dims)
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
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of one size along an axis, as a last axis (a copy, where torch gives a view)."""
    axis = E.axis_of(self.array, dimension)
    starts = np.arange(0, self.shape[axis] - size + 1, step)
    windows = getitem(self, index=at(axis, starts[:, None] + np.arange(size)))
    return movedim(windows, axis + 1, -1)


@method
def flip(input: Tensor, *axes: Any, dims: Any = ()) -> Tensor:
    """The entries in reverse order along axes."""
    return _flip(input, dims=shape_of(axes or (dims if isinstance(dims, int) else tuple(dims),)))


@method
def fliplr(input: Tensor) -> Tensor:
    """The second axis reversed."""
    return flip(input, 1)


@method
def flipud(input: Tensor) -> Tensor:
    """The first axis reversed."""
    return flip(input, 0)


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
