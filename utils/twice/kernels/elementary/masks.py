"""What holds only where a condition does."""

import numpy as np

from twice.kernels.checks import Array
from twice.kernels.pullback import Parts


def only(dy: Array, here: Array | bool) -> Array:
    """dy where the condition holds, else 0, also where dy is NaN: the bits of dy and a mask, as fast as a product."""
    bits = f"i{dy.dtype.itemsize}"
    return np.asarray(np.asarray(dy).view(bits) & -np.asarray(here).astype(bits)).view(dy.dtype)


def where(condition: Array, x: Array, y: Array):
    """x where the condition holds, else y"""
    _require_mask("where: condition", condition)
    return np.where(condition, x, y), Parts(None, lambda dz: only(dz, condition), lambda dz: only(dz, ~condition))


def masked_fill(x: Array, mask: Array, value: float):
    """x, with `value` where the mask holds"""
    _require_mask("masked_fill: mask", mask)
    y = np.where(mask, np.asarray(value, x.dtype), x)
    return y, Parts(lambda dy: only(dy, ~mask), None, lambda dy: np.sum(only(dy, mask)))


def _require_mask(what: str, mask: Array) -> None:
    if mask.dtype != bool:
        raise TypeError(f"{what} has dtype {mask.dtype}, expected bool")
