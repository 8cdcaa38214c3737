"""Depthwise convolution with a large kernel as products with banded matrices, for images and a stride of 1.

k² passes over a plane cost more than products that are mostly zeros. Cut the rows of a plane into tiles that give m
outputs each and read m + k − 1 inputs. One row of the kernel, moved along a tile, is a matrix with k diagonals:

    B_u[j + v, j] = w[u, v]          y[i] = Σ_u  x[i + u] B_u

for all rows i of all images at once, one product for each row u of the kernel. The way back to the weights makes the
products xᵀ[i + u] dy[i], whose k diagonals, added up, are dw[u].
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution.window import Window
from twice.kernels.geometry import blocks

WIDTH = 14  # outputs of a tile: wider ones multiply more zeros, narrower ones read more inputs twice


def fits(window: Window) -> bool:
    """Whether tiles can be cut, and the kernel is large enough for products to be faster than passes."""
    return window.rank == 2 and min(window.kernel) >= 5 and {*window.stride, *window.dilation} == {1}


class Tiles:
    """The rows of some planes (N, C, H, W) in tiles; `seen` holds C, padded rows, N · tiles, inputs of a tile."""

    def __init__(self, window: Window, shape: tuple[int, ...]):
        self.window, self.shape, (self.height, self.across) = window, shape, window.outputs(shape[2:])
        self.rows, self.columns = window.kernel
        self.width = min(WIDTH, self.across)
        self.count = -(-self.across // self.width)
        self.reads = self.width + self.columns - 1

    def seen(self, x: Array) -> Iterator[tuple[slice, Array]]:
        """A few channels at a time, in one buffer that is written over."""
        (n, c), padded = self.shape[:2], self.window.padded(self.shape[2:])
        line = self.count * self.width + self.columns - 1
        for channels in blocks(c, n * padded[0] * self.count * self.reads * x.itemsize):
            some = x[:, channels]
            bordered = np.zeros((some.shape[1], padded[0], n, line), x.dtype)
            (top, _), (left, _) = self.window.padding
            bordered[:, top : top + x.shape[2], :, left : left + x.shape[3]] = some.transpose(1, 2, 0, 3)
            *outer, item = bordered.strides
            view = (*bordered.shape[:3], self.count, self.reads)
            tiles = as_strided(bordered, view, (*outer, self.width * item, item), writeable=False)
            yield channels, tiles.reshape(*bordered.shape[:2], n * self.count, self.reads)

    def under(self, seen: Array, u: int) -> Array:
        """What row u of the kernel reads for all outputs: (C, H · N · tiles, inputs of a tile)"""
        return seen[:, u : u + self.height].reshape(len(seen), self.height * seen.shape[2], self.reads)

    def joined(self, y: Array) -> Array:
        """Outputs (C, H · N · tiles, m) as (N, C, H, W)"""
        rows = y.reshape(len(y), self.height, self.shape[0], self.count * self.width)
        return rows[..., : self.across].transpose(2, 0, 1, 3)

    def cut(self, dy: Array) -> Array:
        """The way back: (N, C, H, W) as (C, H · N · tiles, m), with zeros after the last column"""
        rows = np.zeros((dy.shape[1], self.height, self.shape[0], self.count * self.width), dy.dtype)
        rows[..., : self.across] = dy.transpose(1, 2, 0, 3)
        return rows.reshape(len(rows), self.height * self.shape[0] * self.count, self.width)


def correlate(x: Array, kernels: Array, window: Window, y: Array) -> None:
    """y (N, C, H, W) from x (N, C, H, W) and kernels (C, k, k), one for each channel"""
    tiles = Tiles(window, x.shape)
    bands = np.zeros((*kernels.shape[:2], tiles.reads, tiles.width), x.dtype)
    _diagonals(bands, tiles.columns)[...] = kernels[..., None]
    for channels, seen in tiles.seen(x):
        total = tiles.under(seen, 0) @ bands[channels, 0]
        term = np.empty_like(total)
        for u in range(1, tiles.rows):
            total += np.matmul(tiles.under(seen, u), bands[channels, u], out=term)
        y[:, channels] = tiles.joined(total)


def products(x: Array, dy: Array, window: Window) -> Array:
    """The pullback to the kernels: (C, k, k)"""
    tiles = Tiles(window, x.shape)
    dw = np.empty((x.shape[1], *window.kernel), dy.dtype)
    for channels, seen in tiles.seen(x):
        gradient = tiles.cut(dy[:, channels])
        for u in range(tiles.rows):
            sums = tiles.under(seen, u).swapaxes(1, 2) @ gradient
            dw[channels, u] = _diagonals(sums, tiles.columns).sum(-1)
    return dw


def _diagonals(bands: Array, k: int) -> Array:
    """The k diagonals of matrices (…, m + k − 1, m): a view (…, k, m)"""
    *outer, row, column = bands.strides
    return as_strided(bands, (*bands.shape[:-2], k, bands.shape[-1]), (*outer, row, row + column))
