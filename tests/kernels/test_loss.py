import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from support import compare_with_torch
from twice.kernels import loss, naive
from twice.kernels.gradcheck import gradcheck

DTYPES = ["float32", "float64"]
REDUCTIONS = ["mean", "sum", "none"]
SHAPES = [(), (5,), (4, 3), (2, 3, 4)]

dtypes = pytest.mark.parametrize("dtype", DTYPES)
reductions = pytest.mark.parametrize("reduction", REDUCTIONS)
shapes = pytest.mark.parametrize("shape", SHAPES)


def _normal(seed, shape, dtype="float64"):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def _share(seed, shape, dtype="float64"):
    return np.asarray(np.random.default_rng(seed).uniform(0.02, 0.98, shape), dtype)


def _signs(seed, shape):
    return np.asarray(np.random.default_rng(seed).choice([-1, 1], shape))


def _classes(seed, shape, count):
    return np.asarray(np.random.default_rng(seed).integers(0, count, shape))


def _distribution(seed, shape, dtype="float64"):
    powers = np.exp(_normal(seed, shape))
    return (powers / powers.sum(1 if len(shape) > 1 else 0, keepdims=True)).astype(dtype)


REGRESSION = [
    ("mse_loss", {}),
    ("l1_loss", {}),
    ("smooth_l1_loss", {}),
    ("smooth_l1_loss", {"beta": 0.3}),
    ("smooth_l1_loss", {"beta": 0.0}),
    ("huber_loss", {}),
    ("huber_loss", {"delta": 0.4}),
    ("poisson_nll_loss", {}),
    ("poisson_nll_loss", {"full": True}),
]


@dtypes
@reductions
@shapes
@pytest.mark.parametrize(("name", "options"), REGRESSION)
def test_regression_losses_equal_torch(name, options, shape, reduction, dtype):
    options = options | {"reduction": reduction}
    x, t = _normal(0, shape, dtype), _normal(1, shape, dtype)
    if name == "poisson_nll_loss":
        t = np.asarray(np.abs(3 * t))
    compare_with_torch(getattr(loss, name), lambda x, t: getattr(F, name)(x, t, **options), x, t, **options)


@pytest.mark.parametrize(("name", "options"), REGRESSION)
def test_regression_pullbacks_are_the_slopes(name, options):
    gradcheck(getattr(loss, name), _normal(0, (3, 4)), np.abs(_normal(1, (3, 4))) + 0.05, **options)


@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss", "huber_loss"])
def test_a_perfect_prediction_has_no_slope(name):
    x = _normal(0, (4,))
    compare_with_torch(getattr(loss, name), getattr(F, name), x, x.copy())


@dtypes
@pytest.mark.parametrize("full", [True, False])
def test_poisson_loss_of_rates_equals_torch(full, dtype):
    options = {"log_input": False, "full": full}
    x, t = _share(0, (4, 3), dtype), np.abs(3 * _normal(1, (4, 3), dtype))
    compare_with_torch(loss.poisson_nll_loss, lambda x, t: F.poisson_nll_loss(x, t, **options), x, t, **options)


@dtypes
@reductions
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("var_shape", [(4, 3), (4, 1), (4,)])
def test_gaussian_loss_equals_torch(var_shape, full, reduction, dtype):
    options = {"full": full, "reduction": reduction}
    x, t, var = _normal(0, (4, 3), dtype), _normal(1, (4, 3), dtype), _share(2, var_shape, dtype)
    compare_with_torch(loss.gaussian_nll_loss, lambda *a: F.gaussian_nll_loss(*a, **options), x, t, var, **options)


# ── two classes ─────────────────────────────────────────────────────────────────────────────────────────────


@dtypes
@reductions
@shapes
@pytest.mark.parametrize("weighted", [True, False])
def test_binary_cross_entropy_equals_torch(shape, weighted, reduction, dtype):
    x, t = _share(0, shape, dtype), _share(1, shape, dtype)
    weight = _share(2, shape, dtype) if weighted else None
    theirs = None if weight is None else torch.from_numpy(weight)
    compare_with_torch(
        lambda x, t: loss.binary_cross_entropy(x, t, weight, reduction),
        lambda x, t: F.binary_cross_entropy(x, t, theirs, reduction=reduction),
        x,
        t,
    )


@dtypes
def test_binary_cross_entropy_of_certain_mistakes_is_cut_at_100(dtype):
    x, t = np.array([0, 1, 0, 1], dtype), np.array([1, 0, 0, 1], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, back = loss.binary_cross_entropy(x, t, reduction="none")
    np.testing.assert_array_equal(value, [100, 100, 0, 0])
    tensor = torch.from_numpy(x).requires_grad_()
    F.binary_cross_entropy(tensor, torch.from_numpy(t), reduction="sum").backward()
    np.testing.assert_allclose(back(np.ones(4, dtype))[0], tensor.grad, rtol=1e-6)


@dtypes
@reductions
@shapes
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("positive", [True, False])
def test_binary_cross_entropy_with_logits_equals_torch(shape, weighted, positive, reduction, dtype):
    x, t = np.asarray(4 * _normal(0, shape), dtype), _share(1, shape, dtype)
    weight = _share(2, shape, dtype) if weighted else None
    pos_weight = np.asarray(3 * _share(3, shape[-1:], dtype), dtype) if positive else None
    theirs = [None if w is None else torch.from_numpy(w) for w in (weight, pos_weight)]
    compare_with_torch(
        lambda x, t: loss.binary_cross_entropy_with_logits(x, t, weight, reduction, pos_weight),
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, theirs[0], reduction=reduction, pos_weight=theirs[1]),
        x,
        t,
    )


@dtypes
def test_huge_logits_neither_overflow_nor_warn(dtype):
    x, t = np.array([-1000, 1000, -1000, 1000], dtype), np.array([0, 1, 1, 0], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_with_torch(loss.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits, x, t)
        # torch overflows to ∞ here
        np.testing.assert_array_equal(loss.soft_margin_loss(x, np.array([1, -1, -1, 1]), "none")[0], [1000, 1000, 0, 0])


@dtypes
@reductions
@shapes
@pytest.mark.parametrize(
    ("name", "options"),
    [("soft_margin_loss", {}), ("hinge_embedding_loss", {}), ("hinge_embedding_loss", {"margin": 0.3})],
)
def test_losses_of_signs_equal_torch(name, options, shape, reduction, dtype):
    options = options | {"reduction": reduction}
    compare_with_torch(
        getattr(loss, name),
        lambda x, t: getattr(F, name)(x, t, **options),
        _normal(0, shape, dtype),
        _signs(1, shape),
        **options,
    )


@dtypes
@reductions
@shapes
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_margin_ranking_loss_equals_torch(shape, margin, reduction, dtype):
    options = {"margin": margin, "reduction": reduction}
    compare_with_torch(
        loss.margin_ranking_loss,
        lambda *a: F.margin_ranking_loss(*a, **options),
        _normal(0, shape, dtype),
        _normal(1, shape, dtype),
        _signs(2, shape),
        **options,
    )


def test_the_margins_own_edge_has_torchs_slope():
    x, t = np.array([1.0, 1.0]), np.array([1, -1])
    compare_with_torch(loss.hinge_embedding_loss, F.hinge_embedding_loss, x, t)
    compare_with_torch(loss.margin_ranking_loss, F.margin_ranking_loss, x, x.copy(), t)
    anchor, positive, negative = np.zeros((1, 2)), np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    compare_with_torch(
        lambda *a: loss.triplet_margin_loss(*a, eps=0.0),
        lambda *a: F.triplet_margin_loss(*a, eps=0.0),
        anchor,
        positive,
        negative,
    )
    compare_with_torch(loss.cosine_embedding_loss, F.cosine_embedding_loss, positive, negative, np.array([-1]))


@dtypes
def test_hinge_loss_equals_its_definition_and_torchs_formula(dtype):
    x, t = _normal(0, (6,), dtype), _signs(1, (6,))
    compare_with_torch(loss.hinge_loss, lambda x, t: torch.relu(1 - t * x).mean(), x, t)
    assert loss.hinge_loss(x, t)[0] == pytest.approx(naive.hinge_loss(x, t), rel=1e-6)


# ── many classes ────────────────────────────────────────────────────────────────────────────────────────────

CLASS_SHAPES = [(4,), (6, 4), (3, 4, 5), (2, 4, 3, 5), (70, 2000)]


def _target_shape(shape):
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


@dtypes
@reductions
@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_cross_entropy_of_classes_equals_torch(shape, weighted, ignore_index, label_smoothing, reduction, dtype):
    count = shape[0] if len(shape) == 1 else shape[1]
    weight = _share(2, count, dtype) if weighted else None
    theirs = None if weight is None else torch.from_numpy(weight)
    options = {"ignore_index": ignore_index, "reduction": reduction, "label_smoothing": label_smoothing}
    target = _classes(1, _target_shape(shape), count)
    if len(shape) == 1:
        target[...] = 2
    compare_with_torch(
        lambda x, t: loss.cross_entropy(x, t, weight, **options),
        lambda x, t: F.cross_entropy(x, t, theirs, **options),
        np.asarray(5 * _normal(0, shape), dtype),
        target,
    )


@reductions
def test_smoothing_counts_a_target_whose_class_weighs_nothing(reduction):
    weight = np.array([0.0, 1.0, 2.0])
    options = {"reduction": reduction, "label_smoothing": 0.1, "ignore_index": 2}
    compare_with_torch(
        lambda x, t: loss.cross_entropy(x, t, weight, **options),
        lambda x, t: F.cross_entropy(x, t, torch.from_numpy(weight), **options),
        _normal(0, (3, 3)),
        np.array([0, 1, 2]),
    )


@dtypes
@reductions
@pytest.mark.parametrize("shape", CLASS_SHAPES[:-1])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_cross_entropy_of_probabilities_equals_torch(shape, weighted, label_smoothing, reduction, dtype):
    weight = _share(2, shape[0] if len(shape) == 1 else shape[1], dtype) if weighted else None
    theirs = None if weight is None else torch.from_numpy(weight)
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    compare_with_torch(
        lambda x, t: loss.cross_entropy(x, t, weight, **options),
        lambda x, t: F.cross_entropy(x, t, theirs, **options),
        _normal(0, shape, dtype),
        _distribution(1, shape, dtype),
    )


@dtypes
@reductions
@pytest.mark.parametrize("shape", CLASS_SHAPES)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_nll_loss_equals_torch(shape, weighted, ignore_index, reduction, dtype):
    count = shape[0] if len(shape) == 1 else shape[1]
    weight = _share(2, count, dtype) if weighted else None
    theirs = None if weight is None else torch.from_numpy(weight)
    options = {"ignore_index": ignore_index, "reduction": reduction}
    target = _classes(1, _target_shape(shape), count)
    if len(shape) == 1:
        target[...] = 2
    compare_with_torch(
        lambda x, t: loss.nll_loss(x, t, weight, **options),
        lambda x, t: F.nll_loss(x, t, theirs, **options),
        _normal(0, shape, dtype),
        target,
    )


@dtypes
def test_large_logits_do_not_overflow(dtype):
    x, t = np.array([[1000, -1000, 0], [-1000, 1000, 999]], dtype), np.array([0, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_with_torch(loss.cross_entropy, F.cross_entropy, x, t)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_batch_of_ignored_or_of_no_examples_is_torchs(name, reduction):
    kernel, theirs = getattr(loss, name), getattr(F, name)
    ignored = np.full(3, -100)
    for x, t in ((_normal(0, (3, 4)), ignored), (np.zeros((0, 4)), ignored[:0])):
        compare_with_torch(
            lambda x, t: kernel(x, t, reduction=reduction), lambda x, t: theirs(x, t, reduction=reduction), x, t
        )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_cross_entropy_equals_its_definition(examples, classes, seed):
    x, t = 3 * _normal(seed, (examples, classes)), _classes(seed, examples, classes)
    assert loss.cross_entropy(x, t)[0] == pytest.approx(naive.cross_entropy(x, t), rel=1e-10, abs=1e-12)


def test_pullbacks_over_classes_are_the_slopes():
    x, t, w = _normal(0, (3, 4, 2)), _classes(1, (3, 2), 4), _share(2, 4)
    for reduction in REDUCTIONS:
        gradcheck(loss.cross_entropy, x, t, weight=w, label_smoothing=0.1, reduction=reduction)
        gradcheck(loss.cross_entropy, x, _distribution(3, x.shape), weight=w, label_smoothing=0.1, reduction=reduction)
        gradcheck(loss.nll_loss, x, t, weight=w, reduction=reduction)
    gradcheck(loss.multi_margin_loss, _normal(0, (3, 4)), _classes(1, 3, 4), p=2)
    gradcheck(loss.kl_div, _normal(0, (3, 4)), _distribution(1, (3, 4)))


@dtypes
@reductions
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", [(4,), (6, 4)])
def test_multi_margin_loss_equals_torch(shape, weighted, p, reduction, dtype):
    weight = _share(2, 4, dtype) if weighted else None
    theirs = None if weight is None else torch.from_numpy(weight)
    compare_with_torch(
        lambda x, t: loss.multi_margin_loss(x, t, p, 0.7, weight, reduction),
        lambda x, t: F.multi_margin_loss(x, t, p, 0.7, theirs, reduction=reduction),
        _normal(0, shape, dtype),
        _classes(1, shape[:-1], 4),
    )


def test_multi_margin_loss_equals_its_definition():
    x, t = _normal(0, (5, 4)), _classes(1, 5, 4)
    assert loss.multi_margin_loss(x, t)[0] == pytest.approx(naive.multi_margin_loss(x, t))


@dtypes
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [True, False])
@pytest.mark.parametrize("shape", [(4,), (6, 4), (2, 3, 4)])
@pytest.mark.filterwarnings("ignore:reduction")
def test_kl_div_equals_torch(shape, log_target, reduction, dtype):
    options = {"reduction": reduction, "log_target": log_target}
    target = _distribution(1, shape, dtype)
    target = np.log(target) if log_target else target
    compare_with_torch(loss.kl_div, lambda x, t: F.kl_div(x, t, **options), _normal(0, shape, dtype), target, **options)


def test_kl_div_of_an_impossible_class_is_zero():
    value, back = loss.kl_div(np.array([-3.0, -0.1]), np.array([0.0, 1.0]), "sum")
    assert value == pytest.approx(0.1)
    np.testing.assert_allclose(back(np.ones(()))[0], [0, -1])


# ── distances ───────────────────────────────────────────────────────────────────────────────────────────────


@dtypes
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("keepdim", [True, False])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)])
def test_pairwise_distance_equals_torch(shape, p, keepdim, dtype):
    options = {"p": p, "keepdim": keepdim}
    x1, x2 = _normal(0, shape, dtype), _normal(1, shape, dtype)
    compare_with_torch(loss.pairwise_distance, lambda *a: F.pairwise_distance(*a, **options), x1, x2, **options)


@dtypes
@pytest.mark.parametrize(("shape", "dim"), [((5,), 0), ((4, 5), 1), ((2, 3, 5), 1), ((2, 3, 5), -1)])
def test_cosine_similarity_equals_torch(shape, dim, dtype):
    x1, x2 = _normal(0, shape, dtype), _normal(1, shape, dtype)
    compare_with_torch(loss.cosine_similarity, lambda *a: F.cosine_similarity(*a, dim), x1, x2, dim=dim)
    compare_with_torch(loss.cosine_similarity, lambda *a: F.cosine_similarity(*a, dim, 9.0), x1, x2, dim=dim, eps=9.0)


@dtypes
@reductions
@pytest.mark.parametrize("margin", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(5,), (6, 5)])
def test_cosine_embedding_loss_equals_torch(shape, margin, reduction, dtype):
    options = {"margin": margin, "reduction": reduction}
    x1, x2, t = _normal(0, shape, dtype), _normal(1, shape, dtype), _signs(2, shape[:-1])
    compare_with_torch(
        loss.cosine_embedding_loss, lambda *a: F.cosine_embedding_loss(*a, **options), x1, x2, t, **options
    )


@dtypes
@reductions
@pytest.mark.parametrize("swap", [True, False])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("shape", [(5,), (8, 5)])
def test_triplet_margin_loss_equals_torch(shape, p, swap, reduction, dtype):
    options = {"margin": 0.5, "p": p, "swap": swap, "reduction": reduction}
    inputs = [_normal(seed, shape, dtype) for seed in range(3)]
    compare_with_torch(loss.triplet_margin_loss, lambda *a: F.triplet_margin_loss(*a, **options), *inputs, **options)


def test_pullbacks_of_distances_are_the_slopes():
    a, b, c = (_normal(seed, (4, 3)) for seed in range(3))
    gradcheck(loss.pairwise_distance, a, b, p=3.0)
    gradcheck(loss.cosine_similarity, a, b)
    gradcheck(loss.triplet_margin_loss, a, b, c, swap=True)


# ── all of them ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mean_over_millions_stays_exact_in_float32():
    x = np.full((1 << 22,), 0.1, "float32")
    assert loss.l1_loss(x, np.zeros_like(x))[0] == pytest.approx(0.1, rel=1e-6)


def test_values_are_arrays_of_no_axes():
    value, _ = loss.mse_loss(np.ones(3, "float32"), np.zeros(3, "float32"))
    assert isinstance(value, np.ndarray)
    assert value.shape == ()
    assert value.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda x: loss.cross_entropy(x, np.array([0, 3])),
            IndexError,
            "cross_entropy: target has class 3, expected from",
        ),
        (
            lambda x: loss.nll_loss(x, np.array([0, -1])),
            IndexError,
            "nll_loss: target has class -1, expected from 0 to 2",
        ),
        (lambda x: loss.multi_margin_loss(x, np.array([0, 7])), IndexError, "multi_margin_loss: target has class 7"),
        (
            lambda x: loss.cross_entropy(x, np.array([0])),
            ValueError,
            r"cross_entropy: target has shape \(1,\), expected",
        ),
        (lambda x: loss.cross_entropy(x, x[:1]), ValueError, r"cross_entropy: target has shape \(1, 3\), expected"),
        (lambda x: loss.nll_loss(x, x), TypeError, "nll_loss: target has dtype float64, expected class indices"),
        (lambda x: loss.nll_loss(x, np.zeros(2, int), np.ones(2)), ValueError, r"nll_loss: weight has shape \(2,\)"),
        (lambda x: loss.cross_entropy(x, np.zeros(2, int), label_smoothing=2), ValueError, "label_smoothing is 2"),
        (lambda x: loss.mse_loss(x, np.ones(4)), ValueError, r"mse_loss: target has shape \(4,\), expected \(2, 3\)"),
        (lambda x: loss.mse_loss(x, x.astype("float32")), TypeError, "mse_loss: the dtypes differ"),
        (lambda x: loss.mse_loss(x, x, "average"), ValueError, "mse_loss: reduction is 'average', expected 'none'"),
        (lambda x: loss.mse_loss(x.astype(int), x), TypeError, "mse_loss: x has dtype int64"),
        (lambda x: loss.binary_cross_entropy(x + 2, x), ValueError, r"binary_cross_entropy: x has entries outside"),
        (lambda x: loss.binary_cross_entropy(x, x[0]), ValueError, r"binary_cross_entropy: target has shape \(3,\)"),
        (lambda x: loss.hinge_loss(x, np.ones(2)), ValueError, r"hinge_loss: target has shape \(2,\), expected"),
        (lambda x: loss.huber_loss(x, x, delta=0), ValueError, "huber_loss: delta is 0, expected more than 0"),
        (lambda x: loss.multi_margin_loss(x, np.zeros(2, int), p=3), ValueError, "multi_margin_loss: p is 3, expected"),
        (lambda x: loss.cosine_embedding_loss(x, x, np.ones(3)), ValueError, "cosine_embedding_loss: x1"),
        (lambda x: loss.gaussian_nll_loss(x, x, -x), ValueError, "gaussian_nll_loss: var has a negative entry"),
    ],
)
def test_bad_arguments_get_a_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(np.full((2, 3), 0.5))
