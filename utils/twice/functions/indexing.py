"""Reading and writing by index: `x[i]` and the functions that are short for it."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from twice.autograd import Tensor, change, op
from twice.functions.dtypes import clone
from twice.functions.lifting import method, method_named
from twice.kernels import elementary as E

__all__ = ["index_fill", "index_select", "masked_select", "narrow", "select", "unbind"]

getitem, _unbind = op(E.getitem), op(E.unbind)


def as_index(index: Any) -> Any:
    """An index with arrays of its own where tensors and lists stood."""
    if isinstance(index, tuple):
        return tuple(as_index(i) for i in index)
    if isinstance(index, list | range):
        index = np.asarray(index) if len(index) else np.empty(0, np.int64)
    if isinstance(index, Tensor | np.ndarray):
        array = np.array(index.array if isinstance(index, Tensor) else index)
        if array.dtype == np.uint8:
            raise NotImplementedError("indexing: a uint8 mask is not supported, expected bool or int64")
        return array.item() if array.ndim == 0 else array
    if isinstance(index, slice) and index.step is not None and index.step < 1:
        raise ValueError(f"indexing: step is {index.step}, expected at least 1; use flip()")
    return index


def at(axis: int, index: Any) -> tuple:
    """The index of one axis as an index of the tensor: `x[:, :, index]` for axis 2."""
    return (*[slice(None)] * axis, index)


@method_named("__getitem__")
def _read(self: Tensor, index: Any) -> Tensor:
    return getitem(self, index=as_index(index))


@method_named("__setitem__")
def write(self: Tensor, index: Any, value: Any) -> None:
    """self[index] = value"""
    place, storage = as_index(index), self._storage
    last = isinstance(value, Tensor) and value._storage is storage and value._seen == storage.history == self._seen + 1
    if last and _same_memory(value.array, *E.aim(self.array, place)):
        # x[i] += y: Python reads a view, changes it in place, which x has not seen, and writes it where it came from
        self._seen = storage.history
    value = value if isinstance(value, Tensor) else np.asarray(value, self.dtype)
    change("setitem", E.setitem, self, value, index=place, out=self.array)


def _same_memory(x: np.ndarray, y: np.ndarray, rest: tuple) -> bool:
    return rest == (...,) and x.__array_interface__ == y.__array_interface__


@method
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return _unbind(input, dim=dim)


@method_named("__iter__")
def _iterate(self: Tensor) -> Iterator[Tensor]:
    if self.ndim == 0:
        raise TypeError("iteration: the tensor has no axes, expected at least one")
    return iter(unbind(self))


@method
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One slice of an axis."""
    return getitem(input, index=at(E.axis_of(input.array, dim), index))


@method
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A stretch of an axis."""
    axis = E.axis_of(input.array, dim)
    whole = input.shape[axis]
    first = start + whole if start < 0 else start
    if not 0 <= first <= first + length <= whole:
        raise ValueError(f"narrow: start {start} and length {length}, expected a stretch of the {whole} entries")
    return getitem(input, index=at(axis, slice(first, first + length)))


@method
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices that the index names."""
    axis = E.axis_of(input.array, dim)
    E.require_indices("index_select: index", index.array, input.shape[axis])
    return getitem(input, index=at(axis, index.array.copy()))


@method
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The entries where the mask holds, in one row."""
    return getitem(input, index=np.broadcast_to(mask.array, input.shape))


@method
def index_fill_(self: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """One value in the slices that the index names, in place."""
    axis = E.axis_of(self.array, dim)
    E.require_indices("index_fill: index", index.array, self.shape[axis])
    write(self, at(axis, index), value)
    return self


@method
def index_fill(input: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """A copy with one value in the slices that the index names."""
    return index_fill_(clone(input), dim, index, value)
