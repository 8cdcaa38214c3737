"""Sums by index against a loop, over any shape and axis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from twice.kernels import scatter

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.data())
def test_slices_are_added_to_the_slices_that_the_index_names(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    index = data.draw(hnp.arrays(np.int64, st.integers(0, 7), elements=st.integers(0, shape[axis] - 1)))
    rng = np.random.default_rng(0)
    out, values = rng.standard_normal(shape), rng.standard_normal((*shape[:axis], index.size, *shape[axis + 1 :]))
    expected = out.copy()
    for k, i in enumerate(index):
        expected[(*[slice(None)] * axis, i)] += values.take(k, axis)
    scatter.add_slices(out, index, values, axis)
    np.testing.assert_allclose(out, expected, atol=1e-12)


@pytest.mark.parametrize("block", [1, 5, 12, 1 << 15])
@pytest.mark.parametrize("shape", [(7, 4), (3, 7, 2)])
def test_the_length_of_a_block_changes_nothing(shape, block, monkeypatch):
    rng = np.random.default_rng(0)
    axis = len(shape) - 2
    index, values = rng.integers(0, 7, 20), rng.standard_normal((*shape[:axis], 20, shape[-1]))
    expected, out = np.zeros(shape), np.zeros(shape)
    np.add.at(expected, (*[slice(None)] * axis, index), values)
    monkeypatch.setattr(scatter, "BLOCK", block)
    scatter.add_slices(out, index, values, axis)
    np.testing.assert_allclose(out, expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.data())
def test_entries_are_added_to_the_entries_that_the_indices_name(shape, data):
    count = data.draw(st.integers(0, 6))
    place = [data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, n - 1))) for n in shape]
    values, out, expected = np.random.default_rng(0).standard_normal(count), np.zeros(shape), np.zeros(shape)
    for k, entry in enumerate(zip(*place)):
        expected[entry] += values[k]
    scatter.add_entries(out, place, values)
    np.testing.assert_allclose(out, expected, atol=1e-12)


def test_a_number_is_added_wherever_an_index_points():
    out = np.zeros((2, 3))
    scatter.add_entries(out, (np.array([[0], [1]]), np.array([[1, 1, 2]])), np.asarray(0.5))
    np.testing.assert_array_equal(out, [[0, 1, 0.5], [0, 1, 0.5]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize(("rows", "columns", "count"), [(4, 3, 9), (4, 0, 2), (0, 3, 0), (3, 2, 0)])
def test_rows_with_one_index_are_summed(rows, columns, count, dtype):
    index = np.arange(count) % max(rows - 1, 1)
    out = scatter.sum_by_index(index, np.ones((count, columns), dtype), rows)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, np.repeat(np.bincount(index, minlength=rows)[:, None], columns, 1))
