"""Sums, products and norms over axes, and those that run along one."""

import math
from collections.abc import Callable

import numpy as np

from twice.kernels.checks import Array, require_floating
from twice.kernels.elementary.arithmetic import raised
from twice.kernels.elementary.axes import Axes, axes_of, axis_of, kept
from twice.kernels.elementary.masks import only
from twice.kernels.elementary.ordering import amax, amin


def sum(x: Array, dim: Axes = None, keepdim: bool = False):
    """Σ x: each entry gets the gradient of the sum it went into"""
    axes, shape = axes_of(x, dim), x.shape
    if x.dtype.kind != "f":
        return np.sum(x, axis=axes, keepdims=keepdim, dtype=np.int64), lambda dy: None
    y = np.sum(x, axis=axes, keepdims=keepdim)
    return y, lambda dy: np.broadcast_to(kept(dy, shape, axes), shape)


def mean(x: Array, dim: Axes = None, keepdim: bool = False):
    """Σ x / n"""
    require_floating("mean", "x", x)
    axes, shape = axes_of(x, dim), x.shape
    n = _count(shape, axes)
    y = np.sum(x, axis=axes, keepdims=keepdim) / x.dtype.type(n)
    return y, lambda dy: np.broadcast_to(kept(dy / n, shape, axes), shape)


def _count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    return math.prod(shape[i] for i in axes)


def var(x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False):
    """Σ (x − mean)² / (n − correction); dx = 2 (x − mean) dy / (n − correction)"""
    axes, shape = axes_of(x, dim), x.shape
    centred = x - mean(x, dim, keepdim=True)[0]
    freedom = x.dtype.type(max(_count(shape, axes) - correction, 0))
    y = np.sum(centred * centred, axis=axes, keepdims=keepdim) / freedom

    def back(dy: Array) -> Array:
        return centred * (2 / freedom) * kept(dy, shape, axes)

    return y, back


def std(x: Array, dim: Axes = None, correction: float = 1, keepdim: bool = False):
    """y = √var; dx = dvar dy / 2y, and 0 where all entries are equal"""
    y, to_x = var(x, dim, correction, keepdim)
    y = np.sqrt(y)

    def back(dy: Array) -> Array:
        return to_x(only(dy / (2 * y), y != 0))

    return y, back


def norm(x: Array, p: float = 2, dim: Axes = None, keepdim: bool = False):
    """y = (Σ |x|ᵖ)^(1/p); dx = dy sign(x) (|x|/y)ᵖ⁻¹, and 0 where y = 0. p = ±∞ is the largest (smallest) |x|."""
    require_floating("norm", "x", x)
    axes, shape = axes_of(x, dim), x.shape
    if abs(p) == math.inf:
        y, spread = (amax if p > 0 else amin)(np.abs(x), dim, keepdim)
        return y, lambda dy: spread(dy) * np.sign(x)
    if p == 0:
        return np.sum(x != 0, axis=axes, keepdims=keepdim, dtype=x.dtype), lambda dy: np.zeros_like(x)
    y = raised(np.sum(raised(np.abs(x), p), axis=axes, keepdims=keepdim), 1 / p)

    def back(dy: Array) -> Array:
        whole = kept(y, shape, axes)
        slope = x / whole if p == 2 else np.sign(x) * raised(np.abs(x) / whole, p - 1)
        return only(slope, (whole != 0) & (x != 0)) * kept(dy, shape, axes)

    return y, back


def prod(x: Array, dim: Axes = None, keepdim: bool = False):
    """Π x; dx is the product of the others, exact also where an entry is zero"""
    axes, shape = axes_of(x, dim), x.shape
    y = np.prod(x, axis=axes, keepdims=keepdim, dtype=x.dtype if x.dtype.kind == "f" else np.int64)

    def back(dy: Array) -> Array:
        moved = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
        ones = np.ones_like(rows[..., :1])
        before = np.cumprod(np.concatenate([ones, rows[..., :-1]], -1), -1)
        after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], -1), -1)[..., ::-1]
        others = np.moveaxis((before * after).reshape(moved.shape), range(-len(axes), 0), axes)
        return others * kept(dy, shape, axes)

    return y, back


def logsumexp(x: Array, dim: Axes, keepdim: bool = False):
    """ln Σ eˣ, without overflow; dx = softmax(x) dy"""
    axes, shape = axes_of(x, dim), x.shape
    top = np.max(x, axis=axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.zeros_like(top))
    whole = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top

    def back(dy: Array) -> Array:
        return np.exp(x - whole) * kept(dy, shape, axes)

    return whole if keepdim else whole.squeeze(axes), back


def cumsum(x: Array, dim: int):
    """Running sums; the gradient runs backwards"""
    axis = axis_of(x, dim)
    return _running(np.cumsum, x, axis), lambda dy: _from_the_end(dy, axis)


def cumprod(x: Array, dim: int):
    """Running products; dx = (Σ of y dy from here on) / x"""
    axis = axis_of(x, dim)
    y = _running(np.cumprod, x, axis)

    def back(dy: Array) -> Array:
        if not x.all():
            raise NotImplementedError("cumprod: x has an entry 0, whose gradient is not supported")
        return _from_the_end(dy * y, axis) / x

    return y, back


def _running(accumulate: Callable[..., Array], x: Array, axis: int) -> Array:
    dtype = x.dtype if x.dtype.kind == "f" else np.int64
    return accumulate(x, axis, dtype) if x.ndim else x.astype(dtype)


def _from_the_end(dy: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(dy, axis), axis, dy.dtype), axis) if dy.ndim else dy
