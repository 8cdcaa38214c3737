import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import activation, naive
from twice.kernels.gradcheck import gradcheck
from twice.kernels.special import erf

DTYPES = ["float32", "float64"]
# name, options: each is called the same way on both sides
ELEMENTWISE = [
    ("relu", {}),
    ("relu6", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 1.7}),
    ("rrelu", {}),
    ("elu", {}),
    ("elu", {"alpha": 0.3}),
    ("selu", {}),
    ("celu", {}),
    ("celu", {"alpha": 2.5}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softplus", {"beta": 2.0, "threshold": 1.0}),
    ("softsign", {}),
    ("tanh", {}),
    ("sigmoid", {}),
    ("logsigmoid", {}),
    ("hardtanh", {}),
    ("hardtanh", {"min_val": -0.2, "max_val": 2.0}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("hardshrink", {}),
    ("hardshrink", {"lambd": 1.5}),
    ("softshrink", {}),
    ("softshrink", {"lambd": 1.5}),
    ("tanhshrink", {}),
    ("threshold", {"threshold": 0.4, "value": -7.0}),
]
IDS = [f"{name}-{'-'.join(map(str, options.values()))}" for name, options in ELEMENTWISE]
SHARES = ["softmax", "log_softmax", "softmin"]


def _theirs(name):
    return {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "logsigmoid": F.logsigmoid}.get(name) or getattr(F, name)


def _near_the_bends(dtype, shape=(3, 5, 7, 4)):
    """Normal numbers, and the places where the pieces of the functions meet."""
    x = 3 * np.random.default_rng(0).standard_normal(shape)
    x.flat[:13] = [0, 1, -1, 3, -3, 6, 0.5, -0.5, 1.5, -1.5, 20.5, -20.5, 0.4]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=IDS)
def test_elementwise_functions_equal_torch(name, options, dtype):
    # torch multiplies the slope of hardsigmoid by 1/6 of float32, in float64 too
    tolerance = 1e-7 if (name, dtype) == ("hardsigmoid", "float64") else None
    compare_with_torch(
        lambda x: getattr(activation, name)(x, **options),
        lambda x: _theirs(name)(x, **options),
        _near_the_bends(dtype),
        tolerance=tolerance,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (40000,)])
@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "silu", "softplus", "elu", "tanhshrink", "hardswish"])
def test_every_size_passes_from_a_lone_number_to_many_blocks(name, shape, dtype):
    x = np.asarray(np.random.default_rng(1).standard_normal(shape), dtype)
    value, back = getattr(activation, name)(x)
    assert isinstance(value, np.ndarray)
    assert isinstance(back(np.ones_like(x)), np.ndarray)
    compare_with_torch(getattr(activation, name), _theirs(name), x)


def test_a_view_with_strides_passes():
    x = _near_the_bends("float64").transpose(2, 0, 3, 1)[::2]
    for name in ("gelu", "sigmoid", "relu", "silu"):
        compare_with_torch(getattr(activation, name), _theirs(name), x)


@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=IDS)
def test_elementwise_pullbacks_are_the_slopes(name, options):
    x = np.linspace(-4.13, 7.87, 25).reshape(5, 5)  # no entry at a bend
    gradcheck(getattr(activation, name), x, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "logsigmoid", "tanh", "silu", "mish", "gelu", "elu", "selu"])
def test_huge_inputs_neither_overflow_nor_warn(name, dtype):
    x = np.array([-1000.0, -89.0, 89.0, 1000.0], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare_with_torch(getattr(activation, name), _theirs(name), x)


@pytest.mark.parametrize("name", ["relu", "relu6", "leaky_relu", "sigmoid", "gelu", "threshold", "hardshrink", "elu"])
def test_nan_stays_nan(name):
    options = {"threshold": 0.0, "value": 1.0} if name == "threshold" else {}
    assert np.isnan(getattr(activation, name)(np.array([np.nan], "float32"), **options)[0][0])


def test_relu_hands_the_gradient_of_nan_on_as_torch_does():
    x, dy = np.array([np.nan, -1.0, 0.0, 2.0]), np.array([3.0, 4.0, 5.0, 6.0])
    theirs = torch.from_numpy(x).requires_grad_()
    torch.relu(theirs).backward(torch.from_numpy(dy))
    np.testing.assert_array_equal(activation.relu(x)[1](dy), theirs.grad.numpy())


def test_infinite_inputs_pass_the_leaky_relu():
    y, _ = activation.leaky_relu(np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(y, [-np.inf, np.inf])


def test_the_sigmoid_keeps_its_small_values():
    y, _ = activation.sigmoid(np.array([-60.0], "float32"))
    assert y[0] == pytest.approx(math.exp(-60), rel=1e-5)


def test_relu_can_write_into_its_input():
    x = np.array([-1.0, 2.0])
    y, back = activation.relu(x, out=x)
    assert y is x
    np.testing.assert_array_equal(x, [0, 2])
    np.testing.assert_array_equal(back(np.array([5.0, 7.0])), [0, 7])


def test_relu_keeps_its_output_and_nothing_else():
    y, back = activation.relu(np.array([-1.0, 2.0]))
    assert [cell.cell_contents for cell in back.__closure__] == [y]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "slopes"), [((4,), 1), ((3, 5), 1), ((3, 5), 5), ((2, 5, 4, 3), 5), ((2, 1, 4), 1), ((), 1)]
)
def test_prelu_equals_torch(shape, slopes, dtype):
    rng = np.random.default_rng(2)
    x = np.asarray(rng.standard_normal(shape), dtype)
    compare_with_torch(activation.prelu, F.prelu, x, rng.standard_normal(slopes).astype(dtype))


def test_prelu_pullback_is_the_slope():
    rng = np.random.default_rng(3)
    gradcheck(activation.prelu, rng.standard_normal((2, 3, 4)), rng.standard_normal(3))


def test_rrelu_draws_a_slope_for_each_negative_number():
    x = -np.ones(20000, "float32")
    x[::2] = 3
    y, back = activation.rrelu(x, 0.2, 0.4, training=True, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(y[::2], 3)
    slopes = -y[1::2]
    assert 0.2 <= slopes.min() < 0.201
    assert 0.399 < slopes.max() <= 0.4
    assert slopes.mean() == pytest.approx(0.3, abs=0.003)
    np.testing.assert_allclose(back(np.ones_like(x)), y / x)
    assert y.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "dim"), [((4,), 0), ((3, 6), 1), ((2, 4, 5), 1), ((2, 3, 6), -1)])
def test_glu_equals_torch(shape, dim, dtype):
    x = np.random.default_rng(4).standard_normal(shape).astype(dtype)
    compare_with_torch(activation.glu, lambda x: F.glu(x, dim), x, dim=dim)
    gradcheck(activation.glu, x.astype("float64"), dim=dim)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "dim"), [((5,), 0), ((3, 6), 1), ((3, 6), 0), ((2, 4, 5), 1), ((2, 3, 6), -1), ((), 0)]
)
@pytest.mark.parametrize("name", SHARES)
def test_softmaxes_equal_torch(name, shape, dim, dtype):
    x = np.asarray(30 * np.random.default_rng(5).standard_normal(shape), dtype)
    compare_with_torch(getattr(activation, name), lambda x: getattr(F, name)(x, dim), x, dim=dim)


@pytest.mark.parametrize("name", SHARES)
def test_softmax_pullbacks_are_the_slopes(name):
    gradcheck(getattr(activation, name), np.random.default_rng(6).standard_normal((2, 4, 3)), dim=1)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8))
def test_softmax_equals_its_definition(row):
    x = np.array(row)
    np.testing.assert_allclose(activation.softmax(x, 0)[0], naive.softmax(x), rtol=1e-12)


def test_softmax_of_masked_rows():
    x = np.array([[-np.inf, 1.0], [-np.inf, -np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y, _ = activation.softmax(x, 1)
    np.testing.assert_array_equal(y, [[0, 1], [np.nan, np.nan]])


@pytest.mark.parametrize("name", SHARES)
def test_softmax_of_an_empty_axis_is_empty(name):
    y, back = getattr(activation, name)(np.zeros((2, 0, 3)), 1)
    assert y.shape == back(y).shape == (2, 0, 3)


@pytest.mark.parametrize(("dtype", "absolute", "relative"), [("float64", 1e-14, 2e-14), ("float32", 3e-7, 1e-6)])
def test_erf_is_exact_to_its_dtype(dtype, absolute, relative):
    x = np.concatenate([np.linspace(-7, 7, 20001), np.logspace(-30, 0, 2001)]).astype(dtype)
    expected = np.array([math.erf(v) for v in x])
    y = erf(x)
    assert y.dtype == x.dtype
    error = np.abs(y - expected)
    assert error.max() <= absolute
    assert (error[x != 0] / np.abs(expected[x != 0])).max() <= relative
    assert np.abs(y).max() == 1


def test_erf_at_the_ends_and_at_nan():
    np.testing.assert_allclose(erf(np.array([-np.inf, 0, np.inf, np.nan])), [-1, 0, 1, np.nan], rtol=1e-14)


@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=IDS)
def test_integers_are_refused(name, options):
    with pytest.raises(TypeError, match=f"{name}: x has dtype int64, expected a floating dtype"):
        getattr(activation, name)(np.arange(3), **options)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: activation.gelu(x, "erf"), "gelu: approximate is 'erf', expected 'none' or 'tanh'"),
        (lambda x: activation.softmax(x, 2), "softmax: dim is 2, expected from -2 to 1"),
        (lambda x: activation.glu(x, 1), "glu: x has shape .2, 3., expected an even length along dim 1"),
        (lambda x: activation.prelu(x, np.ones(2)), "prelu: weight has shape .2,., expected .1,. or .3,."),
        (lambda x: activation.hardtanh(x, 2, 1), "hardtanh: min_val is 2, expected at most max_val 1"),
        (lambda x: activation.softshrink(x, -1), "softshrink: lambd is -1, expected at least 0"),
        (lambda x: activation.celu(x, 0.0), "celu: alpha is 0"),
        (lambda x: activation.rrelu(x, 2, 1), "rrelu: lower is 2, expected at most upper 1"),
    ],
)
def test_bad_arguments_get_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(np.ones((2, 3)))


def test_erf_approximation_reaches_gelu_in_float32():
    x = np.linspace(-6, 6, 4001).astype("float32")
    exact = np.array([v * 0.5 * (1 + math.erf(v / math.sqrt(2))) for v in x.astype("float64")])
    assert_close(activation.gelu(x)[0].astype("float64"), exact, 1e-6)
