"""Convolution for few channels: with only C·k numbers under a kernel, let the images be the long axis instead.

With rows first and images last, (H, C, W, N), unroll the taps v of one kernel row:

    cols[h, (c, v), (j, n)] = x[h, c, s·j + v, n]

k consecutive rows of this array, h = s·i … s·i + k − 1, are one contiguous matrix of k·C·k rows: just what the outputs
of row i need. So every output row is one product, and every number was copied k times instead of k² times:

    y[i]   = w cols[s·i : s·i + k]
    dwᵀ    = Σ_i  cols[s·i : s·i + k] dy[i]ᵀ
    D[h]   = Σ_u  w_uᵀ dy[(h − u)/s]          likewise one product a row, over consecutive rows of dy
    dx[h, c, s·j + v] += D[h, (c, v), j]      added back tap by tap, for one kernel row only

A product of under about a million multiply-adds spares the BLAS its packing of the operands, so long rows are cut.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window

MULTIPLY_ADDS = 1_000_000
KEPT_BYTES = 1 << 22


def batch_last(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (K, C, k…) → y (N, K, O…), without dilation of the rows"""
    taps, step, (rows, *rest) = window.kernel[0], window.stride[0], window.outputs(shape[2:])
    across, length = math.prod(w.shape[1:]) // taps, math.prod(rest) * shape[0]
    matrix = np.ascontiguousarray(w.swapaxes(1, 2)).reshape(len(w), taps * across)  # (K, u·C·v)
    padded = window.padded(shape[2:])
    kept: list[Array] = []  # the input and its columns, for dw, where they are small

    def forward(x: Array) -> Array:
        columns, y = unroll(x), np.empty((len(x), len(w), rows, *rest), x.dtype)
        row = np.empty((len(w), length), x.dtype)
        for i in range(rows):
            _product(matrix, stacked(columns, i), row)
            y[:, :, i] = np.moveaxis(row.reshape(len(w), *rest, len(x)), -1, 0)
        return y

    def unroll(x: Array) -> Array:
        if not kept or kept[0] is not x:
            columns = laid_out(x)
            if columns.nbytes > KEPT_BYTES:
                return columns
            kept[:] = x, columns
        return kept[1]

    def laid_out(x: Array) -> Array:
        bordered = np.zeros((padded[0], x.shape[1], *padded[1:], len(x)), x.dtype)
        _batch_first(bordered)[window.inside(x.shape[2:], lead=2)] = x
        row, channel, *spatial, image = bordered.strides
        over_outputs, over_taps = window.spread((row, *spatial))
        layout = (padded[0], x.shape[1], *window.kernel[1:], *rest, len(x))
        strides = (row, channel, *over_taps[1:], *over_outputs[1:], image)
        windows = as_strided(bordered, layout, strides, writeable=False)
        return np.ascontiguousarray(windows).reshape(padded[0], across, length)

    def stacked(columns: Array, i: int) -> Array:
        return columns[step * i : step * i + taps].reshape(taps * across, length)

    def to_x(dy: Array) -> Array:
        return pull_to_x(_rows_first(dy, taps))

    def to_w(x: Array, dy: Array) -> Array:
        return pull_to_w(x, _rows_first(dy, taps))

    def to_both(x: Array, dy: Array) -> tuple[Array, Array]:
        gradient = _rows_first(dy, taps)
        return pull_to_x(gradient), pull_to_w(x, gradient)

    def pull_to_x(gradient: Array) -> Array:
        columns = _spread_rows(gradient.reshape(-1, len(w), length), matrix, window, padded[0])
        columns = columns.reshape(padded[0], w.shape[1], *window.kernel[1:], *rest, -1)
        dx = np.zeros((padded[0], w.shape[1], *padded[1:], columns.shape[-1]), columns.dtype)
        for (first, *tap), (_, *positions) in window.shifts((1, *rest)):
            if first == 0:
                read: Any = (slice(None), slice(None), *positions)
                dx[read] += columns[(slice(None), slice(None), *tap)]
        return np.ascontiguousarray(_batch_first(dx)[window.inside(shape[2:], lead=2)])

    def pull_to_w(x: Array, gradient: Array) -> Array:
        columns, dw = unroll(x), np.zeros(matrix.shape[::-1], gradient.dtype)
        for i, part in enumerate(gradient.reshape(-1, len(w), length)[taps : taps + rows]):
            dw += np.matmul(stacked(columns, i), part.T)
        return np.ascontiguousarray(dw.T.reshape(len(w), taps, w.shape[1], *w.shape[3:]).swapaxes(1, 2))

    return Convolution(forward, to_x, to_w, to_both)


def _spread_rows(gradient: Array, matrix: Array, window: Window, padded: int) -> Array:
    """D[h] for every padded row h: the rows u of the kernel with u ≡ h mod s, over consecutive rows of dy."""
    taps, step, (rows, kernels, length) = window.kernel[0], window.stride[0], gradient.shape
    by_row = matrix.reshape(kernels, taps, -1)
    reached = step <= taps and padded <= (rows - taps) * step
    columns = (np.empty if reached else np.zeros)((padded, by_row.shape[2], length), gradient.dtype)
    for residue in range(min(step, taps)):
        used = by_row[:, residue::step][:, ::-1]  # (K, rows u of this residue, last first, C·v)
        count = used.shape[1]
        part = np.ascontiguousarray(used.transpose(2, 1, 0)).reshape(-1, count * kernels)
        for q, h in enumerate(range(residue, min(padded, (rows - taps) * step), step)):
            first = taps + q - count + 1
            _product(part, gradient[first : first + count].reshape(count * kernels, length), columns[h])
    return columns


def _product(a: Array, b: Array, out: Array) -> None:
    """a b, cut so that each piece stays under MULTIPLY_ADDS."""
    length = b.shape[1]
    step = max(1, -(-length // max(1, round(length * a.size / MULTIPLY_ADDS))))
    for start in range(0, length, step):
        np.matmul(a, b[:, start : start + step], out=out[:, start : start + step])


def _rows_first(x: Array, border: int) -> Array:
    """(N, C, H, W…) → (H, C, W…, N) with rows of zeros before and after; row by row, so that it stays in the cache"""
    rows = np.zeros((x.shape[2] + 2 * border, x.shape[1], *x.shape[3:], len(x)), x.dtype)
    for i in range(x.shape[2]):
        rows[border + i] = np.moveaxis(x[:, :, i], 0, -1)
    return rows


def _batch_first(x: Array) -> Array:
    """(H, C, W…, N) seen as (N, C, H, W…)"""
    return np.moveaxis(x.swapaxes(0, 1), -1, 0)
