"""Depthwise convolution: every channel has its own kernel, so there is no matrix product to make.

What is left is k² multiply-adds of whole planes. Flatten a bordered plane to one line: then "one pixel further in
direction t" is a shift by a fixed number of places, off(t), for all outputs at once:

    y[p] = Σ_t w[t] x[p + off(t)]

The line also computes positions that fall into the border between two rows; they are left out at the end. A few
channels at a time stay in the cache while all taps pass over them. A stride only selects among the outputs. For the
way back the kernel is turned round, and dw[t] = Σ_p dy[p] x[p + off(t)] is a dot product of two lines.

Kernels of 5×5 and more have so many taps that `banded` is faster, which makes matrix products after all.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.convolution import banded
from twice.kernels.convolution.residues import pull_to_input
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window
from twice.kernels.geometry import blocks


def depthwise(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (C·m, 1, k…) → y (N, C·m, O…): channel c gives the outputs c·m … c·m + m − 1"""
    size, outputs = shape[2:], window.outputs(shape[2:])
    kernels = w.reshape(shape[1], len(w) // shape[1], *window.kernel)
    full = (shape[0], *kernels.shape[:2], *outputs)
    correlate, products = (banded.correlate, banded.products) if banded.fits(window) else (_correlate, _products)

    def forward(x: Array) -> Array:
        y = np.empty(full, x.dtype)
        for j in range(full[2]):
            correlate(x, kernels[:, j], window, y[:, :, j])
        return y.reshape(shape[0], len(w), *outputs)

    def to_x(dy: Array) -> Array:
        each = (shape[0], len(w), *size)
        dx = pull_to_input(dy, w, window, each, depthwise, exchange=False)
        return dx if len(w) == shape[1] else dx.reshape(*shape[:2], full[2], *size).sum(2)

    def to_w(x: Array, dy: Array) -> Array:
        each = dy.reshape(full)
        return np.stack([products(x, each[:, :, j], window) for j in range(full[2])], 1).reshape(w.shape)

    return Convolution(forward, to_x, to_w)


def _correlate(x: Array, kernels: Array, window: Window, y: Array) -> None:
    """y (N, C, O…) from x (N, C, S…) and kernels (C, k…), one for each channel"""
    taps = kernels.reshape(len(kernels), -1)
    for image, channels, line in _lines(x, window):
        _add_up(line, taps[channels], window, y[image, channels])


def _products(x: Array, dy: Array, window: Window) -> Array:
    """The pullback to the kernels: (C, k…)"""
    dw = np.zeros((x.shape[1], window.taps), dy.dtype)
    for image, channels, line in _lines(x, window):
        dw[channels] += _dots(line, dy[image, channels], window)
    return dw.reshape(-1, *window.kernel)


def _lines(x: Array, window: Window) -> Iterator[tuple[int, slice, Array]]:
    """The bordered planes of a few channels of an image at a time, in one buffer that is written over."""
    padded = window.padded(x.shape[2:])
    for channels in blocks(x.shape[1], math.prod(padded) * x.itemsize):
        line = np.zeros((channels.stop - channels.start, *padded), x.dtype)
        inner = line[window.inside(x.shape[2:], lead=1)]
        for image in range(len(x)):
            inner[...] = x[image, channels]
            yield image, channels, line


def _flat(line: Array, window: Window, outputs: tuple[int, ...]) -> tuple[list[int], int, tuple[int, ...]]:
    """The shift of each tap, the length of a line of outputs, and the strides of the outputs along it."""
    places = [math.prod(line.shape[i + 1 :]) for i in range(1, line.ndim)]
    shifts = [sum(i.start * p for i, p in zip(positions, places)) for _, positions in window.shifts(outputs)]
    steps = tuple(s * p for s, p in zip(window.stride, places))
    return shifts, sum((o - 1) * s for o, s in zip(outputs, steps)) + 1, steps


def _add_up(line: Array, kernels: Array, window: Window, y: Array) -> None:
    """y (channels, O…) = Σ_t w[t] · the line shifted by tap t"""
    shifts, length, steps = _flat(line, window, y.shape[1:])
    flat = line.reshape(len(line), -1)
    total = flat[:, shifts[0] : shifts[0] + length] * kernels[:, :1]
    term = np.empty_like(total)
    for t, shift in enumerate(shifts[1:], 1):
        np.multiply(flat[:, shift : shift + length], kernels[:, t, None], out=term)
        total += term
    y[...] = _chosen(total, y.shape[1:], steps)


def _chosen(total: Array, outputs: tuple[int, ...], steps: tuple[int, ...]) -> Array:
    """The entries of the line that are outputs, in their shape."""
    item = total.itemsize
    return as_strided(total, (len(total), *outputs), (total.strides[0], *(s * item for s in steps)))


def _as_line(dy: Array, length: int, steps: tuple[int, ...]) -> Array:
    """dy on a line of its own, with zeros where the line holds no output."""
    line = np.zeros((len(dy), length), dy.dtype)
    _chosen(line, dy.shape[1:], steps)[...] = dy
    return line


def _dots(line: Array, dy: Array, window: Window) -> Array:
    """dw[t] = Σ_p dy[p] x[p + off(t)] for each channel: (channels, taps)"""
    shifts, length, steps = _flat(line, window, dy.shape[1:])
    flat, gradient = line.reshape(len(line), -1), _as_line(dy, length, steps)
    return np.stack([np.vecdot(gradient, flat[:, shift : shift + length]) for shift in shifts], -1)
