"""Convolution: every strategy against the loops, everything against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn import functional as F

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.conv import conv, conv_transpose, rows_and_columns, strategy
from twice.kernels.convolution import banded
from twice.kernels.convolution.batch_last import batch_last
from twice.kernels.convolution.depthwise import depthwise
from twice.kernels.convolution.im2col import im2col
from twice.kernels.convolution.one_position import one_position
from twice.kernels.convolution.pointwise import pointwise
from twice.kernels.convolution.shifted_rows import shifted_rows
from twice.kernels.convolution.space_to_depth import space_to_depth
from twice.kernels.convolution.window import Window
from twice.kernels.convolution.winograd import cook_toom, winograd
from twice.kernels.gradcheck import gradcheck

DTYPES = ["float32", "float64"]


def arrays(seed, dtype, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


# ── the worked examples of the course ───────────────────────────────────────────────────────────────────────────

CROSS = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], float)
BINARY = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], float)


def test_the_cross_on_the_binary_image():
    y, _ = conv(BINARY[None, None], CROSS[None, None])
    assert_array_equal(y[0, 0], [[4, 3, 4], [2, 4, 3], [2, 3, 4]])
    assert_array_equal(naive.correlate2d(BINARY, CROSS), y[0, 0])


def test_a_bias_of_two_raises_every_output_by_two():
    image = np.array([[0, 3, 2, 1], [2, 1, 0, 2], [1, 3, 2, 0], [2, 0, 3, 3]], float)
    y, _ = conv(image[None, None], CROSS[None, None], np.array([2.0]))
    assert_array_equal(y[0, 0], [[8, 9], [12, 10]])


def test_smoothing_a_line_with_zeros_around_it():
    line = np.array([3, 2, 4, 5, 1, 20, 2, 2], float)
    y, _ = conv(line[None, None], np.array([0.3, 0.4, 0.3])[None, None], padding=1)
    assert_allclose(y[0, 0], [1.8, 2.9, 3.7, 3.5, 7.9, 8.9, 7.4, 1.4])
    assert_allclose(naive.correlate1d(line, np.array([0.3, 0.4, 0.3])), y[0, 0, 1:-1])


# ── against torch ───────────────────────────────────────────────────────────────────────────────────────────────

GRID = [
    # N, C, K, size, kernel, stride, padding, dilation, groups
    (2, 3, 4, (9,), 3, 1, 1, 1, 1),
    (2, 4, 6, (12,), 4, 3, 2, 2, 2),
    (1, 1, 1, (5,), 5, 1, 0, 1, 1),
    (2, 4, 4, (9, 8), 3, 2, 1, 1, 1),
    (2, 4, 6, (9, 8), (3, 2), 1, (1, 0), 2, 2),
    (2, 4, 5, (9, 8), (1, 4), (2, 1), (0, 3), (1, 2), 1),
    (2, 4, 5, (6, 6), 3, 1, 5, 1, 1),
    (0, 4, 5, (6, 6), 3, 1, 1, 1, 1),
    (2, 3, 4, (5, 6, 7), 3, 2, 1, 1, 1),
    (2, 4, 2, (5, 6, 7), (2, 3, 1), 1, (1, 0, 0), (1, 2, 1), 2),
    # depthwise
    (2, 4, 4, (9, 8), 3, 1, 1, 1, 4),
    (2, 4, 8, (9, 8), 3, 1, 2, 1, 4),
    (2, 4, 4, (11, 10), 3, 2, 1, 2, 4),
    (2, 3, 6, (11,), 4, 2, 1, 1, 3),
    (2, 3, 3, (5, 6, 7), (1, 2, 3), 1, 1, 1, 3),
    (0, 4, 4, (9, 8), 5, 1, 2, 1, 4),
    # few channels, many images
    (17, 3, 4, (9, 8), 3, 1, 1, 1, 1),
    (17, 3, 4, (9, 8), (3, 5), (2, 1), (1, 3), 1, 1),
    (16, 2, 3, (5, 6, 7), 3, 2, 1, 1, 1),
    (16, 4, 6, (30,), 5, 2, 2, 1, 2),
    # pointwise
    (3, 5, 4, (9, 8), 1, 1, 0, 1, 1),
    (3, 5, 4, (9, 8), 1, 2, 0, 1, 1),
    (3, 5, 4, (9, 8), 1, 2, 1, 1, 1),
    (3, 6, 4, (9,), 1, 3, 0, 1, 2),
    # one position
    (3, 4, 6, (5, 4), (5, 4), 1, 0, 1, 2),
    (3, 4, 5, (7,), 3, 2, 0, 3, 1),
    # tiles
    (8, 48, 50, (21, 22), 3, 1, 1, 1, 1),
    (8, 48, 50, (16, 16), 5, 1, 2, 1, 1),
    (8, 96, 100, (18, 18), 3, 1, 0, 1, 2),
    (8, 48, 48, (21, 22), 3, 1, 4, 1, 1),
    # a large stride on few channels
    (3, 3, 50, (47, 43), 11, 4, 0, 1, 1),
    (3, 3, 50, (48, 51), 11, 4, 2, 1, 1),
    (3, 1, 8, (47, 43), 7, 3, 3, 1, 1),
]


def options(stride, padding, dilation, groups):
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def kernel_shape(kernel, size):
    return (kernel,) * len(size) if isinstance(kernel, int) else kernel


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n,c,k,size,kernel,stride,padding,dilation,groups", GRID)
def test_convolution_agrees_with_torch(n, c, k, size, kernel, stride, padding, dilation, groups, bias, dtype):
    x, w, b = arrays(0, dtype, (n, c, *size), (k, c // groups, *kernel_shape(kernel, size)), (k,))
    o = options(stride, padding, dilation, groups)
    reference = getattr(F, f"conv{len(size)}d")
    if bias:
        compare_with_torch(conv, lambda x, w, b: reference(x, w, b, **o), x, w, b, **o)
    else:
        compare_with_torch(conv, lambda x, w: reference(x, w, **o), x, w, **o)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n,c,k,size,kernel,stride,padding,dilation,groups", [g for g in GRID if g[6] != 5 and g[0]])
def test_transposed_convolution_agrees_with_torch(n, c, k, size, kernel, stride, padding, dilation, groups, dtype):
    x, w, b = arrays(1, dtype, (n, c, *size), (c, k // groups, *kernel_shape(kernel, size)), (k,))
    o = options(stride, padding, dilation, groups)
    reference = getattr(F, f"conv_transpose{len(size)}d")
    compare_with_torch(conv_transpose, lambda x, w, b: reference(x, w, b, **o), x, w, b, **o)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, (3, 2), 5])
@pytest.mark.parametrize("dilation", [1, 2, (1, 3)])
def test_padding_same_keeps_the_size_also_for_even_kernels(kernel, dilation, dtype):
    x, w = arrays(2, dtype, (2, 3, 10, 11), (4, 3, *kernel_shape(kernel, (0, 0))))
    o = {"padding": "same", "dilation": dilation}
    compare_with_torch(conv, lambda x, w: F.conv2d(x, w, **o), x, w, **o)


@pytest.mark.parametrize("extra", [0, 1, (1, 0), (2, 1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_output_padding_chooses_among_the_sizes_a_stride_can_come_from(extra, groups):
    x, w = arrays(3, "float64", (2, 4, 5, 6), (4, 3, 3, 3))
    o = {"stride": 3, "padding": 1, "output_padding": extra, "groups": groups}
    compare_with_torch(conv_transpose, lambda x, w: F.conv_transpose2d(x, w, **o), x, w, **o)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 3), c=st.integers(1, 4), k=st.integers(1, 4), h=st.integers(1, 9), w=st.integers(1, 9),
    r=st.integers(1, 4), s=st.integers(1, 4),
    stride=st.integers(1, 3), padding=st.integers(0, 3), dilation=st.integers(1, 2),
)  # fmt: skip
def test_any_shape_agrees_with_torch_or_is_refused(n, c, k, h, w, r, s, stride, padding, dilation):
    x, weights = arrays(4, "float64", (n, c, h, w), (k, c, r, s))
    o = options(stride, padding, dilation, 1)
    fits = h + 2 * padding > dilation * (r - 1) and w + 2 * padding > dilation * (s - 1)
    if not fits:
        with pytest.raises(ValueError, match="expected at least"):
            conv(x, weights, **o)
        return
    compare_with_torch(conv, lambda x, w: F.conv2d(x, w, **o), x, weights, **o)


# ── each strategy against the loops ─────────────────────────────────────────────────────────────────────────────


def on_four_times_fewer_pixels(w, window, shape):
    return space_to_depth(w, window, shape, im2col)


STRATEGIES = [
    # strategy, x, w, stride, padding, dilation, groups
    (im2col, (2, 3, 7, 6), (4, 3, 3, 2), 1, 1, 1, 1),
    (im2col, (2, 3, 7, 8), (4, 3, 3, 3), 2, 1, 2, 1),
    (im2col, (2, 3, 7, 8), (4, 3, 3, 3), 1, 3, 1, 1),
    (batch_last, (3, 2, 7, 6), (4, 2, 3, 2), 1, 1, 1, 1),
    (batch_last, (3, 2, 7, 8), (4, 2, 3, 3), 2, 1, 1, 1),
    (batch_last, (2, 1, 13, 8), (4, 1, 3, 2), 4, 2, 1, 1),
    (batch_last, (2, 1, 13, 8), (2, 1, 5, 4), 3, 1, 1, 1),
    (shifted_rows, (2, 3, 7, 6), (4, 3, 3, 2), 1, 1, 1, 1),
    (shifted_rows, (2, 3, 7, 8), (4, 3, 3, 3), 2, 1, 2, 1),
    (shifted_rows, (2, 3, 11, 9), (4, 3, 4, 2), 3, 2, 1, 1),
    (shifted_rows, (2, 3, 7, 8), (4, 3, 3, 3), 1, 3, 1, 1),
    (rows_and_columns, (2, 3, 7, 8), (4, 3, 3, 3), 2, 1, 1, 1),
    (one_position, (2, 3, 5, 4), (4, 3, 5, 4), 1, 0, 1, 1),
    (one_position, (2, 3, 6, 4), (4, 3, 2, 2), 3, 0, 3, 1),
    (pointwise, (2, 3, 5, 4), (4, 3, 1, 1), 1, 0, 1, 1),
    (pointwise, (2, 3, 5, 4), (4, 3, 1, 1), 2, 0, 1, 1),
    (depthwise, (2, 3, 7, 6), (3, 1, 3, 2), 1, 1, 1, 3),
    (depthwise, (2, 3, 7, 8), (6, 1, 3, 3), 2, 1, 2, 3),
    (depthwise, (2, 3, 7, 8), (3, 1, 5, 7), 1, 3, 1, 3),
    (depthwise, (2, 2, 6, 31), (4, 1, 7, 5), 1, 2, 1, 2),
    (depthwise, (2, 2, 6, 5), (2, 1, 5, 5), 1, 6, 1, 2),
    (depthwise, (2, 2, 11, 9), (2, 1, 5, 5), 2, 2, 1, 2),
    (depthwise, (2, 2, 11, 9), (2, 1, 5, 5), 1, 2, 2, 2),
    (winograd, (2, 3, 9, 7), (4, 3, 3, 3), 1, 1, 1, 1),
    (winograd, (2, 2, 8, 12), (3, 2, 5, 5), 1, 2, 1, 1),
    (winograd, (2, 2, 3, 3), (3, 2, 3, 3), 1, 0, 1, 1),
    (on_four_times_fewer_pixels, (2, 2, 13, 12), (3, 2, 5, 5), 2, 1, 1, 1),
    (on_four_times_fewer_pixels, (1, 1, 17, 18), (2, 1, 7, 7), 4, 2, 1, 1),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("convolve,x_shape,w_shape,stride,padding,dilation,groups", STRATEGIES)
def test_a_strategy_computes_the_definition(convolve, x_shape, w_shape, stride, padding, dilation, groups, dtype):
    x, w = arrays(5, dtype, x_shape, w_shape)
    window = Window(w_shape[2:], (stride,) * 2, ((padding, padding),) * 2, (dilation,) * 2)
    way = convolve(w, window, x_shape)
    y = way.forward(x)
    o = options(stride, padding, dilation, groups)
    assert_close(y, naive.conv2d(x, w, **o))
    (dy,) = arrays(6, dtype, y.shape)
    dx, dw, _ = naive.conv2d_back(dy, x, w, **o)
    assert_close(way.to_x(dy), dx, what="dx")
    assert_close(way.to_w(x, dy), dw, what="dw")
    if way.to_both is not None:
        for ours, theirs in zip(way.to_both(x, dy), (dx, dw)):
            assert_close(ours, theirs)


def test_large_depthwise_kernels_are_products_with_bands_and_work_on_a_few_channels_at_a_time():
    x, w = arrays(16, "float64", (2, 9, 40, 64), (9, 1, 7, 7))
    window = Window((7, 7), (1, 1), ((3, 3),) * 2, (1, 1))
    tiles = banded.Tiles(window, x.shape)
    assert banded.fits(window)
    assert not banded.fits(Window((3, 7), (1, 1), ((1, 1),) * 2, (1, 1)))
    assert len(list(tiles.seen(x))) > 1
    compare_with_torch(conv, lambda x, w: F.conv2d(x, w, padding=3, groups=9), x, w, padding=3, groups=9)


@pytest.mark.parametrize("images", [1, 2, 5])
def test_winograd_gives_the_same_in_blocks_of_images(monkeypatch, images):
    x, w = arrays(7, "float64", (5, 3, 9, 10), (4, 3, 3, 3))
    window = Window((3, 3), (1, 1), ((1, 1),) * 2, (1, 1))
    whole = winograd(w, window, x.shape)
    monkeypatch.setattr("twice.kernels.convolution.winograd.TILES", 9 * images)
    parted = winograd(w, window, x.shape)
    (dy,) = arrays(8, "float64", (5, 4, 9, 10))
    for ours, theirs, arguments in zip(parted[:3], whole[:3], ((x,), (dy,), (x, dy))):
        assert_allclose(ours(*arguments), theirs(*arguments), atol=1e-12)


@pytest.mark.parametrize("m,r", [(2, 3), (4, 3), (6, 3), (2, 5), (4, 5), (3, 2)])
def test_cook_toom_matrices_correlate(m, r):
    g, b, a = cook_toom(m, r)
    w, d = arrays(9, "float64", (r,), (m + r - 1,))
    assert_allclose(a.T @ ((g @ w) * (b @ d)), naive.correlate1d(d, w), atol=1e-12)


@pytest.mark.parametrize(
    "n,w,stride,size,expected",
    [
        (64, (6, 1, 5, 5), 1, (28, 28), "batch_last"),
        (1, (6, 1, 5, 5), 1, (28, 28), "shifted_rows"),
        (32, (16, 16, 3, 3), 1, (32, 32), "shifted_rows"),
        (32, (32, 32, 3, 3), 1, (16, 16), "rows_and_columns"),
        (16, (256, 96, 5, 5), 1, (27, 27), "winograd"),
        (64, (120, 16, 5, 5), 1, (5, 5), "one_position"),
        (1, (512, 512, 3, 3), 1, (7, 7), "rows_and_columns"),
        (16, (64, 256, 1, 1), 2, (56, 56), "pointwise"),
        (16, (128, 128, 3, 3), 2, (56, 56), "rows_and_columns"),
        (16, (96, 3, 11, 11), 4, (227, 227), "strided"),
    ],
)
def test_the_dispatch_follows_the_shapes(n, w, stride, size, expected):
    window = Window(w[2:], (stride, stride), ((0, 0),) * 2, (1, 1))
    assert strategy(n, w, window, window.outputs(size)).__name__ == expected


def test_gradients_are_the_slopes():
    x, w, b = arrays(10, "float64", (2, 2, 4, 5), (3, 2, 3, 2), (3,))
    gradcheck(conv, x, w, b, stride=2, padding=1)
    gradcheck(conv_transpose, x, w.transpose(1, 0, 2, 3).copy(), b, stride=2, padding=1)


def test_the_transposed_loops_agree_with_the_kernel():
    x, w = arrays(11, "float64", (2, 3, 4, 5), (3, 2, 3, 3))
    y, _ = conv_transpose(x, w, stride=2, padding=1)
    assert_allclose(y, naive.conv_transpose2d(x, w, 2, 1), atol=1e-12)


def test_a_view_as_input_gives_what_its_copy_gives():
    (x,) = arrays(12, "float32", (8, 9, 5, 17))
    (w,) = arrays(13, "float32", (4, 5, 3, 3))
    view = x.transpose(3, 2, 1, 0)[::1]
    y, back = conv(view, w, padding=1)
    expected, expected_back = conv(view.copy(), w, padding=1)
    assert_array_equal(y, expected)
    for ours, theirs in zip(back(y), expected_back(y)):
        if theirs is not None:
            assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────────


def ones(*shape, dtype="float32"):
    return np.ones(shape, dtype)


@pytest.mark.parametrize(
    "inputs,o,message",
    [
        ((ones(3, 8, 8), ones(4, 3, 3, 3)), {}, r"x has shape \(3, 8, 8\), expected 4 axes \(N, C, H, W\)"),
        ((ones(1, 2, 8, 8), ones(4, 3, 3, 3)), {}, "x has 2 channels, expected 3"),
        ((ones(1, 4, 8, 8), ones(4, 2, 3, 3)), {"groups": 3}, "groups is 3, expected a divisor of the 4 kernels"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3), ones(5)), {}, r"b has shape \(5,\), expected \(4,\)"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3)), {"stride": 0}, "stride is 0, expected 2 whole numbers of at least 1"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3)), {"padding": -1}, "padding is -1, expected"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3)), {"padding": (1, 1, 1)}, "padding is"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3)), {"padding": "full"}, "'full', expected 'same', 'valid' or numbers"),
        ((ones(1, 3, 8, 8), ones(4, 3, 3, 3)), {"padding": "same", "stride": 2}, "'same' with stride"),
        ((ones(1, 3, 2, 2), ones(4, 3, 3, 3)), {}, "size 2 along an axis"),
        ((ones(8), ones(4, 3)), {}, "w has shape"),
    ],
)
def test_a_wrong_argument_gets_a_sentence(inputs, o, message):
    with pytest.raises(ValueError, match=message):
        conv(*inputs, **o)


def test_dtypes_are_never_mixed_and_integers_are_refused():
    with pytest.raises(TypeError, match="the dtypes differ"):
        conv(ones(1, 3, 8, 8), ones(4, 3, 3, 3, dtype="float64"))
    with pytest.raises(TypeError, match="x has dtype int64"):
        conv(ones(1, 3, 8, 8, dtype="int64"), ones(4, 3, 3, 3, dtype="int64"))


def test_transposed_convolution_refuses_what_has_no_meaning():
    with pytest.raises(ValueError, match="output_padding is"):
        conv_transpose(ones(1, 3, 8, 8), ones(3, 4, 3, 3), stride=2, output_padding=2)
    with pytest.raises(ValueError, match="the output would have size"):
        conv_transpose(ones(1, 3, 1, 1), ones(3, 4, 3, 3), padding=2)


def test_torch_is_what_we_compare_with_and_not_itself():
    x, w = arrays(14, "float32", (1, 1, 5, 5), (1, 1, 3, 3))
    with pytest.raises(AssertionError):
        compare_with_torch(conv, lambda x, w: F.conv2d(x, torch.flip(w, (2, 3))), x, w)
