"""Entries chosen by masks and indices, against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest

from functions.both import INF, NAN, C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "nan_to_num": (lambda T, x: T.nan_to_num(x / 0), ([-1.0, 0.0, 1.0])),
    "nan_to_num values": (lambda T, x: x.nan_to_num(1.0, 2.0, 3.0), ([-INF, NAN, INF, 4.0])),
    "take": (lambda T, x: [T.take(x, T.tensor([0, 5, 5])), x.take(T.tensor([[1], [-1]]))], S),
    "where": (lambda T, c, x, y: [T.where(c, x, y), T.where(c, x, 0.0), T.where(c, 1, y), x.where(c, y)], (S, "b"), S, (3,)),
    "where numbers": (lambda T, c: [T.where(c, 1.0, 0.0), T.where(c, 1, 0), T.where(c, 1, 0.5), T.where(c, True, False)], (S, "b")),
    "where dtypes": (lambda T, c, x, i: [T.where(c, x, i), T.where(c, i, 2.5)], (S, "b"), S, (S, "i")),
    "where alone": (lambda T, c: [*T.where(c), *c.nonzero(as_tuple=True), c.nonzero(), T.argwhere(c)], (S, "b")),
    "where stops nan": (lambda T, x: T.where(x > 0, x.log(), 0.0), ([-1.0, 0.0, 2.0])),
    "masked_fill": (lambda T, x, m: [x.masked_fill(m, -INF).softmax(-1), T.masked_fill(x, m[0], 2)], C, ((3, 4), "b")),
    "masked_fill tensor": (lambda T, x, m, v: x.masked_fill(m, v), S, (S, "b"), ()),
    "gather": (lambda T, x, i: [x.gather(1, i), T.gather(x, -1, i[:1]), x.gather(0, i[:, :2] % 2)], S, ((2, 4), "n")),
    "take_along_dim": (lambda T, x, i: [T.take_along_dim(x, x.argsort(1), 1), x.take_along_dim(i, dim=1)], S, ((1, 2), "n")),
    "scatter": (lambda T, x, y: [x.scatter(1, T.tensor([[2, 0], [1, 2]]), y[:, :2]), x.scatter(1, T.tensor([[0], [1]]), 2.5)], S, S),
    "scatter_add": (lambda T, x, y: [x.scatter_add(0, T.tensor([[0, 0, 1], [0, 1, 1]]), y)], S, S),
    "index_add": (lambda T, x, y: [x.index_add(0, T.tensor([1, 1, 0]), y), T.index_add(x, 0, T.tensor([0, 0, 0]), y, alpha=2)], S, (3, 3)),
    "index_add inside": (lambda T, x, y: x.index_add(1, T.tensor([2, 0]), y), C, (2, 2, 4)),
    "scatter_add inside": (lambda T, x, y: x.scatter_add(1, T.tensor([[[2, 0, 2, 1], [2, 1, 0, 1]]]), y[:1, :2]), C, C),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
