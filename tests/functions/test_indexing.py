"""Reading and writing by index, against torch."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest
import torch

import twice
from functions.both import C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

INDICES = {
    "number": lambda T: 1, "negative": lambda T: -1, "slice": lambda T: slice(1, None), "step": lambda T: slice(None, None, 2),
    "none": lambda T: None, "ellipsis": lambda T: ..., "all": lambda T: (slice(None), 1), "deep": lambda T: (..., 0),
    "number each": lambda T: (1, 2, 3), "new axes": lambda T: (None, 0, None, ..., None), "list": lambda T: [0, 1, 1],
    "empty list": lambda T: [], "bool": lambda T: True, "tensor": lambda T: T.tensor([1, 0, 1, 1]),
    "negative tensor": lambda T: T.tensor([-1, 0]), "two axes": lambda T: T.tensor([[0, 1], [1, 1]]),
    "0-d": lambda T: T.tensor(1), "0-d in tuple": lambda T: (slice(None), T.tensor(2)),
    "pairs": lambda T: (T.tensor([0, 1, 1]), T.tensor([2, 2, 0])), "broadcast": lambda T: (T.tensor([[0], [1]]), T.tensor([2, 0])),
    "apart": lambda T: (T.tensor([0, 1]), slice(None), T.tensor([3, 0])), "number and list": lambda T: (0, slice(None), [0, 1]),
    "number last": lambda T: ([0, 1, 1], slice(None), 2), "list and number": lambda T: (slice(None), [0, 2, 2], 1),
    "list in the middle": lambda T: (slice(None), [2, 0]), "slice and list": lambda T: (slice(0, 1), slice(1, 3), [3, 3]),
    "ellipsis and list": lambda T: (..., [1, 1, 2]), "none and list": lambda T: (None, [0, 1], 0),
    "mask": lambda T: T.tensor([True, False]), "mask of all": lambda T: T.arange(24).reshape(2, 3, 4) % 3 == 0,
    "mask of two": lambda T: T.tensor([[True, False, True], [False, True, False]]),
    "mask and slice": lambda T: (slice(None), T.tensor([True, False, True]), slice(1, 3)),
    "mask and number": lambda T: (T.tensor([True, True]), 1), "number and mask": lambda T: (1, T.tensor([True, False, True])),
    "mask of none": lambda T: T.zeros(2, dtype=T.bool), "true": lambda T: T.tensor(True),
    "mask and list": lambda T: (T.tensor([True, True]), [0, 2]), "range": lambda T: (slice(None), range(2)),
    "two axes inside": lambda T: (slice(None), T.tensor([[0, 1], [-1, 1]])), "list and all": lambda T: ([1, 1, -2], slice(None), slice(None)),
    "every axis": lambda T: (T.tensor([0, -1, 0]), T.tensor([-1, 2, 2]), T.tensor([3, -4, 3])),
    "array": lambda T: np.array([1, 0]), "numpy int": lambda T: np.int64(1),
}  # fmt: skip


@pytest.mark.parametrize("name", INDICES)
def test_indexing_reads(name):
    both(lambda T, x: x[INDICES[name](T)], C)


@pytest.mark.parametrize("name", INDICES)
def test_indexing_writes(name):
    def written(T, x, y):
        z = x * 1
        z[INDICES[name](T)] = 2.5
        w, v = x * 1, x * 2
        w[INDICES[name](T)] = y
        if "duplicates" not in name:
            part = v[INDICES[name](T)]
            v[INDICES[name](T)] = part.detach() * 3
        return [z, w, v]

    if name in ("none", "new axes", "ellipsis", "bool", "true", "mask of none"):
        both(lambda T, x: written(T, x, T.tensor(1.5, dtype=T.float64)), C)
    else:
        both(written, C, ())


def test_indexing_writes_broadcast_and_cast():
    def program(T, x, y, i):
        a, b, c, d = (T.zeros(2, 3, dtype=T.float64) for _ in range(4))
        a[0] = x
        b[:, 1] = y
        c[1] = x.reshape(1, 3)
        d[:, :] = i
        return [a, b, c, d]

    both(program, (3,), (), ((3,), "i"))


def test_an_entry_of_a_row_is_a_view():
    for T in (twice, torch):
        x = T.zeros(3)
        x[1].add_(2)
        x[T.tensor(2)].mul_(0).add_(1)
        x[0] += 5
        next(iter(x.unbind())).add_(1)
        assert x.tolist() == [6, 2, 1]


CALLS = {
    "index_fill": (lambda T, x: x.index_fill(1, T.tensor([0, 2]), 3.0), S),
    "unbind": (lambda T, x: [*x.unbind(), *T.unbind(x, 1), *x.unbind(-1), *list(x)], C),
    "unbind a row": (lambda T, x: [*x.unbind(), *list(x)], (3,)),
    "masked_select": (lambda T, x, m: [T.masked_select(x, m), x.masked_select(m[0])], S, (S, "b")),
    "index_select": (lambda T, x: [x.index_select(1, T.tensor([2, 0, 2])), T.index_select(x, -1, T.tensor([1]))], C),
    "select narrow": (lambda T, x: [x.select(1, -1), T.select(x, 0, 1), x.narrow(2, 1, 2), T.narrow(x, 1, -2, 1)], C),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
