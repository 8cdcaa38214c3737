"""Arrays put together along an axis, and taken apart."""

from collections.abc import Sequence

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.elementary.axes import axis_of


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
