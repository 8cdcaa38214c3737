"""A large stride as a small kernel: fold s × s pixels into the channels.

With x'[c, a, b][i, j] = x[c][s·i + a, s·j + b], and the kernel cut up in the same way (padded with zeros to a multiple
of s), a convolution of stride s becomes one of stride 1 on s² times the channels with ⌈k/s⌉ taps a side: AlexNet's
11×11/4 on 3 channels is a 3×3/1 on 48, which a product of matrices likes much better. Back is the same fold, undone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window


def space_to_depth(w: Array, window: Window, shape: tuple[int, ...], inner: Callable) -> Convolution:
    """x (N, C, H, W), w (K, C, k, k), stride s → y, by the strategy `inner` for stride 1"""
    step, outputs = window.stride[0], window.outputs(shape[2:])
    taps = tuple(-(-k // step) for k in window.kernel)
    used = tuple((o + t - 1) * step for o, t in zip(outputs, taps))
    canvas = tuple(max(pair) for pair in zip(used, window.padded(shape[2:])))
    inside = window.inside(shape[2:], lead=2)
    kept: Any = (..., *map(slice, used))
    small = Window(taps, (1, 1), ((0, 0), (0, 0)), (1, 1))
    kernels = np.zeros((*w.shape[:2], *(t * step for t in taps)), w.dtype)
    kernels[..., : window.kernel[0], : window.kernel[1]] = w
    folded = inner(_fold(kernels, step), small, (shape[0], shape[1] * step * step, *(n // step for n in used)))

    def fold(x: Array) -> Array:
        bordered = np.zeros((*shape[:2], *canvas), x.dtype)
        bordered[inside] = x
        return _fold(bordered[kept], step)

    def forward(x: Array) -> Array:
        return folded.forward(fold(x))

    def unfold_input(dx: Array) -> Array:
        bordered = np.zeros((*shape[:2], *canvas), dx.dtype)
        bordered[kept] = _unfold(dx, step)
        return np.ascontiguousarray(bordered[inside])

    def unfold_weights(dw: Array) -> Array:
        return np.ascontiguousarray(_unfold(dw, step)[..., : window.kernel[0], : window.kernel[1]])

    def to_x(dy: Array) -> Array:
        return unfold_input(folded.to_x(dy))

    def to_w(x: Array, dy: Array) -> Array:
        return unfold_weights(folded.to_w(fold(x), dy))

    def to_both(x: Array, dy: Array) -> tuple[Array, Array]:
        if folded.to_both is None:
            return to_x(dy), to_w(x, dy)
        dx, dw = folded.to_both(fold(x), dy)
        return unfold_input(dx), unfold_weights(dw)

    return Convolution(forward, to_x, to_w, to_both)


def _fold(x: Array, s: int) -> Array:
    """(N, C, s·H, s·W) → (N, C·s², H, W)"""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // s, s, w // s, s).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * s * s, h // s, w // s)


def _unfold(x: Array, s: int) -> Array:
    """(N, C·s², H, W) → (N, C, s·H, s·W)"""
    n, c, h, w = x.shape
    return x.reshape(n, c // (s * s), s, s, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // (s * s), s * h, s * w)
