"""The errors of the kernels: one sentence that names the argument, what came and what was expected."""

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def require(condition: bool, message: str, error: type[Exception] = ValueError) -> None:
    """Raise `error` with `message` unless the condition holds."""
    if not condition:
        raise error(message)


def require_floating(where: str, name: str, x: Array) -> None:
    """The derivative of an integer is not defined: only float32 and float64 (and float16) pass."""
    if x.dtype.kind != "f":
        raise TypeError(f"{where}: {name} has dtype {x.dtype}, expected a floating dtype such as float32")


def require_rank(where: str, name: str, x: Array, rank: int, axes: str) -> None:
    """`axes` names the expected axes, such as '(N, C, H, W)'."""
    if x.ndim != rank:
        raise ValueError(f"{where}: {name} has shape {x.shape}, expected {rank} axes {axes}")


def require_same_dtype(where: str, **arrays: Array | None) -> None:
    """A product of float32 with float64 would silently be slow and of another precision."""
    dtypes = {name: x.dtype for name, x in arrays.items() if x is not None}
    if len(set(dtypes.values())) > 1:
        came = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(f"{where}: the dtypes differ ({came}), expected one dtype for all")


def as_tuple(where: str, name: str, value: int | Sequence[int], length: int, least: int) -> tuple[int, ...]:
    """`3` becomes `(3, 3)` for two axes; every entry must be a whole number of at least `least`."""
    values = (value,) * length if isinstance(value, int | np.integer) else tuple(value)
    if len(values) == 1:
        values *= length
    if len(values) != length or any(not isinstance(v, int | np.integer) or v < least for v in values):
        raise ValueError(f"{where}: {name} is {value!r}, expected {length} whole numbers of at least {least}")
    return tuple(int(v) for v in values)
