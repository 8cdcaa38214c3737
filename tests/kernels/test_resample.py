import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.gradcheck import gradcheck
from twice.kernels.resample import (
    affine_grid,
    channel_shuffle,
    fold,
    grid_sample,
    interpolate,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
    unfold,
)

DTYPES = [np.float32, np.float64]
SHAPES = {1: (2, 3, 7), 2: (2, 3, 5, 6), 3: (2, 2, 3, 4, 5)}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def draw(shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def compare_interpolate(x, **options):
    compare_with_torch(lambda x: interpolate(x, **options), lambda t: F.interpolate(t, **options), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("to", [{"size": 3}, {"size": 11}, {"scale_factor": 2}, {"scale_factor": 1.7}], ids=str)
def test_nearest_and_area_equal_torch(to, mode, rank, dtype):
    compare_interpolate(draw(SHAPES[rank], dtype), mode=mode, **to)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("align_corners", [None, False, True])
@pytest.mark.parametrize(
    "to", [{"size": 1}, {"size": 4}, {"size": 11}, {"scale_factor": 2}, {"scale_factor": 0.7}], ids=str
)
def test_linear_equals_torch(to, align_corners, rank, dtype):
    compare_interpolate(draw(SHAPES[rank], dtype), mode=LINEAR[rank], align_corners=align_corners, **to)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("to", [{"size": (1, 3)}, {"size": (12, 4)}, {"scale_factor": (2, 0.7)}], ids=str)
def test_bicubic_equals_torch(to, align_corners, dtype):
    compare_interpolate(draw((2, 3, 5, 6), dtype), mode="bicubic", align_corners=align_corners, **to)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("recompute", [None, False, True])
def test_coordinates_use_the_given_scale_unless_it_is_recomputed(recompute, mode):
    x = draw((1, 2, 9, 7))
    compare_interpolate(x, scale_factor=(1.3, 2.6), mode=mode, recompute_scale_factor=recompute)


def test_recomputing_the_scale_changes_the_answer():
    x = draw((1, 1, 9, 9))
    given_scale, recomputed = (
        interpolate(x, scale_factor=1.3, mode="bilinear", recompute_scale_factor=r)[0] for r in (False, True)
    )
    assert np.abs(given_scale - recomputed).max() > 1e-3


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 90),
    st.sampled_from(["nearest", "nearest-exact", "bilinear"]),
    st.sampled_from(DTYPES),
)
def test_interpolate_equals_torch_for_any_pair_of_sizes(n, o, mode, dtype):
    compare_interpolate(draw((1, 2, 1, n), dtype), size=(1, o), mode=mode)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 40),
    st.floats(0.1, 5),
    st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]),
    st.sampled_from(DTYPES),
)
def test_interpolate_equals_torch_for_any_scale(n, scale, mode, dtype):
    o = int(n * scale)
    # For these two sizes torch's values use the scale but its gradients (but the linear ones) the ratio of the sizes.
    assume(o >= 1 and (mode == "bilinear" or o not in (n, 2 * n)))
    compare_interpolate(draw((1, 2, n, n), dtype), scale_factor=scale, mode=mode)


def test_bilinear_equals_the_loops():
    x = draw((1, 2, 4, 5))
    assert_close(interpolate(x, (7, 3), mode="bilinear")[0], naive.resize_bilinear(x, (7, 3)))


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_interpolate_takes_an_empty_batch(mode):
    y, back = interpolate(np.zeros((0, 2, 4, 4), np.float32), 8, mode=mode)
    assert y.shape == (0, 2, 8, 8)
    assert back(y).shape == (0, 2, 4, 4)


@pytest.mark.parametrize("kernel", ["pixel_shuffle", "pixel_unshuffle"])
@pytest.mark.parametrize("shape", [(2, 12, 6, 4), (12, 6, 4), (2, 1, 12, 6, 4)])
def test_pixel_shuffles_equal_torch(kernel, shape):
    ours, theirs = {
        "pixel_shuffle": (pixel_shuffle, F.pixel_shuffle),
        "pixel_unshuffle": (pixel_unshuffle, F.pixel_unshuffle),
    }[kernel]
    compare_with_torch(lambda x: ours(x, 2), lambda t: theirs(t, 2), draw(shape))


def test_pixel_shuffle_equals_the_loops_and_is_undone_by_unshuffle():
    x = draw((2, 18, 2, 3))
    y = pixel_shuffle(x, 3)[0]
    np.testing.assert_array_equal(y, naive.pixel_shuffle(x, 3))
    np.testing.assert_array_equal(pixel_unshuffle(y, 3)[0], x)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("spatial", [(4,), (3, 4)])
def test_channel_shuffle_equals_torch(groups, spatial):
    x = draw((2, 6, *spatial))
    expected = torch.nn.ChannelShuffle(groups)(torch.from_numpy(x)).numpy()
    y, back = channel_shuffle(x, groups)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(back(y), x)
    assert not np.shares_memory(y, x)


WINDOWS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)},
    {"kernel_size": 2, "stride": 3, "padding": 2},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_unfold_and_fold_equal_torch(options, dtype):
    x = draw((2, 3, 7, 8), dtype)
    compare_with_torch(lambda x: unfold(x, **options), lambda t: F.unfold(t, **options), x)
    columns = draw(unfold(x, **options)[0].shape, dtype, seed=1)
    compare_with_torch(lambda c: fold(c, (7, 8), **options), lambda t: F.fold(t, (7, 8), **options), columns)


@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_fold_is_the_adjoint_of_unfold(options):
    x = draw((2, 3, 7, 8))
    columns, _ = unfold(x, **options)
    u = draw(columns.shape, seed=1)
    assert np.isclose(np.vdot(columns, u), np.vdot(x, fold(u, (7, 8), **options)[0]))


PADS = [(1, 2), (2, 1, 1, 3), (0, 0, 2, 0), (-1, 2), (2, -1, -1, 0), (0, 0), (3, 3, 0, 0)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("amounts", [*PADS, (1, 0, 0, 2, 1, 1, 2, 0), (-2, -2, -1, -3), ()], ids=str)
@pytest.mark.parametrize("value", [None, 0.0, -1.5, float("-inf")])
def test_constant_pad_equals_torch(value, amounts, dtype):
    x = draw((2, 3, 4, 5), dtype)
    reference = lambda t: F.pad(t, amounts, "constant", value) * 1
    compare_with_torch(lambda x: pad(x, amounts, "constant", value), reference, x)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("amounts", PADS, ids=str)
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_other_pads_equal_torch(shape, amounts, mode):
    x = draw(shape)
    compare = lambda: compare_with_torch(lambda x: pad(x, amounts, mode), lambda t: F.pad(t, amounts, mode) * 1, x)
    if len(shape) - len(amounts) // 2 in (1, 2):
        compare()
    else:
        with pytest.raises(NotImplementedError, match="pad: pad has 1 pairs"):
            compare()


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_other_pads_take_three_axes(mode):
    x = draw((1, 2, 3, 4, 3))
    compare_with_torch(lambda x: pad(x, (1, 2, 2, 0, 1, 1), mode), lambda t: F.pad(t, (1, 2, 2, 0, 1, 1), mode), x)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["constant", "reflect", "replicate", "circular"]),
    st.integers(1, 6),
    st.integers(-3, 7),
    st.integers(-3, 7),
)
def test_pad_equals_torch_or_both_refuse(mode, n, before, after):
    # Where the crop leaves less than the border needs, torch's circular mode reads entries that it never wrote.
    assume(mode != "circular" or min(before, after) >= 0 or max(before, after) <= n + min(before, after))
    x = draw((1, 2, n))
    try:
        F.pad(torch.from_numpy(x), (before, after), mode)
    except RuntimeError:
        if n + before + after != 0:  # torch makes no empty plane in the other modes
            with pytest.raises(ValueError, match="pad: pad is"):
                pad(x, (before, after), mode)
        return
    compare_with_torch(lambda x: pad(x, (before, after), mode), lambda t: F.pad(t, (before, after), mode) * 1, x)


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_pad_by_nothing_is_a_copy(mode):
    x = draw((1, 2, 3))
    y, _ = pad(x, (0, 0), mode)
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (1, 1, 1, 6)])
def test_affine_grid_equals_torch(size, align_corners, dtype):
    theta = draw((size[0], 2, 3), dtype)
    size = size if not align_corners or size[2] > 1 else (*size[:2], 2, size[3])  # torch warns there
    kernel = lambda t: affine_grid(t, size, align_corners)
    compare_with_torch(kernel, lambda t: F.affine_grid(t, list(size), align_corners=align_corners), theta)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 2, 1, 7)])
def test_grid_sample_equals_torch(shape, align_corners, padding_mode, mode, dtype):
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align_corners}
    x, grid = draw(shape, dtype), draw((shape[0], 6, 7, 2), dtype, seed=1)
    reference = lambda x, g: F.grid_sample(x, g, **options)
    compare_with_torch(lambda x, g: grid_sample(x, g, **options), reference, x, grid)


@pytest.mark.parametrize("align_corners", [False, True])
def test_the_identity_grid_samples_the_image_itself(align_corners):
    x = draw((1, 2, 4, 5))
    grid, _ = affine_grid(np.array([[[1.0, 0, 0], [0, 1, 0]]]), x.shape, align_corners)
    assert_close(grid_sample(x, grid, align_corners=align_corners)[0], x)


def test_grid_sample_agrees_with_differences():
    gradcheck(grid_sample, draw((1, 2, 4, 5)), draw((1, 3, 3, 2), seed=1) * 0.8)
    gradcheck(affine_grid, draw((1, 2, 3)), size=(1, 1, 3, 4))


@pytest.mark.parametrize(
    "kernel",
    [
        lambda x: interpolate(x, (5, 3), mode="bilinear"),
        lambda x: interpolate(x, 7, mode="nearest"),
        lambda x: interpolate(x, scale_factor=1.5, mode="bicubic"),
        lambda x: unfold(x, 2, padding=1),
        lambda x: pad(x, (1, 2, 2, 1), "reflect"),
        lambda x: pad(x, (1, 2, -1, 1), "circular"),
        lambda x: channel_shuffle(x, 2),
    ],
)
def test_pullbacks_agree_with_differences(kernel):
    gradcheck(kernel, draw((1, 4, 3, 4)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: interpolate(x), "interpolate: size is None and scale_factor is None, expected exactly one"),
        (lambda x: interpolate(x, 3, 2.0), "interpolate: size is 3 and scale_factor is 2.0, expected exactly one"),
        (lambda x: interpolate(x, 3, align_corners=True), "interpolate: align_corners is True, expected None for mode"),
        (lambda x: interpolate(x, 3, mode="linear"), r"interpolate: x has shape .*, expected 3 axes for mode 'linear'"),
        (lambda x: interpolate(x, (3, 3, 3)), r"interpolate: size is \(3, 3, 3\), expected 2 whole numbers"),
        (lambda x: interpolate(x, scale_factor=0.1), "expected 2 whole numbers of at least 1"),
        (lambda x: interpolate(x, scale_factor=(1, 2, 3)), "expected 2 factors"),
        (lambda x: interpolate(x, 3, recompute_scale_factor=True), "recompute_scale_factor is True, expected"),
        (
            lambda x: pixel_shuffle(x, 3),
            "pixel_shuffle: x has shape .* with C a multiple of 3",
        ),
        (lambda x: pixel_unshuffle(x, 3), "pixel_unshuffle: x has shape .* with H and W multiples of 3"),
        (lambda x: channel_shuffle(x, 3), "channel_shuffle: x has shape .* with C a multiple of 3"),
        (lambda x: unfold(x, 9), "unfold: input has size 4 .* expected at least 9"),
        (lambda x: unfold(x[0], 2), r"unfold: x has shape \(4, 4, 5\), expected 4 axes"),
        (lambda x: fold(x[0], (4, 4), 2), r"fold: x has shape \(4, 4, 5\), expected \(N, a multiple of 4, 9\)"),
        (lambda x: pad(x[0], (5, 0), "reflect"), r"pad: pad is \(5, 0\) on an axis of 5 .* expected at most 4"),
        (lambda x: pad(x[0], (6, 0), "circular"), "expected at most 5 for mode 'circular'"),
        (lambda x: grid_sample(x, x), r"grid_sample: grid has shape .*, expected \(1, H, W, 2\)"),
        (lambda x: affine_grid(x[0], (4, 1, 2, 2)), r"affine_grid: theta has shape \(4, 4, 5\), expected \(4, 2, 3\)"),
        (lambda x: pad(x, (1,)), "pad: pad is .* expected up to 4 pairs"),
        (lambda x: pad(x, (-3, -3)), "expected not to crop more than"),
        (lambda x: pad(x[0], (1, 1), "reflect", 1.0), "pad: value is 1.0, expected none for mode 'reflect'"),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(draw((1, 4, 4, 5)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: interpolate(x, 3, mode="bilinear", antialias=True), "antialias=True is not implemented"),
        (lambda x: interpolate(x, 3, mode="lanczos"), "interpolate: mode is 'lanczos', expected one of"),
        (lambda x: grid_sample(x, x, padding_mode="reflection"), "grid_sample: mode is 'bilinear' and padding_mode"),
        (lambda x: affine_grid(x, (1, 1, 2, 2, 2)), "affine_grid: five sizes"),
        (lambda x: pad(x, (1, 1), "mirror"), "pad: mode is 'mirror', expected constant"),
    ],
)
def test_what_is_missing_says_so(call, message):
    with pytest.raises(NotImplementedError, match=message):
        call(draw((1, 2, 4, 4)))


@pytest.mark.parametrize(
    "kernel",
    [
        lambda x: interpolate(x, 3),
        lambda x: pixel_shuffle(x, 2),
        lambda x: channel_shuffle(x, 2),
        lambda x: unfold(x, 2),
        lambda x: pad(x, (1, 1)),
    ],
)
def test_integers_are_refused(kernel):
    with pytest.raises(TypeError, match="x has dtype int64, expected a floating dtype"):
        kernel(np.ones((1, 4, 4, 4), np.int64))
