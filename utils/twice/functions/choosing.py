"""Entries chosen by a mask or by an index for each."""

import math
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor, op
from twice.functions.comparing import eq, isnan
from twice.functions.dtypes import is_floating_point, result_type, to
from twice.functions.indexing import as_index, getitem
from twice.functions.lifting import attach, method, method_named
from twice.functions.shape import expand, flatten
from twice.kernels import elementary as E

__all__ = [
    "argwhere", "gather", "index_add", "masked_fill", "nan_to_num", "nonzero", "scatter", "scatter_add", "take",
    "take_along_dim", "where",
]  # fmt: skip

_where, _masked_fill = op(E.where), op(E.masked_fill)
_gather, _scatter, _index_add = op(E.gather), op(E.scatter), op(E.index_add)


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, else `other`; alone, the indices where it holds."""
    if input is None:
        return nonzero(condition, as_tuple=True)
    dtype = result_type(input, other)
    values = [v if isinstance(v, Tensor) else creation.tensor(v, dtype) for v in (input, other)]
    return _where(condition, *[to(v, dtype) for v in values])


@method_named("where")
def _choose(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    return where(condition, self, other)


@method
def nonzero(input: Tensor, as_tuple: bool = False) -> Any:
    """The indices of the entries that are not zero, a row each (or a tensor for each axis)."""
    if as_tuple:
        return tuple(Tensor(i) for i in np.nonzero(np.atleast_1d(input.array)))
    return Tensor(np.argwhere(input.array))


argwhere = attach("argwhere", nonzero)


@method
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """One value wherever the mask holds."""
    return _masked_fill(input, mask, value)


@method
def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """NaN and the infinities replaced by numbers."""
    if not is_floating_point(input):
        return input
    limits = np.finfo(input.dtype)
    y = masked_fill(input, isnan(input), nan)
    y = masked_fill(y, eq(y, math.inf), float(limits.max) if posinf is None else posinf)
    return masked_fill(y, eq(y, -math.inf), float(limits.min) if neginf is None else neginf)


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


@method
def take(input: Tensor, index: Tensor) -> Tensor:
    """The entries that the index names, counted along all rows."""
    return getitem(flatten(input), index=as_index(index))


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
