"""Tensors put together, and taken apart."""

from collections.abc import Sequence
from typing import Any

from twice.autograd import Tensor, op
from twice.functions.dtypes import result_type, to
from twice.functions.indexing import narrow
from twice.functions.lifting import method, with_axis
from twice.functions.shape import expand, reshape, transpose
from twice.kernels import elementary as E

__all__ = [
    "atleast_1d", "atleast_2d", "cat", "chunk", "concat", "concatenate", "hstack", "meshgrid", "split", "stack",
    "tensor_split", "vstack",
]  # fmt: skip

_concatenate, _stack, _split = op(E.concatenate, "cat"), op(E.stack), op(E.split)


@with_axis
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """One after the other along an axis."""
    dtype, rank = result_type(*tensors), max(x.ndim for x in tensors)
    full = [x for x in tensors if x.ndim == rank or x.shape != (0,)]  # torch passes over an empty row
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


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid."""
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is {indexing!r}, expected 'ij' or 'xy'")
    axes = list(tensors[0]) if isinstance(tensors[0], list | tuple) else list(tensors)
    swapped = indexing == "xy" and len(axes) > 1
    shape = [t.numel() for t in axes]
    grids = [expand(reshape(t, *(-1 if i == k else 1 for k in range(len(axes)))), *shape) for i, t in enumerate(axes)]
    return tuple(transpose(g, 0, 1) for g in grids) if swapped else tuple(grids)


@method
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Stretches of one length (the last may be shorter), or of given lengths."""
    sizes, length = split_size_or_sections, tensor.shape[dim]
    if isinstance(sizes, int):
        if sizes < 1 and (sizes < 0 or length):
            raise ValueError(f"split: split_size is {sizes}, expected at least 1")
        sizes = [min(sizes, length - start) for start in range(0, length, sizes or 1)] or [0]
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
    if isinstance(pieces, int):
        return split(input, [length // pieces + (i < length % pieces) for i in range(pieces)], dim)
    ends = [slice(None, e).indices(length)[1] for e in pieces]
    return tuple(narrow(input, dim, start, max(end - start, 0)) for start, end in zip([0, *ends], [*ends, length]))
