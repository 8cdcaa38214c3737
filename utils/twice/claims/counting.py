"""Counts of a network that needs no memory: its summary on torch's meta device, computed once."""

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any

from twice.summary import Row, Summary, summary


def of(name: str, *arguments: Any, size: int = 224, channels: int = 3, **options: Any) -> Summary:
    """The summary of a network, by its name in `twice.networks`, for one image of this size."""
    return _made(name, arguments, size, channels, tuple(options.items()))


@cache
def _made(name: str, arguments: tuple, size: int, channels: int, options: tuple) -> Summary:
    from twice import networks

    return of_built(lambda nn: getattr(networks, name)(nn, *arguments, **dict(options)), (1, channels, size, size))


def of_built(build: Callable[[Any], Any], shape: tuple[int, ...]) -> Summary:
    """The summary of what `build(nn)` makes, for an input of this shape."""
    import torch

    with torch.device("meta"):
        return summary(build(torch.nn), shape)


def weighted(table: Summary) -> list[Row]:
    """The convolutions and fully connected layers, in order."""
    return [row for row in table.layers if row.kind in ("Conv2d", "Linear")]


def kind(table: Summary, *kinds: str) -> list[Row]:
    """The layers of these kinds, in order."""
    return [row for row in table.layers if row.kind in kinds]


def named(table: Summary, *names: str) -> list[Row]:
    """The rows with these names, or whose names end so."""
    return [next(row for row in table.rows if row.name == n or row.name.endswith(f".{n}")) for n in names]


def parameters(table: Summary, *names: str) -> int:
    """Of the rows with these names, together."""
    return sum(row.parameters for row in named(table, *names))


def multiply_adds(table: Summary, *names: str) -> int:
    """Of the rows with these names, together."""
    return sum(row.multiply_adds for row in named(table, *names))


def weights(row: Row) -> int:
    """The parameters of a layer with biases, without them."""
    assert row.output is not None
    return row.parameters - row.output[1]


def units(row: Row) -> int:
    """How many numbers a layer puts out for one image."""
    assert row.output is not None
    return prod(row.output)


def shape(row: Row) -> tuple[int, ...]:
    """Height, width and channels, as the documents write them."""
    assert row.output is not None
    return (*row.output[2:], row.output[1])
