import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from support import assert_close, compare_with_torch
from twice.kernels import naive
from twice.kernels.geometry import output_size
from twice.kernels.gradcheck import gradcheck
from twice.kernels.pool import adaptive_avg_pool, adaptive_max_pool, avg_pool, lp_pool, max_pool, max_unpool

DTYPES = [np.float32, np.float64]
TORCH_MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
TORCH_AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
TORCH_ADAPTIVE_AVG = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
TORCH_ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
TORCH_UNPOOL = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}
SHAPES = {1: (2, 3, 13), 2: (2, 3, 9, 12), 3: (2, 2, 7, 6, 8)}

MAX_OPTIONS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 2, "stride": 2, "dilation": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2},
    {"kernel_size": 1},
]


def draw(shape, dtype=np.float64, seed=0, levels=None):
    """Normal entries; with `levels`, small whole numbers, so that windows are full of ties."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape).astype(dtype) if levels is None else rng.integers(0, levels, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("options", MAX_OPTIONS, ids=str)
def test_max_pool_equals_torch(options, rank, dtype):
    x = draw(SHAPES[rank], dtype, levels=4)
    kernel = lambda x: max_pool(x, **options, return_indices=True)
    compare_with_torch(kernel, lambda t: TORCH_MAX[rank](t, **options, return_indices=True), x)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_pool_takes_one_option_for_each_axis(rank):
    options = {"kernel_size": (2, 3, 4)[:rank], "stride": (1, 2, 3)[:rank], "padding": (1, 0, 2)[:rank]}
    options["dilation"] = (2, 1, 1)[:rank]
    kernel = lambda x: max_pool(x, **options, return_indices=True)
    reference = lambda t: TORCH_MAX[rank](t, **options, return_indices=True)
    compare_with_torch(kernel, reference, draw(SHAPES[rank], levels=5))


@pytest.mark.parametrize("window", [(3, 2, 1, 3), (3, 3, 0, 2), (2, 1, 1, 5)])
def test_max_pool_reaches_over_whole_strides(window):
    x = draw((4, 3, 14, 15))
    compare_with_torch(lambda x: max_pool(x, *window), lambda t: F.max_pool2d(t, *window), x)
    _, back = max_pool(x, *window)
    dy = np.full(F.max_pool2d(torch.from_numpy(x), *window).shape, 1e9)
    del x
    assert back(dy).sum() == dy.sum()  # no entry keeps what its memory held before


windows = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2), st.integers(1, 2), st.booleans())


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(5, 11), st.integers(5, 11)), windows, st.integers(1, 9)
)
def test_max_pool_equals_torch_on_any_shape(shape, window, levels):
    k, s, p, d, ceil = window
    options = {
        "kernel_size": (k, min(k, 2)),
        "stride": s,
        "padding": (min(p, k // 2), 0),
        "dilation": d,
        "ceil_mode": ceil,
    }
    x = draw(shape, levels=levels)
    try:
        F.max_pool2d(torch.from_numpy(x), **options)
    except RuntimeError:
        with pytest.raises(ValueError):
            max_pool(x, **options)
        return
    kernel = lambda x: max_pool(x, **options, return_indices=True)
    compare_with_torch(kernel, lambda t: F.max_pool2d(t, **options, return_indices=True), x)


@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0)])
def test_max_pool_equals_the_loops(window):
    x = draw((2, 2, 7, 8), levels=6)
    (y, place), back = max_pool(x, *window, return_indices=True)
    expected, expected_place = naive.max_pool2d(x, *window)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(place, expected_place)
    dy = draw(y.shape, seed=1)
    assert_close(back(dy, None), naive.max_pool2d_back(dy, expected_place, x.shape))


def test_max_pool_gives_ties_to_the_first_in_row_major_order():
    x = np.array([[[[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]]])
    (_, place), back = max_pool(x, (2, 3), stride=1, padding=(0, 1), return_indices=True)
    assert place.tolist() == [[[[1, 1, 1]]]]
    assert back(np.array([[[[1.0, 2.0, 4.0]]]]), None).tolist() == [[[[0, 7, 0], [0, 0, 0]]]]


@pytest.mark.parametrize("padding", [0, 1])
def test_max_pool_lets_a_nan_win(padding):
    x = draw((2, 3, 8, 9))
    x[0, 0, 2, 3] = x[0, 0, 3, 2] = x[1, 1, 0, 0] = x[1, 2, 7, 8] = np.nan
    kernel = lambda x: max_pool(x, 3, 2, padding, return_indices=True)
    compare_with_torch(kernel, lambda t: F.max_pool2d(t, 3, 2, padding, return_indices=True), x)


def test_max_pool_of_minus_infinity_is_an_entry_and_not_the_padding():
    x = np.full((1, 1, 5, 5), -np.inf)
    kernel = lambda x: max_pool(x, 3, 2, 1, return_indices=True)
    compare_with_torch(kernel, lambda t: F.max_pool2d(t, 3, 2, 1, return_indices=True), x)


def test_max_pool_keeps_an_infinite_gradient_where_it_belongs():
    x = draw((1, 1, 4, 4))
    y, back = max_pool(x, 3, 1)
    dx = back(np.full_like(y, np.inf))
    assert set(np.unique(dx)) == {0.0, np.inf}


@pytest.mark.parametrize("kernel", [255, 256, 300])
def test_max_pool_counts_beyond_a_byte(kernel):
    x = draw((1, 2, 700), levels=50)
    reference = lambda t: F.max_pool1d(t, kernel, 100, return_indices=True)
    compare_with_torch(lambda x: max_pool(x, kernel, 100, return_indices=True), reference, x)


@pytest.mark.parametrize("kernel", [lambda x: max_pool(x, 3, 2), lambda x: avg_pool(x, 3, 2)])
def test_pooling_of_many_planes_equals_pooling_of_each(kernel):
    x = draw((5, 70, 45, 41), np.float32)  # more than one block of planes
    y, back = kernel(x)
    dy = draw(y.shape, np.float32, seed=1)
    dx = back(dy)
    for n in (0, 2, 4):
        y_n, back_n = kernel(x[n : n + 1])
        np.testing.assert_array_equal(y[n : n + 1], y_n)
        np.testing.assert_array_equal(dx[n : n + 1], back_n(dy[n : n + 1]))


@pytest.mark.parametrize(
    "kernel", [lambda x: max_pool(x, 2), lambda x: avg_pool(x, 2), lambda x: adaptive_avg_pool(x, 3)]
)
def test_pooling_reads_a_strided_input_and_a_strided_gradient(kernel):
    x, dy = draw((2, 6, 6, 4)).transpose(0, 3, 1, 2), draw((2, 3, 3, 4), seed=1).transpose(0, 3, 1, 2)
    (y, back), (expected, expected_back) = kernel(x), kernel(np.ascontiguousarray(x))
    assert_close(y, expected)
    assert_close(back(dy), expected_back(np.ascontiguousarray(dy)))


@pytest.mark.parametrize("kernel", [max_pool, avg_pool, adaptive_max_pool, adaptive_avg_pool])
def test_pooling_takes_an_empty_batch(kernel):
    y, back = kernel(np.zeros((0, 3, 8, 8), np.float32), 4)
    assert y.shape == ((0, 3, 2, 2) if kernel in (max_pool, avg_pool) else (0, 3, 4, 4))
    assert back(y).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("options", [o for o in MAX_OPTIONS if "dilation" not in o], ids=str)
def test_avg_pool_equals_torch(options, include, rank, dtype):
    options = {**options, "count_include_pad": include}
    reference = lambda t: TORCH_AVG[rank](t, **options)
    compare_with_torch(lambda x: avg_pool(x, **options), reference, draw(SHAPES[rank], dtype))


@pytest.mark.parametrize("kernel", [2, 7])
@pytest.mark.parametrize("divisor", [1, 5, -3])
def test_avg_pool_divides_by_what_it_is_told(kernel, divisor):
    x = draw((2, 3, 7, 7))
    reference = lambda t: F.avg_pool2d(t, kernel, padding=kernel // 2 - 2 * (kernel == 7), divisor_override=divisor)
    compare_with_torch(
        lambda x: avg_pool(x, kernel, padding=kernel // 2 - 2 * (kernel == 7), divisor_override=divisor), reference, x
    )


@settings(max_examples=100, deadline=None)
@given(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(5, 9), st.integers(5, 9)), windows, st.booleans())
def test_avg_pool_equals_torch_on_any_shape(shape, window, include):
    k, s, p, _, ceil = window
    options = {"kernel_size": (k, min(k, 2)), "stride": s, "padding": (min(p, k // 2), 0), "ceil_mode": ceil}
    reference = lambda t: F.avg_pool2d(t, **options, count_include_pad=include)
    compare_with_torch(lambda x: avg_pool(x, **options, count_include_pad=include), reference, draw(shape))


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1)])
def test_avg_pool_equals_the_loops(window, include):
    x = draw((2, 2, 7, 8))
    assert_close(avg_pool(x, *window, count_include_pad=include)[0], naive.avg_pool2d(x, *window, include))


ADAPTIVE = [1, 2, 3, 5, 6, 9]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("size", ADAPTIVE)
def test_adaptive_pooling_equals_torch(size, rank, dtype):
    x = draw(SHAPES[rank], dtype)
    compare_with_torch(lambda x: adaptive_avg_pool(x, size), lambda t: TORCH_ADAPTIVE_AVG[rank](t, size), x)
    x = draw(SHAPES[rank], dtype, levels=5)
    reference = lambda t: TORCH_ADAPTIVE_MAX[rank](t, size, return_indices=True)
    compare_with_torch(lambda x: adaptive_max_pool(x, size, return_indices=True), reference, x)


@settings(max_examples=80, deadline=None)
@given(*(st.integers(1, 12) for _ in range(4)))
def test_adaptive_pooling_equals_torch_on_any_size(h, w, oh, ow):
    x = draw((2, 2, h, w), levels=4)
    compare_with_torch(lambda x: adaptive_avg_pool(x, (oh, ow)), lambda t: F.adaptive_avg_pool2d(t, (oh, ow)), x)
    reference = lambda t: F.adaptive_max_pool2d(t, (oh, ow), return_indices=True)
    compare_with_torch(lambda x: adaptive_max_pool(x, (oh, ow), return_indices=True), reference, x)


@pytest.mark.parametrize("kernel", [adaptive_avg_pool, adaptive_max_pool])
def test_adaptive_pooling_keeps_an_axis_of_size_none(kernel):
    x = draw((2, 3, 7, 8))
    np.testing.assert_array_equal(kernel(x, (None, 3))[0], kernel(x, (7, 3))[0])
    np.testing.assert_array_equal(kernel(x, None)[0], x)


@pytest.mark.parametrize("size", [1, 3])
def test_adaptive_max_pool_lets_the_last_nan_win(size):
    x = draw((2, 2, 7, 8))
    x[0, 0, 1, 2] = x[0, 0, 2, 1] = x[1, 0, 0, 0] = np.nan
    reference = lambda t: F.adaptive_max_pool2d(t, size, return_indices=True)
    compare_with_torch(lambda x: adaptive_max_pool(x, size, return_indices=True), reference, x)


def test_adaptive_avg_pool_equals_the_loops():
    x = draw((2, 2, 7, 8))
    assert_close(adaptive_avg_pool(x, (3, 5))[0], naive.adaptive_avg_pool2d(x, (3, 5)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [1, 2, 3, 2.5, 4, float("inf"), -float("inf")])
@pytest.mark.parametrize("options", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "ceil_mode": True}], ids=str)
def test_lp_pool_equals_torch(options, p, dtype):
    x = np.abs(draw((2, 3, 8, 8), dtype)) + dtype(0.1)
    if np.isinf(p):  # older versions of torch have no infinite norm
        reference = lambda t: np.sign(p) * F.max_pool2d(np.sign(p) * t.abs(), **options)
    else:
        reference = lambda t: F.lp_pool2d(t, p, **options)
    compare_with_torch(
        lambda x: lp_pool(x, p, **options), reference, x, tolerance=1e-4 if dtype == np.float32 else 1e-9
    )


def test_lp_pool_sums_signed_powers_as_torch_does():
    compare_with_torch(lambda x: lp_pool(x, 2, 2), lambda t: F.lp_pool2d(t, 2, 2), draw((1, 2, 6, 6)))
    x = -np.abs(draw((1, 2, 6, 6)))
    assert np.isnan(lp_pool(x, 3, 2)[0]).all()
    assert torch.isnan(F.lp_pool2d(torch.from_numpy(x), 3, 2)).all()


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp_pool_gives_no_gradient_to_a_window_of_zeros(p):
    compare_with_torch(lambda x: lp_pool(x, p, 2), lambda t: F.lp_pool2d(t, p, 2), np.zeros((1, 2, 4, 4)))


@pytest.mark.parametrize("rank", [1, 3])
def test_lp_pool_takes_any_rank(rank):
    reference = {1: F.lp_pool1d, 3: F.lp_pool3d}[rank]
    compare_with_torch(lambda x: lp_pool(x, 2, 2), lambda t: reference(t, 2, 2), draw(SHAPES[rank]))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("sized", [False, True])
def test_max_unpool_equals_torch(rank, sized):
    x = draw(SHAPES[rank])
    (y, indices), _ = max_pool(x, 2, return_indices=True)
    size = x.shape[2:] if sized else None
    reference = lambda t, i: TORCH_UNPOOL[rank](t, i, 2, output_size=size)
    if not sized:
        (y, indices), _ = max_pool(np.ascontiguousarray(x[(..., *[slice(0, 6)] * rank)]), 2, return_indices=True)
    compare_with_torch(lambda y, i: max_unpool(y, i, 2, output_size=size), reference, y, indices)


@pytest.mark.parametrize(
    "kernel",
    [
        lambda x: max_pool(x, 3, 2, 1),
        lambda x: max_pool(x, (5, 6)),
        lambda x: avg_pool(x, 3, 2, 1, ceil_mode=True),
        lambda x: adaptive_avg_pool(x, (2, 4)),
        lambda x: adaptive_max_pool(x, (2, 4)),
        lambda x: adaptive_avg_pool(x, 1),
        lambda x: lp_pool(x, 2, 2),
    ],
)
def test_pullbacks_agree_with_differences(kernel):
    gradcheck(kernel, draw((2, 2, 5, 6)))


def test_values_are_fresh_and_the_gradient_does_not_share_memory():
    x = draw((1, 2, 4, 4))
    for kernel in (max_pool, avg_pool):
        for size in (1, 4):
            y, back = kernel(x, size)
            dx = back(y)
            assert not np.shares_memory(y, x)
            assert not np.shares_memory(dx, y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: max_pool(x, 3, padding=2), "max_pool: padding is 2, expected at most half of the kernel"),
        (lambda x: avg_pool(x, 2, padding=2), "avg_pool: padding is 2, expected at most half of the kernel"),
        (lambda x: max_pool(x, 9), "max_pool: input has size 5 .* expected at least 9"),
        (lambda x: max_pool(x, (2, 2, 2)), r"max_pool: kernel_size is \(2, 2, 2\), expected 2 whole numbers"),
        (lambda x: max_pool(x, 2, 0), "max_pool: stride is 0, expected 2 whole numbers of at least 1"),
        (lambda x: max_pool(x[0, 0], 2), r"max_pool: x has shape \(5, 6\), expected \(N, C, …\)"),
        (lambda x: max_pool(x[:, :0], 2), "expected no empty axis but the first"),
        (lambda x: max_pool(x[:, :, :1], (2, 1), 1, (1, 0), (4, 1)), "max_pool: "),
        (lambda x: max_pool(x[:, :, :1], (2, 1), 1, (2, 0), (4, 1)), "no window that holds padding alone"),
        (lambda x: avg_pool(x, 2, divisor_override=0), "avg_pool: divisor_override is 0"),
        (lambda x: adaptive_avg_pool(x, (1, 2, 3)), r"adaptive_avg_pool: output_size is \(1, 2, 3\), expected 2"),
        (lambda x: adaptive_max_pool(x, 0), r"adaptive_max_pool: output_size is .*, expected 2 whole numbers"),
        (lambda x: lp_pool(x, 0, 2), "lp_pool: norm_type is 0"),
        (
            lambda x: max_unpool(x, np.full(x.shape, 999), 2),
            "max_unpool: indices go from 999 to 999, expected 0 to 119",
        ),
        (
            lambda x: max_unpool(x, np.zeros(3, int), 2),
            r"max_unpool: indices has shape \(3,\), expected the shape of x",
        ),
        (
            lambda x: max_unpool(x, np.zeros(x.shape, int), 2, output_size=(20, 12)),
            r"max_unpool: output_size is \(20, 12\), expected less than \(2, 2\) away from \(10, 12\)",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(draw((1, 1, 5, 6)))


@pytest.mark.parametrize(
    "kernel", [max_pool, avg_pool, adaptive_max_pool, adaptive_avg_pool, lambda x, k: lp_pool(x, 2, k)]
)
def test_integers_are_refused(kernel):
    with pytest.raises(TypeError, match="x has dtype int64, expected a floating dtype"):
        kernel(np.ones((1, 1, 4, 4), np.int64), 2)


@pytest.mark.parametrize("n", [5, 8, 11])
@pytest.mark.parametrize("window", [(3, 2, 1, 1), (2, 3, 0, 1), (3, 2, 1, 2), (4, 3, 2, 1), (1, 4, 0, 1)])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_output_size_counts_the_windows_that_torch_makes(n, window, ceil_mode):
    k, s, p, d = window
    assert output_size(n, k, s, p, d, ceil_mode) == F.max_pool1d(torch.zeros(1, 1, n), k, s, p, d, ceil_mode).shape[-1]


def test_output_size_takes_the_padding_of_each_side():
    assert output_size(10, 4, 1, (1, 2)) == 10
    assert output_size(10, 3, 2, (0, 1)) == 5
    with pytest.raises(ValueError, match=r"conv2d: input has size 3 along an axis \(0 \+ 1 padded\)"):
        output_size(3, 5, padding=(0, 1), where="conv2d")
