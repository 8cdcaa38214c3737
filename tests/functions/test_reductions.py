"""Sums, averages, products and norms against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.both import INF, NAN, C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "diff": (lambda T, x: [x.diff(), T.diff(x, dim=0), x.diff(n=2)], S),
    "sum": (lambda T, x: [x.sum(), x.sum(0), T.sum(x, -1), x.sum((0, 2)), x.sum(dim=(1,), keepdim=True), x.sum(())], C),
    "sum axis": (lambda T, x: [x.sum(axis=1), T.sum(x, axis=(0, 1), keepdims=True)], C),
    "sum dtype": (lambda T, x: x.sum(dtype=T.float32), C),
    "sum whole": (lambda T, x: [x.sum(), x.sum(0), x.to(T.uint8).sum(), x.bool().sum(1), x.int().sum()], (S, "i")),
    "sum 0-d": (lambda T, x: [x.sum(), x.sum(0), x.sum(-1, keepdim=True), x.mean(), x.mean(0)], ()),
    "sum empty": (lambda T, x: [x.sum(), x.sum(0), x.sum(1), x.mean(), x.mean(1)], (0, 3)),
    "mean": (lambda T, x: [x.mean(), x.mean(1), T.mean(x, (0, 2), keepdim=True), x.mean(-1), x.mean([0, 1])], C),
    "mean dtype": (lambda T, x: x.mean(dtype=T.float64), (S, "i")),
    "var": (lambda T, x: [x.var(), x.var(0), x.var((0, 2)), x.var(1, keepdim=True), x.var(-1, correction=0)], C),
    "var unbiased": (lambda T, x: [x.var(unbiased=False), x.var(0, False), T.var(x, 1, unbiased=True), x.var(False)], C),
    "var correction": (lambda T, x: T.var(x, dim=1, correction=2), C),
    "var of one": (lambda T, x: [x.var(), x.std(), x.var(correction=0), x.std(correction=0)], (1,)),
    "var 0-d": (lambda T, x: [x.var(), x.std(correction=0)], ()),
    "var empty": (lambda T, x: [x.var(), x.std()], (0,)),
    "std": (lambda T, x: [x.std(), x.std(0), x.std((0, 2)), T.std(x, 1, keepdim=True), x.std(-1, correction=0)], C),
    "std of equals": (lambda T, x: (x * 0).std(1), S),
    "var_mean": (lambda T, x: [*T.var_mean(x, 1), *T.std_mean(x, (0, 1), keepdim=True, correction=0)], C),
    "prod": (lambda T, x: [x.prod(), x.prod(1), T.prod(x, -1, keepdim=True)], C),
    "prod zero": (lambda T, x: [x.prod(), x.prod(0)], [[0.0, 2.0], [3.0, 0.0]]),
    "prod whole": (lambda T, x: [x.prod(), x.bool().prod(), x.to(T.uint8).prod(0)], (S, "n")),
    "logsumexp": (lambda T, x: [x.logsumexp(1), T.logsumexp(x, (0, 2)), x.logsumexp(-1, keepdim=True)], C),
    "logsumexp infinite": (lambda T, x: [x.logsumexp(0), x.logsumexp(1)], [[-INF, 1.0], [-INF, -INF]]),
    "logsumexp +infinite": (lambda T, x: x.logsumexp(0), ([INF, 1.0])),
    "logsumexp large": (lambda T, x: (x * 1000).logsumexp(0), (5,)),
    "logsumexp 0-d": (lambda T, x: x.logsumexp(0), ()),
    "cumsum": (lambda T, x: [x.cumsum(0), T.cumsum(x, -1), x.cumsum(axis=1)], C),
    "cumsum whole": (lambda T, x: [x.cumsum(0), x.bool().cumsum(1), x.to(T.uint8).cumsum(0)], (S, "n")),
    "cumsum 0-d": (lambda T, x: [x.cumsum(0), x.cumprod(0)], ()),
    "cumprod": (lambda T, x: [x.cumprod(0), T.cumprod(x, -1)], C),
    "norm": (lambda T, x: [x.norm(), T.norm(x, 2, 1), x.norm(1), x.norm(3, 0), x.norm(INF, 1), x.norm(p="fro", dim=-1)], S),
    "norm more": (lambda T, x: [x.norm(-INF, 0), x.norm(0, 1), x.norm(0.5), x.norm(dim=(0, 1), keepdim=True)], S),
    "norm at 0": (lambda T, x: [(x * 0).norm(), (x * 0).norm(1), (x * 0).norm(3, 1)], S),
    "norm with a 0": (lambda T, x: [x.norm(), x.norm(1), x.norm(3), x.norm(1.5)], [0.0, 1.0, -2.0]),
    "linalg norm": (lambda T, x: [T.linalg.norm(x), T.linalg.norm(x, dim=1), T.linalg.norm(x, "fro"), T.linalg.norm(x, 1, dim=0)], S),
    "linalg vector_norm": (lambda T, x: [T.linalg.vector_norm(x), T.linalg.vector_norm(x, 1, dim=1, keepdim=True)], S),
    "dist": (lambda T, x, y: [T.dist(x, y), x.dist(y, 1)], S, S),
    "cdist": (lambda T, x, y: [T.cdist(x, y), T.cdist(x, y, p=1.0)], (2, 3), (4, 3)),
    "all any": (lambda T, x: [x.all(), x.any(1), T.all(x, 0, keepdim=True), (x > 0).any(), x.any(())], (S, "n")),
    "all empty": (lambda T, x: [x.all(), x.any(), x.all(0), x.any(0)], (0, 3)),
    "nansum": (lambda T, x: [T.nansum(x), x.nanmean(), x.nansum(0), T.nanmean(x, 1)], [[1.0, NAN], [2.0, 3.0]]),
    "count_nonzero": (lambda T, x: [x.count_nonzero(), T.count_nonzero(x, 1)], (S, "n")),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=4), st.data())
def test_reductions_over_any_axes(shape, data):
    axes = data.draw(st.lists(st.integers(0, max(len(shape) - 1, 0)), unique=True, max_size=len(shape)))
    axes = tuple(a - len(shape) if data.draw(st.booleans()) else a for a in axes)
    keep = data.draw(st.booleans())
    both(lambda T, x: [x.sum(axes, keep), x.mean(axes, keepdim=keep), x.logsumexp(axes or 0, keep)], tuple(shape))
