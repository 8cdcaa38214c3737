import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.gradcheck import gradcheck
from twice.kernels.linear import bilinear, embedding, linear, one_hot

DTYPES = [np.float32, np.float64]


def draw(*shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def indices(shape, rows, seed=0):
    return np.random.default_rng(seed).integers(0, rows, shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lead", [(), (4,), (2, 3), (0,), (2, 3, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_equals_torch(lead, bias, dtype):
    b = draw(5, dtype=dtype, seed=2) if bias else None
    compare_with_torch(linear, F.linear, draw(*lead, 7, dtype=dtype), draw(5, 7, dtype=dtype, seed=1), b)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=3), st.integers(1, 6), st.integers(1, 6))
def test_linear_equals_torch_on_any_shape(lead, inputs, outputs):
    compare_with_torch(linear, F.linear, draw(*lead, inputs), draw(outputs, inputs, seed=1), draw(outputs, seed=2))


def test_linear_skips_the_gradients_that_nobody_needs():
    _, back = linear(draw(4, 3), draw(2, 3), draw(2))
    dx, dw, db = back(draw(4, 2), needs=(False, True, False))
    assert dx is None
    assert db is None
    assert dw.shape == (2, 3)


def test_linear_and_bilinear_agree_with_differences():
    gradcheck(linear, draw(2, 3, 4), draw(5, 4, seed=1), draw(5, seed=2))
    gradcheck(bilinear, draw(2, 3), draw(2, 4, seed=1), draw(5, 3, 4, seed=2), draw(5, seed=3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lead", [(4,), (2, 3), (0,)])
@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_equals_torch(lead, bias, dtype):
    b = draw(5, dtype=dtype, seed=3) if bias else None
    x1, x2, w = (draw(*lead, 3, dtype=dtype), draw(*lead, 4, dtype=dtype, seed=1), draw(5, 3, 4, dtype=dtype, seed=2))
    compare_with_torch(bilinear, F.bilinear, x1, x2, w, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (6,), (3, 5), (0,), (2, 3, 4)])
@pytest.mark.parametrize(
    "option", [("padding_idx", None), ("padding_idx", 2), ("padding_idx", -1), ("scale_grad_by_freq", True)]
)
def test_embedding_equals_torch(option, shape, dtype):
    weight, options = draw(7, 4, dtype=dtype), dict([option])
    reference = lambda i, w: F.embedding(i, w, **options)
    compare_with_torch(lambda i, w: embedding(i, w, **options), reference, indices(shape, 7), weight)


@pytest.mark.parametrize("rows", [1, 3, 40, 5000])
@pytest.mark.parametrize("skewed", [False, True])
def test_embedding_adds_up_equal_indices_however_many(rows, skewed):
    i = indices((1000,), rows)
    i[: 600 * skewed] = 0
    weight, dy = draw(rows, 3), draw(1000, 3, seed=1)
    _, back = embedding(i, weight)
    d_indices, dw = back(dy)
    assert d_indices is None
    assert_close(dw, naive.embedding_back(dy, i, rows))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.integers(1, 50))
def test_embedding_equals_torch_on_any_table(count, rows):
    compare_with_torch(embedding, F.embedding, indices((count,), rows), draw(rows, 2))


def test_embedding_takes_int32_and_keeps_no_view_of_the_table():
    weight = draw(5, 3)
    y, _ = embedding(np.arange(5, dtype=np.int32), weight)
    np.testing.assert_array_equal(y, weight)
    assert not np.shares_memory(y, weight)


def test_embedding_is_the_product_of_a_one_hot_with_the_table():
    i, weight = indices((4, 3), 6), draw(6, 2)
    assert_close(embedding(i, weight)[0], one_hot(i, 6)[0] @ weight)


@pytest.mark.parametrize("classes", [-1, 5, 9])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_one_hot_equals_torch(classes, shape):
    i = np.minimum(indices(shape, 5), 4)
    y, back = one_hot(i, classes)
    assert_close(y, F.one_hot(torch.as_tensor(i), classes))
    assert back(None) is None


def test_one_hot_of_nothing_needs_the_number_of_classes():
    assert one_hot(np.zeros(0, int), 3)[0].shape == (0, 3)


W = draw(3, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: embedding(np.array([0, 3]), W),
            IndexError,
            "indices has the entry 3, expected 0 to 2 for 3 rows",
        ),
        (lambda: embedding(np.array([0, -1]), W), IndexError, "embedding: indices has the entry -1, expected 0 to 2"),
        (lambda: embedding(np.array([0.0]), W), TypeError, "embedding: indices has dtype float64, expected int64"),
        (lambda: embedding(np.array([0]), W[0]), ValueError, r"embedding: weight has shape \(2,\), expected 2 axes"),
        (lambda: embedding(np.array([0]), W, 3), ValueError, "embedding: padding_idx is 3, expected a row of weight"),
        (lambda: embedding(np.array([0]), W.astype(int)), TypeError, "embedding: weight has dtype int64"),
        (lambda: embedding(np.array([0]), W, max_norm=1.0), NotImplementedError, "max_norm and sparse are not"),
        (lambda: embedding(np.array([0]), W, sparse=True), NotImplementedError, "max_norm and sparse are not"),
        (
            lambda: one_hot(np.array([3]), 3),
            IndexError,
            "the entry 3, expected 0 to 2 for 3 classes",
        ),
        (lambda: one_hot(np.array([-1])), IndexError, "one_hot: indices has the entry -1"),
        (lambda: one_hot(np.array([], int)), ValueError, "one_hot: indices is empty, expected num_classes"),
        (lambda: linear(draw(2, 3), W), ValueError, r"linear: x has shape \(2, 3\), expected its last axis to be 2"),
        (lambda: linear(draw(2, 2), W[0]), ValueError, r"linear: w has shape \(2,\), expected 2 axes \(out, in\)"),
        (lambda: linear(draw(2, 2).astype(int), W), TypeError, "linear: x has dtype int64"),
        (lambda: linear(draw(2, 2, dtype=np.float32), W), TypeError, "linear: the dtypes differ"),
        (lambda: bilinear(W, W, W), ValueError, r"bilinear: w has shape \(3, 2\), expected 3 axes"),
        (
            lambda: bilinear(W, W, draw(4, 2, 3)),
            ValueError,
            r"bilinear: x1 has .* expected \(…, 2\) and \(…, 3\)",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
