import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import naive, norm
from twice.kernels.gradcheck import gradcheck

DTYPES = ["float32", "float64"]
# (8, 3, 90, 90): blocks of one channel; (4, 600, 8, 8): several blocks of many; short and long planes
SHAPES = [
    (6, 3),
    (5, 4, 7),
    (4, 3, 5, 6),
    (2, 3, 6, 7),
    (2, 3, 2, 3, 4),
    (8, 3, 90, 90),
    (4, 600, 8, 8),
    (9, 700, 4, 4),
]
AFFINE = [(True, True), (False, False), (True, False), (False, True)]


def _draw(seed, shape, dtype, shift=0.0):
    return (np.random.default_rng(seed).standard_normal(shape) + shift).astype(dtype)


def _affine(channels, dtype, has):
    return tuple(_draw(seed, channels, dtype) if there else None for seed, there in zip((1, 2), has))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_equals_torch(shape, affine, training, dtype):
    mean, var = _draw(3, shape[1], dtype), np.abs(_draw(4, shape[1], dtype))
    theirs = torch.from_numpy(mean.copy()), torch.from_numpy(var.copy())
    compare_with_torch(
        norm.batch_norm,
        lambda x, w, b: F.batch_norm(x, *theirs, w, b, training, 0.3, 1e-3),
        _draw(0, shape, dtype, shift=2.0),
        *_affine(shape[1], dtype, affine),
        running_mean=mean,
        running_var=var,
        training=training,
        momentum=0.3,
        eps=1e-3,
    )
    assert_close(mean, theirs[0], what="running mean")
    assert_close(var, theirs[1], what="running variance")


def test_batch_norm_needs_no_running_statistics_in_training():
    x = _draw(0, (4, 3, 5), "float64")
    compare_with_torch(norm.batch_norm, lambda x, w, b: F.batch_norm(x, None, None, w, b, True), x, None, None)


def test_batch_norm_keeps_its_precision_where_the_mean_is_large():
    x = _draw(0, (8, 2, 30, 30), "float32", shift=1000.0)
    exact = norm.batch_norm(x.astype("float64"))[0]
    assert np.abs(norm.batch_norm(x)[0] - exact).max() < 1e-3


@pytest.mark.parametrize("shift", [0.0, 2.0, 5.0, 1000.0])
def test_layer_norm_keeps_its_precision_where_the_mean_is_large(shift):
    x, dy = _draw(0, (50, 300), "float32", shift=shift), _draw(1, (50, 300), "float32")
    (y, back), (exact, exact_back) = norm.layer_norm(x), norm.layer_norm(x.astype("float64"))
    tolerance = 1e-3 if shift == 1000 else 2e-5
    assert np.abs(y - exact).max() < tolerance
    assert np.abs(back(dy)[0] - exact_back(dy.astype("float64"))[0]).max() < tolerance


def test_batch_norm_pullback_in_evaluation_survives_the_next_training_step():
    x, mean, var = _draw(0, (4, 3, 5), "float64"), np.zeros(3), np.ones(3)
    weight = np.ones(3)
    _, back = norm.batch_norm(x, weight, None, mean, var, training=False)
    before = back(x)[1]
    norm.batch_norm(x + 5, weight, None, mean, var, training=True)
    np.testing.assert_array_equal(back(x)[1], before)


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.integers(1, 4)] * 4))
def test_batch_norm_equals_its_definition(shape):
    if shape[0] * shape[2] * shape[3] == 1:
        return
    x, (w, b) = _draw(0, shape, "float64"), _affine(shape[1], "float64", (True, True))
    np.testing.assert_allclose(norm.batch_norm(x, w, b)[0], naive.batch_norm(x, w, b), atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 3), (3, 2, 4), (2, 2, 3, 12)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_pullback_is_the_slope(shape, training):
    x, (w, b) = _draw(0, shape, "float64"), _affine(shape[1], "float64", (True, True))
    statistics = {"running_mean": np.full(shape[1], 0.2), "running_var": np.full(shape[1], 1.4)}
    gradcheck(norm.batch_norm, x, w, b, training=training, **({} if training else statistics))


def test_batch_norm_of_an_empty_batch_is_empty():
    y, back = norm.batch_norm(np.zeros((0, 3, 2)), np.ones(3), np.ones(3))
    assert y.shape == (0, 3, 2)
    np.testing.assert_array_equal(back(y)[1], np.zeros(3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (2, 3, 2, 3, 4), (2, 3, 9, 8)])
@pytest.mark.parametrize("use_input_stats", [True, False])
def test_instance_norm_equals_torch(shape, affine, use_input_stats, dtype):
    mean, var = _draw(3, shape[1], dtype), np.abs(_draw(4, shape[1], dtype))
    theirs = torch.from_numpy(mean.copy()), torch.from_numpy(var.copy())
    compare_with_torch(
        norm.instance_norm,
        lambda x, w, b: F.instance_norm(x, *theirs, w, b, use_input_stats, 0.2),
        _draw(0, shape, dtype),
        *_affine(shape[1], dtype, affine),
        running_mean=mean,
        running_var=var,
        use_input_stats=use_input_stats,
        momentum=0.2,
    )
    assert_close(mean, theirs[0], what="running mean")
    assert_close(var, theirs[1], what="running variance")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize(
    ("shape", "groups"), [((3, 4), 2), ((3, 6, 5), 3), ((2, 6, 4, 5), 1), ((2, 6, 4, 5), 6), ((2, 8, 9, 9), 4)]
)
def test_group_norm_equals_torch(shape, groups, affine, dtype):
    compare_with_torch(
        norm.group_norm,
        lambda x, w, b: F.group_norm(x, groups, w, b),
        _draw(0, shape, dtype),
        *_affine(shape[1], dtype, affine),
        num_groups=groups,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", AFFINE)
@pytest.mark.parametrize(
    ("shape", "normalized"), [((4,), (4,)), ((3, 6), (6,)), ((2, 3, 5), (3, 5)), ((2, 3, 5), 5), ((300, 700), (700,))]
)
def test_layer_norm_equals_torch(shape, normalized, affine, dtype):
    as_tuple = (normalized,) if isinstance(normalized, int) else normalized
    compare_with_torch(
        norm.layer_norm,
        lambda x, w, b: F.layer_norm(x, as_tuple, w, b),
        _draw(0, shape, dtype, shift=1.0),
        *_affine(as_tuple, dtype, affine),
        normalized_shape=normalized,
    )


def test_layer_norm_equals_its_definition():
    x, (w, b) = _draw(0, (4, 6), "float64"), _affine(6, "float64", (True, True))
    np.testing.assert_allclose(norm.layer_norm(x, w, b)[0], naive.layer_norm(x, w, b), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("eps", [None, 1e-2])
@pytest.mark.parametrize(("shape", "normalized"), [((3, 6), (6,)), ((2, 3, 5), (3, 5)), ((4,), (4,))])
def test_rms_norm_equals_torch(shape, normalized, eps, weighted, dtype):
    compare_with_torch(
        norm.rms_norm,
        lambda x, w: F.rms_norm(x, normalized, w, eps),
        _draw(0, shape, dtype),
        _draw(1, normalized, dtype) if weighted else None,
        normalized_shape=normalized,
        eps=eps,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("shape", [(2, 7, 3), (2, 4, 3, 5), (2, 6, 2, 3, 2), (1, 1, 2, 2)])
def test_local_response_norm_equals_torch(shape, size, dtype):
    options = {"alpha": 0.7, "beta": 0.6, "k": 1.5}
    x = _draw(0, shape, dtype)
    compare_with_torch(
        norm.local_response_norm, lambda x: F.local_response_norm(x, size, **options), x, size=size, **options
    )


def test_local_response_norm_equals_its_definition():
    x = _draw(0, (2, 6, 2, 3), "float64")
    for size in (2, 5):
        expected = naive.local_response_norm(x, size, 0.5, 0.75, 2.0)
        np.testing.assert_allclose(norm.local_response_norm(x, size, 0.5, 0.75, 2.0)[0], expected, rtol=1e-12)


def test_other_pullbacks_are_the_slopes():
    x = _draw(0, (2, 4, 3), "float64")
    w, b = _affine(4, "float64", (True, True))
    gradcheck(norm.instance_norm, x, w, b)
    gradcheck(norm.group_norm, x, w, b, num_groups=2)
    gradcheck(norm.layer_norm, x, *_affine((4, 3), "float64", (True, True)), normalized_shape=(4, 3))
    gradcheck(norm.rms_norm, x, _draw(1, 3, "float64"), eps=0.1)
    gradcheck(norm.local_response_norm, x, size=3, alpha=0.8)


def test_a_transposed_input_passes():
    x = _draw(0, (5, 6, 4), "float64").transpose(1, 2, 0)
    compare_with_torch(norm.batch_norm, lambda x: F.batch_norm(x, None, None, None, None, True), x)
    compare_with_torch(norm.layer_norm, lambda x: F.layer_norm(x, (5,)), x)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: norm.batch_norm(np.ones((1, 3, 1, 1))), "batch_norm: x has shape .* more than one value a channel"),
        (lambda: norm.instance_norm(np.ones((2, 3, 1))), "instance_norm: x has shape .* more than one value a channel"),
        (lambda: norm.batch_norm(np.ones((2, 3)), training=False), "batch_norm: running_mean or running_var is None"),
        (lambda: norm.batch_norm(np.ones((2, 3)), np.ones(4)), r"batch_norm: weight has shape \(4,\), expected \(3,\)"),
        (lambda: norm.batch_norm(np.ones(3)), r"batch_norm: x has shape \(3,\), expected at least 2 axes"),
        (
            lambda: norm.group_norm(np.ones((2, 4)), num_groups=3),
            "group_norm: num_groups is 3, expected a divisor of the 4",
        ),
        (
            lambda: norm.layer_norm(np.ones((2, 4)), None, None, 3),
            r"layer_norm: x has shape .* normalized_shape \(3,\)",
        ),
        (
            lambda: norm.layer_norm(np.ones((2, 4)), None, np.ones(3)),
            r"layer_norm: bias has shape \(3,\), expected \(4,\)",
        ),
        (lambda: norm.local_response_norm(np.ones((2, 4)), 3), "local_response_norm: x has shape .* at least 3 axes"),
        (
            lambda: norm.local_response_norm(np.ones((2, 4, 1)), 0),
            "local_response_norm: size is 0, expected at least 1",
        ),
    ],
)
def test_bad_arguments_get_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("kernel", [norm.batch_norm, norm.group_norm, norm.layer_norm, norm.rms_norm])
def test_integers_and_mixed_dtypes_are_refused(kernel):
    with pytest.raises(TypeError, match="x has dtype int64, expected a floating dtype"):
        kernel(np.ones((2, 3), int))
    with pytest.raises(TypeError, match="the dtypes differ"):
        kernel(np.ones((2, 3), "float32"), np.ones(3))
