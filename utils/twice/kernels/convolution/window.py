"""How a kernel moves over its input: the geometry that all strategies share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from numpy.lib.stride_tricks import as_strided

from twice.kernels.checks import Array
from twice.kernels.geometry import output_size


@dataclass(frozen=True)
class Window:
    """Kernel, stride, padding (before, after) and dilation, a number each per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def rank(self) -> int:
        return len(self.kernel)

    @property
    def taps(self) -> int:
        return math.prod(self.kernel)

    @property
    def reach(self) -> tuple[int, ...]:
        """How far apart the first and the last tap lie."""
        return tuple(d * (k - 1) for d, k in zip(self.dilation, self.kernel))

    def outputs(self, size: tuple[int, ...], where: str = "conv") -> tuple[int, ...]:
        """The size of the output for an input of this size."""
        axes = zip(size, self.kernel, self.stride, self.padding, self.dilation)
        return tuple(output_size(n, k, s, p, d, where=where) for n, k, s, p, d in axes)

    def padded(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """The size of the input with its border."""
        return tuple(n + before + after for n, (before, after) in zip(size, self.padding))

    def inside(self, size: tuple[int, ...], lead: int) -> Any:
        """The index of the input within its border, behind `lead` axes that have none."""
        spatial = (slice(before, before + n) for n, (before, _) in zip(size, self.padding))
        return (*[slice(None)] * lead, *spatial)

    def shifts(self, outputs: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
        """For each tap of the kernel: its index, and the padded positions it reads for all outputs."""
        for tap in product(*map(range, self.kernel)):
            starts = [t * d for t, d in zip(tap, self.dilation)]
            yield tap, tuple(slice(a, a + s * (o - 1) + 1, s) for a, s, o in zip(starts, self.stride, outputs))

    def spread(self, strides: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Byte strides over outputs and over taps, given those of the padded axes."""
        over_outputs = tuple(s * b for s, b in zip(self.stride, strides))
        over_taps = tuple(d * b for d, b in zip(self.dilation, strides))
        return over_outputs, over_taps


def windows_last(padded: Array, window: Window, outputs: tuple[int, ...]) -> Array:
    """Every window of a channels-last array (n, S…, C), without a copy: (n, O…, k…, C)."""
    image, *spatial, channel = padded.strides
    over_outputs, over_taps = window.spread(tuple(spatial))
    shape = (padded.shape[0], *outputs, *window.kernel, padded.shape[-1])
    return as_strided(padded, shape, (image, *over_outputs, *over_taps, channel), writeable=False)
