"""Convolution with a third of im2col's copying: unroll the kernel's columns, and shift for its rows.

Lay out the taps of one kernel row only, for every row h of the input:

    cols[(c, v), (h, j)] = x[c, h, s·j + v]

The outputs that tap row u needs are the same matrix from row u on, so no copy is made for them:

    y[k, (i, j)] = Σ_u  w_u[k, (c, v)] cols[(c, v), (i + u, j)]

is k products, added up, where im2col makes one product of k times as many columns. For few channels copying was most
of the work. With a stride s in h the rows are sorted by h mod s, so that a shift is still a contiguous stretch.

    dw_uᵀ = cols_u dyᵀ
    dx:  for stride 1 a convolution of dy with the kernels turned round;
         else dcols_u += w_uᵀ dy, and each tap of a row is added back to where it was read.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.window import Window, turned


def shifted_rows(w: Array, window: Window, shape: tuple[int, ...]):
    """x (N, C, S…), w (K, C, k…) → y (N, K, O…); the first spatial axis is the one that is shifted"""
    rows = _Rows(window, shape)
    parts = [np.ascontiguousarray(w[:, :, u]).reshape(len(w), -1) for u in range(window.kernel[0])]

    def forward(x: Array) -> Array:
        y = np.empty((len(x), len(w), rows.count), x.dtype)
        term = np.empty(y.shape[1:], x.dtype)
        for i, columns in rows.columns(x):
            for u, part in enumerate(parts):
                np.matmul(part, rows.shift(columns, u), out=term if u else y[i])
                if u:
                    y[i] += term
        return y.reshape(*y.shape[:2], *rows.outputs)

    def to_x(dy: Array) -> Array:
        mirrored = window.mirrored()
        if max(window.stride) == 1 and all(before >= 0 and after >= 0 for before, after in mirrored.padding):
            return shifted_rows(turned(w), mirrored, dy.shape)[0](dy)
        dx = np.empty(shape, dy.dtype)
        for i, gradient in enumerate(dy.reshape(*dy.shape[:2], rows.count)):
            columns = np.zeros(rows.unrolled, dy.dtype)
            for u, part in enumerate(parts):
                shifted = rows.shift(columns, u)
                shifted += np.matmul(part.T, gradient)
            dx[i] = rows.add_back(columns)
        return dx

    def to_w(x: Array, dy: Array) -> Array:
        dw = np.zeros((len(parts), *parts[0].shape[::-1]), dy.dtype)
        term = np.empty_like(dw[0])
        gradients = dy.reshape(*dy.shape[:2], rows.count)
        for i, columns in rows.columns(x):
            for u in range(len(parts)):
                dw[u] += np.matmul(rows.shift(columns, u), gradients[i].T, out=term)
        dw = dw.reshape(len(parts), w.shape[1], *w.shape[3:], len(w))
        return np.ascontiguousarray(np.moveaxis(dw, (-1, 1, 0), (0, 1, 2)))

    return forward, to_x, to_w


class _Rows:
    """The layout (C, taps of a row…, s, rows, O…) of an image's columns, in and out."""

    def __init__(self, window: Window, shape: tuple[int, ...]):
        self.window, self.shape = window, shape
        self.outputs = window.outputs(shape[2:])
        self.count = math.prod(self.outputs)
        step = window.stride[0]
        self.places = [divmod(u * window.dilation[0], step) for u in range(window.kernel[0])]
        depth = self.places[-1][0] + self.outputs[0]
        self.unrolled = (shape[1], *window.kernel[1:], step, depth, *self.outputs[1:])
        first, *rest = window.padded(shape[2:])
        self.bordered = (shape[1], max(first, step * depth), *rest)

    def windows(self, bordered: Array) -> Array:
        """The columns of a bordered image (C, S…), without a copy."""
        channel, row, *rest = bordered.strides
        over_outputs, over_taps = self.window.spread((row, *rest))
        strides = (channel, *over_taps[1:], row, over_outputs[0], *over_outputs[1:])
        return as_strided(bordered, self.unrolled, strides)

    def columns(self, x: Array) -> Iterator[tuple[int, Array]]:
        """The columns of one image after the other, in one buffer that is written over."""
        bordered = np.zeros(self.bordered, x.dtype)
        inner = bordered[self.window.inside(self.shape[2:], lead=1)]
        windows, columns = self.windows(bordered), np.empty(self.unrolled, x.dtype)
        for i, image in enumerate(x):
            inner[...] = image
            np.copyto(columns, windows)
            yield i, columns

    def shift(self, columns: Array, u: int) -> Array:
        """The matrix (C·taps, O…) of the columns that kernel row u needs: a view."""
        down, phase = self.places[u]
        matrix = columns.reshape(math.prod(self.unrolled[: self.window.rank]), self.window.stride[0], -1)
        across = self.count // self.outputs[0]
        return matrix[:, phase, down * across : (down + self.outputs[0]) * across]

    def add_back(self, columns: Array) -> Array:
        """The adjoint of laying out: add every tap of a row to where it was read."""
        bordered = np.zeros(self.bordered, columns.dtype)
        windows, every = self.windows(bordered), (slice(None),)
        for tap in np.ndindex(*self.window.kernel[1:]):
            index: Any = every + tap
            windows[index] += columns[index]
        return bordered[self.window.inside(self.shape[2:], lead=1)]
