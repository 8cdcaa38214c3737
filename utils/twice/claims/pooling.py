"""The claims on pooling."""

from collections.abc import Callable
from functools import partial

import numpy as np

from twice.claims.ledger import Claim
from twice.claims.start import KRIZHEVSKY
from twice.kernels.pool import avg_pool, max_pool

row = partial(Claim, "pooling")

A = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]
B = [[1, 0, 0, 2], [0, 3, 1, 1], [0, 2, 0, 2], [2, 0, 3, 3]]


def pooled(pool: Callable, plane: list) -> np.ndarray:
    """2×2 windows at stride 2."""
    return pool(np.array(plane, float)[None, None], 2, 2)[0][0, 0]


def size(n: int, channels: int) -> tuple[int, ...]:
    """Height, width and channels after 2×2 windows at stride 2."""
    y = max_pool(np.zeros((1, channels, n, n), np.float32), 2, 2)[0]
    return (*y.shape[2:], y.shape[1])


CLAIMS = (
    row("pool-max", "A", "[[6, 8], [3, 4]]", "4×4 example, largest of 2×2", "agrees", lambda: pooled(max_pool, A)),
    row("pool-mean", "A", "[[3.25, 5.25], [2, 2]]", "4×4 example, mean of 2×2", "agrees", lambda: pooled(avg_pool, A)),
    row("pool-max-b", "B", "[[3, 2], [2, 3]]", "4×4 example, largest of 2×2", "agrees", lambda: pooled(max_pool, B)),
    row("pool-mean-b", "B", "[[1, 1], [1, 2]]", "4×4 example, mean of 2×2", "agrees", lambda: pooled(avg_pool, B)),
    row("pool-8", "C", "4×4", "8×8 map, 2×2 windows", "agrees", lambda: size(8, 1)[:2]),
    row("pool-224", "A", "112x112x64", "224×224×64 volume", "agrees", lambda: size(224, 64)),
    row("pool-overlapping", "C", "0.4 % (top-1), 0.3 % (top-5)", "overlapping windows: gain", "cited",
        source=KRIZHEVSKY),
)  # fmt: skip
