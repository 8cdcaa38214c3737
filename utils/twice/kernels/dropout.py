"""Dropout: in training, numbers or whole channels are set to zero at random and the rest made larger to compensate."""

import math

import numpy as np

from twice.kernels.checks import Array, require, require_floating

_SELU_FLOOR = -1.7580993408473766  # −λα, where SELU ends for x → −∞


def dropout(x: Array, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None):
    """y = x·m, where each number of the mask m is 0 with probability p and 1/(1 − p) otherwise; dx = dy·m."""
    _check("dropout", x, p)
    if not training or p == 0:
        return _identity(x)
    mask = _mask(x.shape, p, x.dtype, rng)
    return np.asarray(x * mask), lambda dy: np.asarray(dy * mask)


def dropout1d(x: Array, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None):
    """Whole channels of x (N, C, L) or (C, L) are dropped."""
    return _channel_dropout("dropout1d", x, p, training, rng, batched=3)


def dropout2d(x: Array, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None):
    """Whole channels of x (N, C, H, W) are dropped; (N, C, L) is read as in dropout1d, as torch does."""
    return _channel_dropout("dropout2d", x, p, training, rng, batched=min(x.ndim, 4))


def dropout3d(x: Array, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None):
    """Whole channels of x (N, C, D, H, W) or (C, D, H, W) are dropped."""
    return _channel_dropout("dropout3d", x, p, training, rng, batched=5)


def _channel_dropout(where: str, x: Array, p: float, training: bool, rng: np.random.Generator | None, batched: int):
    """One number of the mask a channel: axes (N, C) if x has `batched` axes, (C) if it has one less."""
    _check(where, x, p)
    axes = "(N, C, *)" if where == "dropout2d" else f"(N, C, *) or (C, *) with {batched} or {batched - 1} in all"
    require(
        3 <= x.ndim == batched or (where != "dropout2d" and x.ndim == batched - 1),
        f"{where}: x has shape {x.shape}, expected axes {axes}",
    )
    if not training or p == 0:
        return _identity(x)
    kept = 2 if x.ndim == batched else 1
    mask = _mask(x.shape[:kept] + (1,) * (x.ndim - kept), p, x.dtype, rng)
    return x * mask, lambda dy: dy * mask


def alpha_dropout(x: Array, p: float = 0.5, training: bool = False, rng: np.random.Generator | None = None):
    """Dropped numbers become SELU's floor f = −λα, then a·y + b restores mean 0 and variance 1 (Klambauer 2017).

    y = a·(x·m + f·(1 − m)) + b with m of 0 and 1, a = 1/√((1 − p)(1 + p·f²)), b = −a·f·p; dx = a·m·dy.
    """
    _check("alpha_dropout", x, p)
    if not training or p == 0:
        return _identity(x)
    if p == 1:  # torch: nothing is left to rescale
        return np.zeros_like(x), lambda dy: np.zeros_like(dy)
    a = 1 / math.sqrt((1 - p) * (1 + p * _SELU_FLOOR**2))
    mask = _mask(x.shape, p, x.dtype, rng, kept=a)
    y = np.asarray(x * mask)
    y += a * _SELU_FLOOR * (1 - p)  # a·f + b, which is what a dropped number becomes
    y -= mask * _SELU_FLOOR
    return y, lambda dy: np.asarray(dy * mask)


def _mask(
    shape: tuple[int, ...], p: float, dtype: np.dtype, rng: np.random.Generator | None, kept: float | None = None
) -> Array:
    """0 with probability p, else `kept`, by default 1/(1 − p)."""
    rng = np.random.default_rng() if rng is None else rng
    passed = rng.random(shape, np.float32) >= p
    if kept is None:
        kept = 1 / (1 - p) if p < 1 else 0.0
    return np.multiply(passed, dtype.type(kept), dtype=dtype)


def _identity(x: Array):
    """Outside training: a copy, so that the result does not alias x."""
    return x.copy(), lambda dy: dy


def _check(where: str, x: Array, p: float) -> None:
    require_floating(where, "x", x)
    require(0 <= p <= 1, f"{where}: p is {p}, expected a probability between 0 and 1")
