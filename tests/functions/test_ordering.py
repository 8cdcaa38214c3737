"""The largest, the smallest and the order of entries against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest

from functions.both import NAN, C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

CALLS = {
    "amax": (lambda T, x: [x.amax(), x.amax(1), T.amax(x, (0, 2)), x.amin(-1, keepdim=True)], C),
    "amax ties": (lambda T, x: [x.amax((0, 1)), x.amin(2), x.max(), x.min()], (C, "w")),
    "max along": (lambda T, x: [*x.max(1), *T.max(x, -1, keepdim=True), *x.min(0), x.max(2)[0], x.min(dim=1).indices], C),
    "max ties": (lambda T, x: [*x.max(1), *x.min(2)], (C, "w")),
    "max 0-d": (lambda T, x: [x.max(), *x.max(0), *x.min(-1)], ()),
    "max of two": (lambda T, x, y: [T.max(x, y), x.min(y)], S, (3,)),
    "max nan": (lambda T, x: [x.max(), *x.max(0), x.argmax()], ([1.0, NAN, 3.0])),
    "argmax": (lambda T, x: [x.argmax(), x.argmax(1), T.argmin(x, -1, keepdim=True), x.argmin(), x.argmax(axis=0)], C),
    "argmax 0-d": (lambda T, x: [x.argmax(), x.argmax(0)], ()),
    "median": (lambda T, x: [x.median(), *x.median(1), *T.median(x, -1, keepdim=True)], C),
    "median even": (lambda T, x: [x.median(), *x.median(0)], (4,)),
    "sort": (lambda T, x: [*x.sort(), *T.sort(x, 0, descending=True), x.sort(dim=1).values, x.sort(descending=True)[0]], C),
    "sort stable": (lambda T, x: [*x.sort(stable=True), *T.sort(x, dim=0, descending=True, stable=True)], (C, "n")),
    "sort nan": (lambda T, x: [x.sort()[0], x.sort(descending=True)[0]], ([1.0, NAN, -1.0])),
    "sort 0-d": (lambda T, x: [*x.sort(), *x.topk(1)], ()),
    "argsort": (lambda T, x: [x.argsort(), T.argsort(x, 0), x.argsort(dim=1, descending=True)], C),
    "topk": (lambda T, x: [*x.topk(2), *T.topk(x, 1, dim=0), *x.topk(2, 1, largest=False), x.topk(3).indices], C),
    "unique": (lambda T, x: [T.unique(x), *T.unique(x, return_inverse=True, return_counts=True), x.unique()], (C, "i")),
    "bincount": (lambda T, i: [T.bincount(i), i.bincount(minlength=5)], ((7,), "n")),
    "bincount weights": (lambda T, i: T.bincount(i, weights=T.ones(7, dtype=T.float64)), ((7,), "n")),
    "searchsorted": (lambda T, x: [T.searchsorted(T.arange(3.0).to(x.dtype), x), T.bucketize(x, T.tensor([-1.0, 1.0]).to(x.dtype), right=True)], C),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
