"""Convolution with a third of im2col's copying: unroll the kernel's columns, and shift for its rows.

Lay out the taps of one kernel row only, for every row h of the input:

    cols[(c, v), (h, j)] = x[c, h, s·j + v]

The outputs that tap row u needs are the same matrix from row u on, so no copy is made for them:

    y[k, (i, j)] = Σ_u  w_u[k, (c, v)] cols[(c, v), (i + u, j)]

is k products, added up, where im2col makes one product of k times as many columns. For few channels copying was most
of the work. With a stride s in h the rows are sorted by h mod s, so that a shift is still a contiguous stretch.

    dw_uᵀ = cols_u dyᵀ
    dx:  convolutions of dy in the same way, one for each residue of the stride.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.residues import pull_to_input
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window


def shifted_rows(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
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
        return pull_to_input(dy, w, window, shape, shifted_rows)

    def to_w(x: Array, dy: Array) -> Array:
        dw = np.zeros((len(parts), *parts[0].shape[::-1]), dy.dtype)
        term = np.empty_like(dw[0])
        gradients = dy.reshape(*dy.shape[:2], rows.count)
        for i, columns in rows.columns(x):
            for u in range(len(parts)):
                dw[u] += np.matmul(rows.shift(columns, u), gradients[i].T, out=term)
        dw = dw.reshape(len(parts), w.shape[1], *w.shape[3:], len(w))
        return np.ascontiguousarray(np.moveaxis(dw, (-1, 1, 0), (0, 1, 2)))

    return Convolution(forward, to_x, to_w)


class _Rows:
    """The layout (C, taps of a row…, s, rows, O…) of an image's columns."""

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

    def columns(self, x: Array) -> Iterator[tuple[int, Array]]:
        """The columns of one image after the other, in one buffer that is written over."""
        bordered = np.zeros(self.bordered, x.dtype)
        inner = bordered[self.window.inside(self.shape[2:], lead=1)]
        channel, row, *rest = bordered.strides
        over_outputs, over_taps = self.window.spread((row, *rest))
        strides = (channel, *over_taps[1:], row, *over_outputs)
        windows = as_strided(bordered, self.unrolled, strides, writeable=False)
        columns = np.empty(self.unrolled, x.dtype)
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
