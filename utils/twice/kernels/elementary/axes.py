"""Which axes an argument `dim` names."""

from collections.abc import Sequence

import numpy as np

from twice.kernels.checks import Array

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


def kept(reduced: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Give a reduced array its reduced axes back, as axes of length one."""
    return np.reshape(reduced, tuple(1 if i in axes else n for i, n in enumerate(shape)))
