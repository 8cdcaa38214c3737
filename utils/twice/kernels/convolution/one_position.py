"""A kernel that fits in one place only: nothing slides, and the convolution is a fully connected layer.

    y[n, k] = Σ_{c, t}  x[n, c, d·t] w[k, c, t]        one product of (N, C·k…) with (C·k…, K)

So LeNet-5's C5 sees its 5×5 maps, and so a network's fully connected layers can be written as convolutions.
"""

from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window


def one_position(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (K, C, k…) → y (N, K, 1…), without padding"""
    matrix = w.reshape(len(w), -1)
    seen: Any = (..., *(slice(0, r + 1, d) for r, d in zip(window.reach, window.dilation)))

    def forward(x: Array) -> Array:
        return np.matmul(x[seen].reshape(len(x), -1), matrix.T).reshape(len(x), len(w), *(1,) * window.rank)

    def to_x(dy: Array) -> Array:
        pulled = np.matmul(dy.reshape(len(dy), len(w)), matrix).reshape(len(dy), *w.shape[1:])
        if w.shape[2:] == shape[2:]:
            return pulled
        dx = np.zeros(shape, dy.dtype)
        dx[seen] = pulled
        return dx

    def to_w(x: Array, dy: Array) -> Array:
        return np.matmul(dy.reshape(len(dy), len(w)).T, x[seen].reshape(len(x), -1)).reshape(w.shape)

    return Convolution(forward, to_x, to_w)
