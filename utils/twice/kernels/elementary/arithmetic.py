"""Arithmetic of two inputs: arrays that broadcast, or an array and a number."""

from typing import Any

import numpy as np

from twice.kernels.checks import Array, require_floating
from twice.kernels.elementary.masks import only
from twice.kernels.pullback import Parts

Number = int | float
Operand = Any  # an array, or a number


def add(x: Operand, y: Operand, *, alpha: float = 1):
    """x + α y"""
    if alpha == 1:
        return np.add(x, y), Parts(lambda dz: dz, lambda dz: dz)
    return x + alpha * y, Parts(lambda dz: dz, lambda dz: alpha * dz)


def sub(x: Operand, y: Operand, *, alpha: float = 1):
    """x − α y"""
    value = np.subtract(x, y) if alpha == 1 else x - alpha * y
    return value, Parts(lambda dz: dz, lambda dz: -alpha * dz)


def mul(x: Operand, y: Operand):
    """x y"""
    return np.multiply(x, y), Parts(lambda dz: dz * y, lambda dz: dz * x)


def div(x: Operand, y: Operand):
    """x / y; with z = x/y, dy = −z dz / y"""
    z = np.true_divide(x, y)
    return z, Parts(lambda dz: dz / y, lambda dz: -dz * z / y)


def power(x: Operand, n: Operand):
    """xⁿ; dx = n xⁿ⁻¹ dz, dn = xⁿ ln x dz (0 where x = 0 and n ≥ 0)"""
    z = raised(x, n)

    def to_x(dz: Array) -> Array:
        slope = n * raised(x, n - 1)
        return dz * (slope if isinstance(n, Number) else only(slope, n != 0)) if np.any(n) else np.zeros_like(dz)

    def to_n(dz: Array) -> Array:
        slope = z * np.log(np.asarray(x, dz.dtype))
        return dz * only(slope, (np.asarray(x) != 0) | (n < 0))

    return z, Parts(to_x, to_n)


def raised(x: Operand, n: Operand) -> Array:
    """xⁿ by np.power, but small whole exponents are products: several hundred times faster."""
    if not isinstance(n, Number) or n not in (-1, 0.5, 1, 2, 3, 4):
        return np.power(x, n)
    if n == -1:
        require_floating("pow", "x", x)
        return np.reciprocal(x)
    if n == 0.5:
        return np.sqrt(x)
    if n == 1:
        return x * 1
    square = x * x
    return square if n == 2 else square * (x if n == 3 else square)


def maximum(x: Operand, y: Operand):
    """The larger of two; where they are equal each gets half of the gradient, as in torch."""
    return np.maximum(x, y), Parts(lambda dz: dz * _wins(x < y, x == y), lambda dz: dz * _wins(y < x, x == y))


def minimum(x: Operand, y: Operand):
    """The smaller of two; where they are equal each gets half of the gradient, as in torch."""
    return np.minimum(x, y), Parts(lambda dz: dz * _wins(x > y, x == y), lambda dz: dz * _wins(y > x, x == y))


def _wins(loses: Array, tied: Array) -> Array:
    """1 for the winner, ½ for both of a tie, 0 for the loser."""
    return ~loses - np.float32(0.5) * tied


def remainder(x: Operand, y: Operand):
    """x − y ⌊x/y⌋, of the sign of y"""
    return np.remainder(x, y), Parts(lambda dz: dz, lambda dz: -dz * np.floor_divide(x, y))


def fmod(x: Operand, y: Operand):
    """x − y trunc(x/y), of the sign of x"""
    return np.fmod(x, y), Parts(lambda dz: dz, lambda dz: -dz * np.trunc(x / y))


def divide_floor(x: Operand, y: Operand):
    """⌊x/y⌋: a staircase, without slope"""
    return np.floor_divide(x, y), Parts(np.zeros_like, np.zeros_like)


def divide_trunc(x: Operand, y: Operand):
    """x/y without its fraction: a staircase, without slope"""
    z = np.trunc(np.true_divide(x, y)).astype(np.result_type(x, y), copy=False)
    return z, Parts(np.zeros_like, np.zeros_like)


def arctan2(y: Operand, x: Operand):
    """The angle of the point (x, y)"""
    square = x * x + y * y
    return np.arctan2(y, x), Parts(
        lambda dz: only(dz * x / square, square != 0), lambda dz: only(-dz * y / square, square != 0)
    )
