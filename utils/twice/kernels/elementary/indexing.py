"""Reading and writing by index; what was read several times collects the sum of its gradients."""

from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.elementary.axes import axis_of
from twice.kernels.pullback import Parts
from twice.kernels.scatter import add_entries, add_slices


def getitem(x: Array, index: Any):
    """x[index]; entries that were read several times collect the sum of their gradients"""
    shape, (part, rest) = x.shape, aim(x, index)
    several = any(isinstance(p, np.ndarray) and p.dtype != bool for p in rest)

    def back(dy: Array) -> Array:
        dx = np.zeros(shape, dy.dtype)
        if several:
            _collect(dx, index, dy)
        else:
            part, rest = aim(dx, index)
            part[rest] = dy
        return dx

    return part[rest], back


def _collect(dx: Array, index: Any, dy: Array) -> None:
    """dx[index] += dy, also where the index names an entry several times."""
    index = index if isinstance(index, tuple) else (index,)
    arrays = [i for i, p in enumerate(index) if isinstance(p, np.ndarray) and p.dtype != bool]
    if len(arrays) == len(index) == dx.ndim:
        add_entries(dx, [_from_the_front(p, n) for p, n in zip(index, dx.shape)], dy)
    elif len(arrays) == 1 and all(
        isinstance(p, slice) and p == slice(None) for p in index if p is not index[arrays[0]]
    ):
        axis = arrays[0]
        add_slices(dx, _from_the_front(index[axis], dx.shape[axis]), dy, axis)
    else:
        places, rest = aim(np.arange(dx.size).reshape(dx.shape), index)
        add_entries(dx.reshape(-1), (places[rest],), dy)


def _from_the_front(index: Array, length: int) -> Array:
    return index + length * (index < 0)


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


def gather(x: Array, index: Array, dim: int):
    """y[i, j] = x[index[i, j], j] for dim 0, and so on for other axes"""
    shape, place = x.shape, _places("gather", x.shape, index, axis_of(x, dim))

    def back(dy: Array):
        dx = np.zeros(shape, dy.dtype)
        add_entries(dx, place, dy)
        return dx, None

    return x[place], back


def scatter(x: Array, index: Array, source: Array | float, dim: int, add: bool = False):
    """x with x[index[i, j], j] = source[i, j] for dim 0 (or += with add), and so on for other axes"""
    at = _places("scatter", x.shape, index, axis_of(x, dim))
    corner = tuple(slice(n) for n in index.shape) if np.ndim(source) else ()
    z, size = x.copy(), np.shape(source)
    if add:
        add_entries(z, at, np.asarray(source)[corner])
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


def _places(where: str, shape: tuple[int, ...], index: Array, axis: int) -> tuple[Array, ...]:
    """The indices into an array that name, for each entry of `index`, that entry along the axis."""
    require_indices(f"{where}: index", index, shape[axis] if shape else 1)
    place: list[Array] = list(np.indices(index.shape, sparse=True))
    if index.ndim != len(shape) or any(n > m for i, (n, m) in enumerate(zip(index.shape, shape)) if i != axis):
        raise ValueError(f"{where}: index has shape {index.shape}, expected one within {shape} but for axis {axis}")
    return tuple(index if i == axis else p for i, p in enumerate(place))


def index_add(x: Array, index: Array, source: Array, dim: int, alpha: float = 1):
    """x with source's slice i added (α times) to the slice that index[i] names"""
    axis = axis_of(x, dim)
    require_indices("index_add: index", index, x.shape[axis])
    expected = (*x.shape[:axis], index.size, *x.shape[axis + 1 :])
    if source.shape != expected:
        raise ValueError(f"index_add: source has shape {source.shape}, expected {expected}")
    at: Any = (*[slice(None)] * axis, index)
    z = x.copy()
    add_slices(z, index, source if alpha == 1 else alpha * source, axis)
    return z, Parts(lambda dz: dz, None, lambda dz: dz[at] if alpha == 1 else alpha * dz[at])


def require_indices(what: str, index: Array, length: int) -> None:
    """Whole numbers from 0 to length − 1: here torch does not count from the end."""
    if index.dtype.kind not in "iu":
        raise TypeError(f"{what} has dtype {index.dtype}, expected int64")
    if index.size and (index.min() < 0 or index.max() >= length):
        worst = index.min() if index.min() < 0 else index.max()
        raise IndexError(f"{what} has the entry {worst}, expected 0 to {length - 1}")
