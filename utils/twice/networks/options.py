"""The options that all families share, and the sentence that a bad one gets."""

from collections.abc import Collection
from typing import Any


def one_of(where: str, name: str, value: Any, allowed: Collection[Any]) -> Any:
    """The value, if it is one of those allowed: `resnet: depth is 51, expected one of 18, 34, 50, 101, 152`."""
    if value not in allowed:
        raise ValueError(f"{where}: {name} is {value!r}, expected one of {', '.join(map(str, allowed))}")
    return value


def at_least(where: str, name: str, value: Any, least: float) -> Any:
    """The value, if it is a number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise ValueError(f"{where}: {name} is {value!r}, expected a number of at least {least}")
    return value


def widener(where: str, width: float) -> Any:
    """`width` times as many channels, never none: the function that families pass their channel counts through."""
    if isinstance(width, bool) or not isinstance(width, int | float) or width <= 0:
        raise ValueError(f"{where}: width is {width!r}, expected a factor above 0")
    return lambda channels: max(1, round(channels * width))
