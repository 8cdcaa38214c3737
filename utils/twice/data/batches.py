"""Which images come in which batch, and where random numbers come from: pure functions of a seed and a place."""

import numpy as np

from twice.kernels.checks import require


def generator(seed: int, *place: int) -> np.random.Generator:
    """The random numbers of a place in training, such as (epoch, step): the same whenever one comes back to it."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=place))


def batches(
    n: int, batch_size: int, seed: int = 0, epoch: int = 0, shuffle: bool = True, drop_last: bool = False
) -> list[np.ndarray]:
    """The indices 0 … n−1 in batches, in an order that (seed, epoch) alone decide: a resumed epoch is the same epoch.

    A list, so that its length is known and a run that was stopped at step k goes on with `batches(…)[k:]`.
    torch: `DataLoader(shuffle=…, drop_last=…)`, whose order also depends on all that was drawn before.
    """
    require(n >= 0, f"batches: n is {n}, expected at least 0")
    require(batch_size >= 1, f"batches: batch_size is {batch_size}, expected at least 1")
    order = generator(seed, epoch).permutation(n) if shuffle else np.arange(n)
    end = n - n % batch_size if drop_last else n
    return [order[start : start + batch_size] for start in range(0, end, batch_size)]
