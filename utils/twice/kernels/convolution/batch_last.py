"""im2col for few channels: with only C·k numbers in a row of taps, let the images be the long axis instead.

With the batch last, (C, H, W, N), one tap reads OW·N contiguous numbers for a whole row of outputs. The columns of a
few output rows are small enough to stay in the cache between the copy and the product, and a product of under about
a million multiply-adds spares the BLAS its packing of the operands.

    forward:  cols[r, p] = x[tap and channel r, position p],    y = w cols
    backward: dwᵀ += cols dyᵀ,    dcols = wᵀ dy, added back tap by tap
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window

MULTIPLY_ADDS = 1_000_000
COLUMN_BYTES = 1 << 22  # of so many output rows at a time: larger leaves the cache, smaller makes many short sums


def batch_last(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (K, C, k…) → y (N, K, O…)"""
    matrix, outputs = w.reshape(len(w), -1), window.outputs(shape[2:])
    row = matrix.shape[1] * math.prod(outputs[1:]) * shape[0]
    rows = _blocks(outputs[0], COLUMN_BYTES // max(1, row * w.itemsize))

    def forward(x: Array) -> Array:
        y = np.empty((len(w), *outputs, len(x)), x.dtype)
        for block, columns in _columns(x, window, outputs, rows):
            _product(matrix, columns, y[:, block].reshape(len(w), -1))
        return _batch_to_front(y)

    def to_x(dy: Array) -> Array:
        return pull_to_x(_batch_to_end(dy))

    def to_w(x: Array, dy: Array) -> Array:
        return pull_to_w(x, _batch_to_end(dy))

    def to_both(x: Array, dy: Array) -> tuple[Array, Array]:
        gradient = _batch_to_end(dy)
        return pull_to_x(gradient), pull_to_w(x, gradient)

    def pull_to_x(gradient: Array) -> Array:
        transposed, images = np.ascontiguousarray(matrix.T), gradient.shape[-1]
        dx = np.zeros((shape[1], *window.padded(shape[2:]), images), gradient.dtype)
        for block in rows:
            taken = gradient[:, block].reshape(len(gradient), -1)
            columns = _product(transposed, taken, np.empty((len(transposed), taken.shape[1]), taken.dtype))
            _add_back(dx, columns.reshape(shape[1], *window.kernel, -1, *outputs[1:], images), window, block.start)
        return _batch_to_front(dx[window.inside(shape[2:], lead=1)])

    def pull_to_w(x: Array, gradient: Array) -> Array:
        dw = np.zeros(matrix.shape[::-1], gradient.dtype)
        for block, columns in _columns(x, window, outputs, rows):
            taken = gradient[:, block].reshape(len(gradient), -1)
            for piece in _blocks(taken.shape[1], MULTIPLY_ADDS // dw.size):
                dw += np.matmul(columns[:, piece], taken[:, piece].T)
        return np.ascontiguousarray(dw.T).reshape(w.shape)

    return Convolution(forward, to_x, to_w, to_both)


def _blocks(count: int, step: int) -> list[slice]:
    return [slice(start, min(start + max(1, step), count)) for start in range(0, count, max(1, step))]


def _product(a: Array, b: Array, out: Array) -> Array:
    """a b, in pieces that the BLAS multiplies without packing."""
    for piece in _blocks(b.shape[1], MULTIPLY_ADDS // a.size):
        np.matmul(a, b[:, piece], out=out[:, piece])
    return out


def _batch_to_end(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, 0, -1))


def _batch_to_front(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, -1, 0))


def _columns(x: Array, window: Window, outputs: tuple[int, ...], rows: list[slice]) -> Iterator[tuple[slice, Array]]:
    """The matrix (C·k…, positions·N) of a few output rows after the other."""
    bordered = np.zeros((x.shape[1], *window.padded(x.shape[2:]), len(x)), x.dtype)
    bordered[window.inside(x.shape[2:], lead=1)] = np.moveaxis(x, 0, -1)
    channel, *spatial, image = bordered.strides
    over_outputs, over_taps = window.spread(tuple(spatial))
    shape = (x.shape[1], *window.kernel, *outputs, len(x))
    windows = as_strided(bordered, shape, (channel, *over_taps, *over_outputs, image), writeable=False)
    taps: Any = (slice(None),) * (window.rank + 1)
    for block in rows:
        yield block, windows[(*taps, block)].reshape(x.shape[1] * window.taps, -1)


def _add_back(dx: Array, columns: Array, window: Window, first: int) -> None:
    """Add the columns of the output rows from `first` on to the padded positions they were read from."""
    below, every = first * window.stride[0], (slice(None),)
    for tap, (rows, *others) in window.shifts(columns.shape[window.rank + 1 : -1]):
        moved = slice(rows.start + below, rows.stop + below, rows.step)
        dx[(*every, moved, *others)] += columns[every + tap]
