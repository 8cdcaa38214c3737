"""Tensors put together and taken apart, against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest

from functions.both import S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "cat": (lambda T, x, y: [T.cat([x, y]), T.cat((x, x[:, :1]), 1), T.cat([x, y], dim=-2), T.concat([x]), T.cat([x, y], axis=0)], S, (1, 3)),
    "cat an empty row": (lambda T, x: T.cat([T.tensor([]).to(x.dtype), x]), S),
    "cat dtypes": (lambda T, x, y: [T.cat([x, y]), T.stack([x, y])], S, (S, "i")),
    "stack": (lambda T, x, y: [T.stack([x, y]), T.stack((x, y), 1), T.stack([x, y], dim=-1)], S, S),
    "stack numbers": (lambda T, x, y: T.stack([x, y]), (), ()),
    "hstack": (lambda T, x, y: [T.hstack([x, y]), T.vstack((x, y)), T.hstack([x[0], y[0]]), T.vstack([x[0], y])], S, S),
    "atleast": (lambda T, x: [T.atleast_1d(x), T.atleast_2d(x)], ()),
    "split": (lambda T, x: [*x.split(2), *T.split(x, 3, dim=1), *x.split([1, 3], -1), *x.split((0, 4), 2)], (5, 3, 4)),
    "split empty": (lambda T, x: [*x.split(2), *x.chunk(2), *x.chunk(2, 1)], (0, 3)),
    "chunk": (lambda T, x: [*x.chunk(2), *T.chunk(x, 3, dim=-1), *x.chunk(4, 0), *x.chunk(7)], (5, 3, 4)),
    "tensor_split": (lambda T, x: [*x.tensor_split(3), *T.tensor_split(x, (1, 3), dim=2)], (5, 3, 4)),
    "meshgrid": (lambda T, x, y, z: [*T.meshgrid(x, y, indexing="ij"), *T.meshgrid([x, y, z], indexing="xy")], (2,), (3,), (1,)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
