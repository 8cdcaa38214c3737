"""The largest, the middle and the smallest entries, and all of them in order."""

from collections.abc import Callable

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.elementary.axes import Axes, axes_of, axis_of, kept


def amax(x: Array, dim: Axes = None, keepdim: bool = False):
    """The largest entry; equal ones share the gradient evenly"""
    return _extreme(np.max, x, dim, keepdim)


def amin(x: Array, dim: Axes = None, keepdim: bool = False):
    """The smallest entry; equal ones share the gradient evenly"""
    return _extreme(np.min, x, dim, keepdim)


def _extreme(reduce: Callable[..., Array], x: Array, dim: Axes, keepdim: bool):
    axes, shape = axes_of(x, dim), x.shape
    y = np.asarray(reduce(x, axis=axes, keepdims=keepdim))

    def back(dy: Array) -> Array:
        tied = ((x == kept(y, shape, axes)) | (x != x)).astype(x.dtype)  # a NaN is the largest and the smallest
        return tied * (kept(dy, shape, axes) / tied.sum(axis=axes, keepdims=True))

    return y, back


def maximum_along(x: Array, dim: int, keepdim: bool = False):
    """The largest entry along one axis and where it stands (the first of equals)"""
    return _select(x, np.argmax(x, axis=axis_of(x, dim), keepdims=True), dim, keepdim)


def minimum_along(x: Array, dim: int, keepdim: bool = False):
    """The smallest entry along one axis and where it stands (the first of equals)"""
    return _select(x, np.argmin(x, axis=axis_of(x, dim), keepdims=True), dim, keepdim)


def median(x: Array, dim: int, keepdim: bool = False):
    """The middle entry along one axis (the lower of two) and where it stands"""
    axis = axis_of(x, dim)
    middle = np.argsort(x, axis, kind="stable").take([(x.shape[axis] - 1) // 2], axis)
    return _select(x, middle, dim, keepdim)


def _select(x: Array, index: Array, dim: int, keepdim: bool):
    axis, shape, index = axis_of(x, dim), x.shape, np.asarray(index)
    y = np.take_along_axis(x, index, axis) if x.ndim else x.copy()

    def back(dy: Array, _: None = None) -> Array:
        dx = np.zeros(shape, dy.dtype)
        if shape:
            np.put_along_axis(dx, index, dy.reshape(index.shape), axis)
        return dx if shape else dy

    return ((y, index) if keepdim or not shape else (y.squeeze(axis), index.squeeze(axis))), back


def sort(x: Array, dim: int = -1, descending: bool = False):
    """The entries along an axis in order, and where each came from (equal ones keep their order)"""
    axis = axis_of(x, dim)
    if x.ndim == 0:
        return (x.copy(), np.zeros((), np.int64)), lambda dy, _=None: dy
    if descending:
        index = np.flip(x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    else:
        index = np.argsort(x, axis, kind="stable")
    return _ordered(x, index, axis)


def topk(x: Array, k: int, dim: int = -1, largest: bool = True):
    """The k largest (or smallest) entries along an axis in order, and where each stands"""
    axis, length = axis_of(x, dim), x.shape[dim] if x.ndim else 1
    if not 0 <= k <= length:
        raise ValueError(f"topk: k is {k}, expected at most {length}, the length of axis {axis}")
    (values, index), back = sort(x, axis, descending=largest)
    if k == length:
        return (values, index), back
    return _ordered(x, index[(*[slice(None)] * axis, slice(k))], axis)


def _ordered(x: Array, index: Array, axis: int):
    """The entries that the index names, and the way of their gradients back."""
    shape, index = x.shape, np.ascontiguousarray(index)

    def back(dy: Array, _: None = None) -> Array:
        dx = np.zeros(shape, dy.dtype)
        np.put_along_axis(dx, index, dy, axis)
        return dx

    return (np.take_along_axis(x, index, axis), index), back
