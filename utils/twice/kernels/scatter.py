"""Sums by index: values added to the places that indices name, where several may name one place."""

import math
from collections.abc import Sequence

import numpy as np

from twice.kernels.checks import Array

BLOCK = 1 << 15  # entries at a time: their places stay in the cache


def sum_by_index(index: Array, values: Array, rows: int) -> Array:
    """out[i] = Σ of the rows of `values` (n, columns) with index i."""
    out = np.zeros((rows, values.shape[1]), values.dtype)
    add_slices(out, index, values)
    return out


def add_slices(out: Array, index: Array, values: Array, axis: int = 0) -> None:
    """out[index[k]] += values[k] for each k in turn, or along another axis; out is C-contiguous and is changed.

    Counted along flat memory, np.add.at is many times faster than with slices.
    """
    before, length, after = math.prod(out.shape[:axis]), out.shape[axis], math.prod(out.shape[axis + 1 :])
    flat, index, values = out.reshape(-1), index.reshape(-1, 1), values.reshape(before, index.size, after)
    first = (np.arange(before) * (length * after))[:, None, None] + np.arange(after)
    step = max(1, BLOCK // max(1, before * after))
    for k in range(0, index.size, step):
        place = first + index[k : k + step] * after  # (before, step, after)
        np.add.at(flat, place.reshape(-1), values[:, k : k + step].reshape(-1))


def add_entries(out: Array, place: Sequence[Array], values: Array) -> None:
    """out[place] += values for each entry, with an index array for each axis; out is C-contiguous and is changed."""
    at = np.zeros((), np.int64)
    for length, index in zip(out.shape, place):
        at = at * length + index
    np.add.at(out.reshape(-1), at.reshape(-1), np.broadcast_to(values, at.shape).reshape(-1))
