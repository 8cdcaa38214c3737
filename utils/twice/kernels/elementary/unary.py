"""Functions of one array, entry by entry."""

import math

import numpy as np

from twice.kernels import special
from twice.kernels.checks import Array
from twice.kernels.elementary.masks import only


def negative(x: Array):
    """−x"""
    return -x, lambda dy: -dy


def exp(x: Array):
    """eˣ"""
    y = np.exp(x)
    return y, lambda dy: dy * y


def expm1(x: Array):
    """eˣ − 1, exact near 0"""
    y = np.expm1(x)
    return y, lambda dy: dy * (y + 1)


def log(x: Array):
    """ln x"""
    return np.log(x), lambda dy: dy / x


def log2(x: Array):
    """log₂ x"""
    return np.log2(x), lambda dy: dy / (x * float(np.log(2)))


def log10(x: Array):
    """log₁₀ x"""
    return np.log10(x), lambda dy: dy / (x * float(np.log(10)))


def log1p(x: Array):
    """ln(1 + x), exact near 0"""
    return np.log1p(x), lambda dy: dy / (1 + x)


def sqrt(x: Array):
    """√x"""
    y = np.sqrt(x)

    def back(dy: Array) -> Array:
        return dy / (2 * y)

    return y, back


def rsqrt(x: Array):
    """1/√x"""
    y = 1 / np.sqrt(x)
    return y, lambda dy: dy * (-0.5 * y * y * y)


def reciprocal(x: Array):
    """1/x"""
    y = 1 / x
    return y, lambda dy: -dy * y * y


def absolute(x: Array):
    """|x|, with slope 0 at 0"""
    return np.abs(x), lambda dy: dy * np.sign(x)


def floor(x: Array):
    """⌊x⌋: a staircase, without slope"""
    return np.floor(x), np.zeros_like


def ceil(x: Array):
    """⌈x⌉: a staircase, without slope"""
    return np.ceil(x), np.zeros_like


def trunc(x: Array):
    """x without its fraction: a staircase, without slope"""
    return np.trunc(x), np.zeros_like


def sign(x: Array):
    """−1, 0 or 1: flat on either side of 0"""
    return np.sign(x), np.zeros_like


def round(x: Array, decimals: int = 0):
    """The nearest whole number, of halves the even one: a staircase, without slope"""
    return np.round(x, decimals), np.zeros_like


def sin(x: Array):
    """sin x"""
    return np.sin(x), lambda dy: dy * np.cos(x)


def cos(x: Array):
    """cos x"""
    return np.cos(x), lambda dy: dy * -np.sin(x)


def tan(x: Array):
    """tan x; the slope is 1 + tan² x"""
    y = np.tan(x)
    return y, lambda dy: dy * (1 + y * y)


def arctan(x: Array):
    """The angle whose tangent is x"""
    return np.arctan(x), lambda dy: dy / (1 + x * x)


def arcsin(x: Array):
    """The angle whose sine is x"""
    return np.arcsin(x), lambda dy: dy / np.sqrt(1 - x * x)


def arccos(x: Array):
    """The angle whose cosine is x"""
    return np.arccos(x), lambda dy: -dy / np.sqrt(1 - x * x)


def sinh(x: Array):
    """(eˣ − e⁻ˣ)/2"""
    return np.sinh(x), lambda dy: dy * np.cosh(x)


def cosh(x: Array):
    """(eˣ + e⁻ˣ)/2"""
    return np.cosh(x), lambda dy: dy * np.sinh(x)


def erf(x: Array):
    """2/√π ∫₀ˣ e^(−t²) dt; the slope is 2/√π e^(−x²)"""
    return special.erf(x), lambda dy: dy * (2 / math.sqrt(math.pi) * np.exp(-x * x))


def clamp(x: Array, low: float | None = None, high: float | None = None):
    """x held between low and high; the gradient passes where x lies between them"""
    if low is None and high is None:
        raise ValueError("clamp: min and max are None, expected at least one of them")

    def back(dy: Array) -> Array:
        return only(dy, (low is None or x > low) & (high is None or x < high))

    return np.clip(x, low, high), back


def cast(x: Array, dtype: np.dtype):
    """The same values in another dtype; the gradient comes back in the old one"""
    before = x.dtype
    return x.astype(dtype), lambda dy: dy.astype(before)


def clone(x: Array):
    """A copy in memory of its own"""
    return x.copy(), lambda dy: dy
