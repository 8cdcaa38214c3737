"""Every elementary kernel against differences, in float64; against torch what it does is seen in test_functions."""

# ruff: noqa: E501  a row of a table is a line

from inspect import isfunction

import numpy as np
import pytest

from twice.kernels import elementary as E
from twice.kernels.gradcheck import gradcheck


def draw(*shape, seed=0):
    """No two entries equal or near, none near 0 or a whole number: no kernel has a kink within a step."""
    n = int(np.prod(shape))
    steps = np.random.default_rng(seed).permutation(n) - n // 2
    return (steps * 0.27 + 0.13 + 0.05 * seed).reshape(shape)


def positive(*shape, seed=0):
    return np.abs(draw(*shape, seed=seed)) + 0.2


def small(*shape, seed=0):
    return np.tanh(draw(*shape, seed=seed)) * 0.9


S = (2, 3)
INDEX = np.array([[0, 2], [1, 1]])
ONE = {
    "negative": draw, "exp": draw, "expm1": draw, "log": positive, "log2": positive, "log10": positive, "log1p": positive,
    "sqrt": positive, "rsqrt": positive, "reciprocal": positive, "absolute": draw, "sin": draw, "cos": draw, "tan": small,
    "arcsin": small, "arccos": small, "arctan": draw, "sinh": draw, "cosh": draw, "erf": draw, "clone": draw,
    "floor": draw, "ceil": draw, "trunc": draw, "sign": draw, "round": draw,
}  # fmt: skip
TWO = {
    "add": draw, "sub": draw, "mul": draw, "div": positive, "power": positive, "maximum": draw, "minimum": draw,
    "remainder": positive, "fmod": positive, "arctan2": draw,
}  # fmt: skip
CALLS = {
    "add": lambda: gradcheck(E.add, draw(*S), draw(*S, seed=1), alpha=2),
    "sub": lambda: gradcheck(E.sub, draw(*S), draw(*S, seed=1), alpha=2),
    "power": lambda: [gradcheck(E.power, draw(*S), n) for n in (0, 1, 2, 3, 4, 5, -1, -2)] + [gradcheck(E.power, positive(*S), n) for n in (0.5, 1.5)],
    "divide_floor": lambda: gradcheck(E.divide_floor, draw(*S), positive(*S, seed=3) * 10),
    "divide_trunc": lambda: gradcheck(E.divide_trunc, draw(*S), positive(*S, seed=3) * 10),
    "where": lambda: gradcheck(lambda x, y: swap(E.where, draw(*S) > 0, x, y), draw(*S, seed=1), draw(*S, seed=2)),
    "masked_fill": lambda: gradcheck(E.masked_fill, draw(*S), draw(*S, seed=1) > 0, 2.0),
    "clamp": lambda: [gradcheck(E.clamp, draw(*S), low=-0.3, high=0.3), gradcheck(E.clamp, draw(*S), low=0.0), gradcheck(E.clamp, draw(*S), high=0.0)],
    "sum": lambda: [gradcheck(E.sum, draw(2, 3, 4), dim=d, keepdim=k) for d in (None, 1, (0, -1), ()) for k in (False, True)],
    "mean": lambda: [gradcheck(E.mean, draw(2, 3, 4), dim=d, keepdim=k) for d in (None, 1, (0, -1)) for k in (False, True)],
    "var": lambda: [gradcheck(E.var, draw(2, 3, 4), dim=d, correction=c) for d in (None, 1, (0, -1)) for c in (0, 1)],
    "std": lambda: [gradcheck(E.std, draw(2, 3, 4), dim=d, correction=c, keepdim=True) for d in (None, 1, (0, -1)) for c in (0, 1)],
    "norm": lambda: [gradcheck(E.norm, draw(2, 3, 4), p=p, dim=d) for d in (None, 1, (0, -1)) for p in (1, 2, 3, 1.5, 0.5, np.inf, -np.inf, 0)],
    "amax": lambda: [gradcheck(E.amax, draw(2, 3, 4), dim=d) for d in (None, 1, (0, 2))],
    "amin": lambda: [gradcheck(E.amin, draw(2, 3, 4), dim=d, keepdim=True) for d in (None, 1, (0, 2))],
    "maximum_along": lambda: [gradcheck(E.maximum_along, draw(2, 3, 4), dim=d) for d in (0, 1, -1)],
    "minimum_along": lambda: [gradcheck(E.minimum_along, draw(2, 3, 4), dim=d, keepdim=True) for d in (0, 1, -1)],
    "median": lambda: [gradcheck(E.median, draw(2, 3, 4), dim=d) for d in (0, 1, -1)],
    "prod": lambda: [gradcheck(E.prod, draw(2, 3, 2), dim=d) for d in (None, 1, (0, 2))] + [gradcheck(E.prod, np.array([[0.0, 2], [3, 0]]), dim=1)],
    "logsumexp": lambda: [gradcheck(E.logsumexp, draw(2, 3, 4), dim=d) for d in (1, (0, 2))],
    "cumsum": lambda: [gradcheck(E.cumsum, draw(2, 3, 4), dim=d) for d in (0, 1, -1)],
    "cumprod": lambda: [gradcheck(E.cumprod, small(2, 3, 4), dim=d) for d in (0, 1, -1)],
    "matmul": lambda: [gradcheck(E.matmul, draw(*a), draw(*b, seed=1)) for a, b in (((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (2, 3, 1)))],
    "einsum": lambda: [gradcheck(E.einsum, draw(*S), draw(3, 2, seed=1), equation=e) for e in ("ij,jk->ik", "ij,jk->", "ij,kl->jl", "ij,ji->i")],
    "reshape": lambda: gradcheck(E.reshape, draw(*S), shape=(3, -1)),
    "permute": lambda: gradcheck(E.permute, draw(2, 3, 4), dims=(2, 0, -2)),
    "repeat": lambda: gradcheck(E.repeat, draw(*S), counts=(2, 1, 3)),
    "flip": lambda: gradcheck(E.flip, draw(*S), dims=(0, -1)),
    "roll": lambda: [gradcheck(E.roll, draw(*S), shifts=2), gradcheck(E.roll, draw(*S), shifts=(1, -1), dims=(0, 1))],
    "triangle": lambda: [gradcheck(E.triangle, draw(3, 3), diagonal=d, lower=low) for d in (-1, 0, 1) for low in (True, False)],
    "diagonal": lambda: [gradcheck(E.diagonal, draw(2, 3, 4), offset=o, dim1=a, dim2=b) for o in (-1, 0, 2) for a, b in ((1, 2), (0, -1))],
    "diagonal_embed": lambda: [gradcheck(E.diagonal_embed, draw(*S), offset=o) for o in (-1, 0, 2)],
    "getitem": lambda: [gradcheck(E.getitem, draw(2, 3, 4), index=i) for i in (1, (slice(None), 2), INDEX % 2, (..., INDEX), (0, slice(None), INDEX), draw(2, 3, 4) > 0, None)],
    "setitem": lambda: [gradcheck(E.setitem, draw(2, 3), draw(*s, seed=1), index=i) for i, s in ((0, (3,)), ((slice(None), 1), (2,)), ((0, slice(1, 3)), (1, 2)), ((slice(None), np.array([2, 0])), (2, 2)))],
    "gather": lambda: gradcheck(E.gather, draw(*S), INDEX, dim=1),
    "scatter": lambda: [gradcheck(E.scatter, draw(*S), np.array([[0, 2], [1, 0]]), draw(2, 2, seed=1), dim=1, add=a) for a in (False, True)],
    "index_add": lambda: [gradcheck(E.index_add, draw(*S), np.array([0, 0, 1]), draw(3, 3, seed=1), dim=0, alpha=a) for a in (1, 2)],
    "concatenate": lambda: gradcheck(E.concatenate, draw(*S), draw(2, 1, seed=1), draw(2, 2, seed=2), dim=-1),
    "stack": lambda: [gradcheck(E.stack, draw(*S), draw(*S, seed=1), dim=d) for d in (0, 1, -1)],
    "split": lambda: gradcheck(E.split, draw(4, 3), sizes=(1, 3), dim=0),
    "unbind": lambda: [gradcheck(E.unbind, draw(*S), dim=d) for d in (0, -1)],
    "slices": lambda: np.testing.assert_array_equal(E.slices(draw(*S), 1)[2], draw(*S)[:, 2]),
    "sort": lambda: [gradcheck(E.sort, draw(*S), dim=d, descending=r) for d in (0, -1) for r in (True, False)],
    "topk": lambda: [gradcheck(E.topk, draw(*S), k=2, dim=d, largest=r) for d in (0, -1) for r in (True, False)],
}  # fmt: skip
EXACT = ["cast", "expand", "only", "aim", "axes_of", "axis_of", "require_indices"]  # tested below, each by its own test


def swap(kernel, condition, x, y):
    value, back = kernel(condition, x, y)
    return value, lambda dz: back(dz)[1:]


@pytest.mark.parametrize("name", ONE)
def test_kernels_of_one_array_agree_with_differences(name):
    gradcheck(getattr(E, name), ONE[name](3, 4))


@pytest.mark.parametrize("name", TWO)
def test_kernels_of_two_arrays_agree_with_differences(name):
    gradcheck(getattr(E, name), TWO[name](3, 4), TWO[name](3, 4, seed=1))


@pytest.mark.parametrize("name", CALLS)
def test_kernels_with_options_agree_with_differences(name):
    with np.errstate(invalid="ignore", divide="ignore"):  # power also answers for its exponent: ln of what is negative
        CALLS[name]()


def test_no_kernel_is_forgotten():
    kernels = [
        n for n, f in vars(E).items() if isfunction(f) and f.__module__.startswith(E.__name__) and not n.startswith("_")
    ]
    assert sorted(kernels) == sorted({*ONE, *TWO, *CALLS, *EXACT})


def test_cast_brings_the_gradient_back_in_the_old_dtype():
    y, back = E.cast(np.ones(3, np.float32), np.dtype("float64"))
    assert y.dtype == np.float64
    assert back(np.ones(3)).dtype == np.float32


def test_expand_copies_nothing_and_leaves_the_sum_to_whoever_called():
    x = draw(1, 3)
    y, back = E.expand(x, (2, -1))
    assert np.shares_memory(x, y)
    assert y.shape == (2, 3)
    dy = draw(2, 3)
    assert back(dy) is dy


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_only_keeps_bits_and_stops_nan(dtype):
    dy = np.array([1.5, np.nan, -np.inf, -2], dtype)
    np.testing.assert_array_equal(E.only(dy, np.array([True, False, False, True])), np.array([1.5, 0, 0, -2], dtype))
    assert np.isnan(E.only(dy, np.array([True] * 4))[1])
    assert E.only(dy[0], np.array([[True], [False]])).tolist() == [[1.5], [0]]
    assert E.only(np.broadcast_to(dy[:1], (2, 3)), np.array([True, False, True])).tolist() == [[1.5, 0, 1.5]] * 2


def test_numbers_in_an_index_come_before_arrays_as_in_torch():
    x = draw(2, 3, 4)
    view, rest = E.aim(x, (0, slice(None), np.array([0, 1])))
    assert view[rest].shape == (3, 2)
    np.testing.assert_array_equal(view[rest], x[0][:, [0, 1]])
    assert np.shares_memory(E.aim(x, (0, 1, 2))[0], x)


def test_axes_count_from_the_front():
    x = draw(2, 3, 4)
    assert E.axes_of(x, None) == E.axes_of(x, ()) == (0, 1, 2)
    assert E.axes_of(x, -1) == (2,)
    assert E.axes_of(x, [0, -1]) == (0, 2)
    assert E.axis_of(x, -3) == 0
    with pytest.raises(IndexError, match=r"dim is 3, expected a value from -3 to 2 for shape \(2, 3, 4\)"):
        E.axis_of(x, 3)


def test_indices_must_lie_within():
    E.require_indices("i", np.array([0, 4]), 5)
    E.require_indices("i", np.zeros(0, int), 0)
    with pytest.raises(IndexError, match="i has the entry 5, expected 0 to 4"):
        E.require_indices("i", np.array([0, 5]), 5)
    with pytest.raises(TypeError, match="i has dtype float64, expected int64"):
        E.require_indices("i", np.array([0.0]), 5)


@pytest.mark.parametrize("name", [*ONE, "mean", "var", "std", "norm", "logsumexp", "cumsum", "cumprod", "prod"])
def test_float32_stays_float32(name):
    make = ONE.get(name, small)
    options = {"dim": 0} if name not in ONE else {}
    x = make(3, 4).astype(np.float32)
    y, back = getattr(E, name)(x, **options)
    assert y.dtype == np.float32
    assert back(np.ones_like(y)).dtype == np.float32


@pytest.mark.parametrize("name", ["add", "mul", "div", "power", "maximum", "minimum", "remainder", "fmod", "arctan2"])
def test_float32_pairs_and_numbers_stay_float32(name):
    x, y = (positive(3, 4, seed=s).astype(np.float32) for s in (0, 1))
    for a, b in ((x, y), (x, 2.5), (2.5, x)) if name != "arctan2" else ((x, y),):
        z, back = getattr(E, name)(a, b)
        assert z.dtype == np.float32
        needs = [isinstance(v, np.ndarray) for v in (a, b)]
        gradients = [g for g in back.keep(needs)(np.ones_like(z)) if g is not None]
        if name not in ("maximum", "minimum") or len(gradients) == 2:
            assert [g.dtype for g in gradients] == [np.float32] * len(gradients)


def test_setitem_writes_into_out_and_else_leaves_its_input():
    x = draw(*S)
    before = x.copy()
    z, _ = E.setitem(x, 5.0, 0)
    np.testing.assert_array_equal(x, before)
    assert z[0].tolist() == [5, 5, 5]
    assert E.setitem(x, 5.0, 0, out=x)[0] is x
    assert x[0].tolist() == [5, 5, 5]
