import numpy as np
import pytest
import torch.nn.functional as F

from support import assert_close
from twice.kernels import dropout

DTYPES = ["float32", "float64"]
EVERY = [dropout.dropout, dropout.dropout1d, dropout.dropout2d, dropout.dropout3d, dropout.alpha_dropout]


def _rng():
    return np.random.default_rng(0)


def _input(kernel, dtype="float32"):
    rank = {"dropout1d": 3, "dropout2d": 4, "dropout3d": 5}.get(kernel.__name__, 2)
    return _rng().standard_normal((3, 4, 5, 6, 7)[:rank]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_the_share_p_and_enlarges_the_rest(p, dtype):
    x = np.full((300, 400), 2, dtype)
    y, back = dropout.dropout(x, p, True, _rng())
    assert y.dtype == x.dtype
    assert np.mean(y == 0) == pytest.approx(p, abs=0.005)
    np.testing.assert_allclose(y[y != 0], 2 / (1 - p), rtol=1e-6)
    np.testing.assert_allclose(back(3 * x), 3 * y, rtol=1e-6)


@pytest.mark.parametrize("kernel", EVERY)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_pullback_uses_the_mask_of_the_forward_pass(kernel, dtype):
    x = _input(kernel, dtype)
    dy = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    step = np.random.default_rng(2).standard_normal(x.shape).astype(dtype)
    y, back = kernel(x, 0.4, True, _rng())
    moved, _ = kernel(x + step, 0.4, True, _rng())
    dx = back(dy)
    assert y.dtype == dx.dtype == x.dtype
    # y is affine in x for a given mask, so the slope along any step is exact
    assert np.vdot(dy, moved - y) == pytest.approx(np.vdot(dx, step), rel=1e-4)


@pytest.mark.parametrize("kernel", EVERY)
def test_the_same_generator_draws_the_same_mask(kernel):
    x = _input(kernel)
    first, second, other = (kernel(x, 0.5, True, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


@pytest.mark.parametrize("kernel", EVERY)
@pytest.mark.parametrize(("p", "training"), [(0.5, False), (0.0, True)])
def test_nothing_happens_outside_training_or_at_p_zero(kernel, p, training):
    x = _input(kernel)
    y, back = kernel(x, p, training, _rng())
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(back(x), x)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize("kernel", EVERY)
def test_everything_is_zero_at_p_one(kernel):
    x = _input(kernel)
    y, back = kernel(x, 1.0, True, _rng())
    np.testing.assert_array_equal(y, np.zeros_like(x))
    np.testing.assert_array_equal(back(x), np.zeros_like(x))


@pytest.mark.parametrize(
    ("kernel", "shape", "kept"),
    [
        (dropout.dropout1d, (50, 40, 3), 2),
        (dropout.dropout1d, (500, 3), 1),
        (dropout.dropout2d, (50, 40, 3, 2), 2),
        (dropout.dropout2d, (50, 40, 3), 2),
        (dropout.dropout3d, (50, 40, 3, 2, 2), 2),
        (dropout.dropout3d, (500, 3, 2, 2), 1),
    ],
)
def test_channels_are_dropped_whole(kernel, shape, kept):
    y, _ = kernel(np.ones(shape, "float32"), 0.25, True, _rng())
    channels = y.reshape(-1, int(np.prod(shape[kept:])))
    np.testing.assert_array_equal(channels, np.repeat(channels[:, :1], channels.shape[1], axis=1))
    assert np.mean(channels[:, 0] == 0) == pytest.approx(0.25, abs=0.06)
    assert y.max() == pytest.approx(1 / 0.75)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(p):
    x = _rng().standard_normal(400000)
    y, _ = dropout.alpha_dropout(x, p, True, np.random.default_rng(1))
    assert y.mean() == pytest.approx(0, abs=0.01)
    assert y.std() == pytest.approx(1, abs=0.01)


def test_alpha_dropout_has_the_two_values_of_torch():
    import torch

    x = torch.ones(1000)
    theirs = torch.unique(F.alpha_dropout(x, 0.3, True)).numpy()
    ours = np.unique(dropout.alpha_dropout(x.numpy(), 0.3, True, _rng())[0].round(5))
    assert_close(ours, theirs, 2e-5)


@pytest.mark.parametrize("kernel", EVERY)
def test_bad_arguments_get_a_sentence(kernel):
    with pytest.raises(ValueError, match=f"{kernel.__name__}: p is 1.5, expected a probability between 0 and 1"):
        kernel(_input(kernel), 1.5)
    with pytest.raises(TypeError, match=f"{kernel.__name__}: x has dtype int64"):
        kernel(_input(kernel).astype(int))


@pytest.mark.parametrize("kernel", [dropout.dropout1d, dropout.dropout2d, dropout.dropout3d])
def test_channel_dropout_refuses_other_ranks(kernel):
    with pytest.raises(ValueError, match=f"{kernel.__name__}: x has shape .4,., expected axes"):
        kernel(np.ones(4))
