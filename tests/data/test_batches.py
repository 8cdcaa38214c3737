"""Batches and random numbers depend on seed and place, on nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.data import batches, generator


@given(st.integers(0, 60), st.integers(1, 12), st.booleans())
def test_every_index_comes_once(n, size, shuffle):
    parts = batches(n, size, seed=3, shuffle=shuffle)
    assert sorted(np.concatenate([*parts, np.empty(0, int)])) == list(range(n))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)


@given(st.integers(0, 60), st.integers(1, 12))
def test_drop_last_leaves_only_full_batches(n, size):
    assert [len(part) for part in batches(n, size, drop_last=True)] == [size] * (n // size)


def test_without_shuffling_the_order_is_that_of_the_set():
    assert [part.tolist() for part in batches(5, 2, seed=9, shuffle=False)] == [[0, 1], [2, 3], [4]]


def test_a_resumed_epoch_is_the_same_whatever_was_drawn_before():
    whole = batches(100, 8, seed=1, epoch=4)
    np.random.default_rng(1).random(10)
    batches(100, 8, seed=1, epoch=3)
    resumed = batches(100, 8, seed=1, epoch=4)[5:]
    assert all(np.array_equal(a, b) for a, b in zip(whole[5:], resumed, strict=True))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [np.concatenate(batches(50, 7, seed, epoch)) for seed in range(4) for epoch in range(4)]
    assert len({tuple(order) for order in orders}) == 16


def test_the_generator_of_a_place_is_its_own():
    draws = {place: generator(0, *place).integers(2**60) for place in [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]}
    assert len(set(draws.values())) == len(draws)
    assert draws[(1, 0)] == generator(0, 1, 0).integers(2**60)


@pytest.mark.parametrize("n, size, message", [(-1, 2, "n is -1"), (4, 0, "batch_size is 0")])
def test_bad_numbers_get_a_sentence(n, size, message):
    with pytest.raises(ValueError, match=f"batches: {message}, expected at least"):
        batches(n, size)
