"""Where windows land, axis by axis: sizes, slices, and linear maps along one axis."""

import math
from collections.abc import Iterator

import numpy as np

from twice.kernels.checks import Array, require


def output_size(
    n: int,
    kernel: int,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
    where: str = "output_size",
) -> int:
    """⌊(n + p − d(k−1) − 1)/s⌋ + 1 windows along an axis of n entries, p the padding of both sides together.

    `padding` is a number for each side, or the pair (before, after). `ceil_mode` rounds up instead, but drops a
    last window that would start beyond the input, in the padding after it. `where` opens the error's sentence.
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    reach = dilation * (kernel - 1) + 1
    room = n + before + after - reach
    size = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (size - 1) * stride >= n + before:
        size -= 1
    require(
        size >= 1,
        f"{where}: input has size {n} along an axis ({before} + {after} padded), "
        f"expected at least {reach} in all for a kernel of {kernel} with dilation {dilation}",
    )
    return size


def along(axis: int, *slices: slice) -> tuple[slice, ...]:
    """An index that cuts the axes from `axis` on and leaves those before it whole."""
    return (slice(None),) * axis + slices


def apply_along(matrix: Array, x: Array, axis: int) -> Array:
    """y[…, i, …] = Σⱼ matrix[i, j] x[…, j, …] on one axis: a linear map of every line of x."""
    before, n, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if not after:
        return x @ matrix.T
    y = matrix @ np.ascontiguousarray(x).reshape(*before, n, math.prod(after))
    return y.reshape(*before, len(matrix), *after)


def blocks(count: int, size: int, budget: int = 1 << 19) -> Iterator[slice]:
    """Slices over `count` items of `size` bytes, each slice about `budget` bytes, so that a block stays in cache."""
    step = max(1, budget // max(1, size))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
