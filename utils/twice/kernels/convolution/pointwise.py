"""A 1×1 convolution mixes channels and never looks sideways: one matrix product for each image.

    y[:, p] = w x[:, p]        dx[:, p] = wᵀ dy[:, p]        dw = Σ_images dy xᵀ

A stride only means that some pixels are left out, before the product.
"""

import math
from typing import Any

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window


def pointwise(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """x (N, C, S…), w (K, C, 1…) → y (N, K, O…), without padding"""
    matrix, outputs = w.reshape(w.shape[:2]), window.outputs(shape[2:])
    chosen: Any = (..., *(slice(None, None, s) for s in window.stride))
    count = math.prod(outputs)

    def pixels(x: Array) -> Array:
        return x[chosen].reshape(*x.shape[:2], count)

    def forward(x: Array) -> Array:
        return np.matmul(matrix, pixels(x)).reshape(len(x), len(matrix), *outputs)

    def to_x(dy: Array) -> Array:
        dx = np.matmul(matrix.T, dy.reshape(*dy.shape[:2], count)).reshape(*shape[:2], *outputs)
        if outputs == shape[2:]:
            return dx
        full = np.zeros(shape, dy.dtype)
        full[chosen] = dx
        return full

    def to_w(x: Array, dy: Array) -> Array:
        dw = np.zeros(matrix.shape, dy.dtype)
        product = np.empty_like(dw)
        for gradient, image in zip(dy.reshape(*dy.shape[:2], count), pixels(x)):
            dw += np.matmul(gradient, image.T, out=product)
        return dw.reshape(w.shape)

    return Convolution(forward, to_x, to_w)
