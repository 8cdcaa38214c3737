"""Convolution as one matrix product: lay out every window as a row of a matrix.

    y[k, p] = Σ_r w[k, r] cols[p, r],    r runs over (taps, channels), p over output positions

Inside, the channels come last: then a whole row of taps, k·C numbers, lies contiguous in memory and the rows are
written by long copies. Images pass through one by one, so that the columns of an image are still in the cache when
the product reads them. They are k² times as large as the input, so backward computes them again rather than keep them.

    dw = Σ_images dyᵀ cols
    dx:  the columns of the gradient, dy w, added back tap by tap to where they were read (col2im).
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window, windows_last


def im2col(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (K, C, k…) → y (N, K, O…)"""
    outputs = window.outputs(shape[2:])

    def forward(x: Array) -> Array:
        y, rows = np.empty((len(x), len(w), math.prod(outputs)), x.dtype), _rows(w)
        for i, columns in _columns(x, window, outputs):
            np.matmul(rows, columns.T, out=y[i])
        return y.reshape(*y.shape[:2], *outputs)

    def to_x(dy: Array) -> Array:
        return _col2im(dy, w, window, shape)

    def to_w(x: Array, dy: Array) -> Array:
        dw = np.zeros((len(w), window.taps * w.shape[1]), dy.dtype)
        product = np.empty_like(dw)
        gradients = dy.reshape(*dy.shape[:2], math.prod(outputs))
        for i, columns in _columns(x, window, outputs):
            dw += np.matmul(gradients[i], columns, out=product)
        return np.moveaxis(dw.reshape(len(w), *window.kernel, w.shape[1]), -1, 1)

    return Convolution(forward, to_x, to_w)


def _rows(w: Array) -> Array:
    """The kernels as a matrix (K, k…·C), in the order of the columns."""
    return np.ascontiguousarray(np.moveaxis(w, 1, -1)).reshape(w.shape[0], -1)


def _columns(x: Array, window: Window, outputs: tuple[int, ...]) -> Iterator[tuple[int, Array]]:
    """The matrix of windows (O…, k…·C) of one image after the other, in one buffer that is written over."""
    bordered = np.zeros((1, *window.padded(x.shape[2:]), x.shape[1]), x.dtype)
    inner = bordered[window.inside(x.shape[2:], lead=1)][0]
    windows = windows_last(bordered, window, outputs)
    columns = np.empty(windows.shape, x.dtype)
    matrix = columns.reshape(math.prod(outputs), -1)
    for i, image in enumerate(x):
        inner[...] = np.moveaxis(image, 0, -1)
        np.copyto(columns, windows)
        yield i, matrix


def _col2im(dy: Array, w: Array, window: Window, shape: tuple[int, ...]) -> Array:
    """Add the gradient of every window's entry to the input it was read from."""
    outputs, rows = dy.shape[2:], _rows(w)
    dx = np.empty(shape, dy.dtype)
    bordered = np.empty((*window.padded(shape[2:]), shape[1]), dy.dtype)
    columns = np.empty((math.prod(outputs), rows.shape[1]), dy.dtype)
    windows = columns.reshape(*outputs, *window.kernel, shape[1])
    every: Any = (slice(None),) * window.rank
    for i, gradient in enumerate(dy):
        np.matmul(gradient.reshape(len(gradient), -1).T, rows, out=columns)
        bordered.fill(0)
        for tap, positions in window.shifts(outputs):
            bordered[positions] += windows[every + tap]
        dx[i] = np.moveaxis(bordered[window.inside(shape[2:], lead=0)], -1, 0)
    return dx
