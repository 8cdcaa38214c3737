"""The largest, the middle and the smallest entries, all of them in order, and how often each occurs."""

from typing import Any

import numpy as np

from twice.autograd import Tensor, op
from twice.functions.arithmetic import maximum, minimum
from twice.functions.lifting import arrays, method
from twice.functions.shape import flatten
from twice.kernels import elementary as E

__all__ = [
    "amax", "amin", "argmax", "argmin", "argsort", "bincount", "bucketize", "max", "median", "min", "searchsorted",
    "sort", "topk", "unique",
]  # fmt: skip

_max, _min, _amax, _amin = op(E.maximum_along, "max"), op(E.minimum_along, "min"), op(E.amax), op(E.amin)
_median, _sort, _topk = op(E.median), op(E.sort), op(E.topk)


class Extreme(tuple):
    """What `max(dim)`, `sort` and `topk` return: values and indices."""

    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


@method
def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The largest entry; equal ones share the gradient."""
    return _amax(input, dim=dim, keepdim=keepdim)


@method
def amin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The smallest entry; equal ones share the gradient."""
    return _amin(input, dim=dim, keepdim=keepdim)


def _extreme(input: Tensor, dim: Any, keepdim: bool, along: Any, whole: Any, pairwise: Any) -> Any:
    if isinstance(dim, Tensor):
        return pairwise(input, dim)
    return whole(input) if dim is None else Extreme(along(input, dim=dim, keepdim=keepdim))


@method
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest of all; or along an axis, with its index; or of two tensors."""
    return _extreme(input, dim, keepdim, _max, amax, maximum)


@method
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest of all; or along an axis, with its index; or of two tensors."""
    return _extreme(input, dim, keepdim, _min, amin, minimum)


@method
def median(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The middle of all entries (the lower of two); or along an axis, with its index."""
    if dim is None:
        return _median(flatten(input), dim=0)[0]
    return Extreme(_median(input, dim=dim, keepdim=keepdim))


@method
def argmax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the largest entry stands (the first of equals)."""
    return Tensor(np.argmax(input.array, axis=dim if input.ndim else None, keepdims=keepdim))


@method
def argmin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Where the smallest entry stands (the first of equals)."""
    return Tensor(np.argmin(input.array, axis=dim if input.ndim else None, keepdims=keepdim))


@method
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Extreme:
    """The entries along an axis in order, and where each came from."""
    return Extreme(_sort(input, dim=dim, descending=descending))


@method
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """Where each entry of the sorted axis came from."""
    return _sort(input, dim=dim, descending=descending)[1]


@method
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Extreme:
    """The k largest (or smallest) entries along an axis, and where each stands."""
    return Extreme(_topk(input, k=k, dim=dim, largest=largest))


@method
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """The different entries, sorted; with where each entry went, and how often each occurs."""
    values = np.unique(input.array, return_inverse=True, return_counts=True)
    inverse = values[1].reshape(input.shape)
    answers = [values[0], *[inverse] * return_inverse, *[values[2]] * return_counts]
    return tuple(map(Tensor, answers)) if len(answers) > 1 else Tensor(answers[0])


@method
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number occurs, or the sum of the weights of its occurrences."""
    return Tensor(np.bincount(input.array, None if weights is None else weights.array, minlength))


def searchsorted(sorted_sequence: Tensor, input: Any, right: bool = False) -> Tensor:
    """Where each value would stand in a sorted row."""
    if sorted_sequence.ndim != 1:
        raise NotImplementedError(
            f"searchsorted: sorted_sequence has shape {sorted_sequence.array.shape}, expected one axis"
        )
    row, values = arrays(sorted_sequence, input)
    return Tensor(np.searchsorted(row, values, side="right" if right else "left"))


def bucketize(input: Any, boundaries: Tensor, right: bool = False) -> Tensor:
    """The number of the bucket between boundaries that each value falls into."""
    return searchsorted(boundaries, input, right)
