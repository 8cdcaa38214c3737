"""The same entries in another arrangement."""

from collections.abc import Sequence

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.elementary.axes import Axes, axis_of


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
