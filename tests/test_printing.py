"""Tensors are written as torch writes them."""

# ruff: noqa: E501  a row of a table is a line

import numpy as np
import pytest
import torch

import twice
from functions.both import INF, NAN

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

ROWS = [
    1, -2.5, True, [], [1, 2, 30], [-1, 200], [1.0, 2.0], [1.5, -2.25], [0.0], [-0.0, 1.0], [1e-5, 1.0], [1e9, 1.0], [1.0, 2000.0],
    [1e8, 1e6], [NAN, 1.0], [INF, -INF, 2.5], [NAN], [INF], [1e-3, 0.5], [1.0, NAN, 1e6], [123456.0, 1.5], [True, False], [[1, 2], [3, 40]],
    [[1.0, -2.0], [3.5, 40.0]], [[[1, 2]], [[3, 4]]], [[True, False]], [[], []], 1e-10, 123456789.0, 100000000.0, [0.1] * 30, list(range(40)),
    [[1.0] * 20] * 2, [[0.123] * 12] * 3, [1e-3, 1e-7], [3.14159e15, 2.0], [0.99999], [999.99999, 1.0], [0.0001], [0.00009],
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda r: str(r)[:30])
def test_tensors_print_as_in_torch(row):
    for change in (lambda x: x, lambda x: x.double(), lambda x: x.to(x.dtype), lambda x: x.half().int()):
        if (
            isinstance(row, list)
            and any(abs(v) > 60000 or v != v for v in np.ravel(row).tolist())
            and change(twice.ones(1)).dtype == "int32"
        ):
            continue
        printed(change(twice.tensor(row)), change(torch.tensor(row)))


def printed(ours, theirs):
    assert repr(ours) == repr(theirs).replace("torch.", "").replace("Size([", "size=(").replace("size=size", "size")
    assert str(ours) == repr(ours)


@pytest.mark.parametrize(
    "shape",
    [
        (1001,),
        (2000,),
        (40, 40),
        (3, 400),
        (7, 7, 40),
        (2, 600),
        (1000,),
        (20, 50),
        (1, 1, 1),
        (0, 3),
        (2, 0),
        (5, 2, 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e5])
def test_long_tensors_are_summarised_as_in_torch(shape, scale):
    x = np.random.default_rng(0).standard_normal(shape) * scale
    printed(twice.tensor(x.astype("f")), torch.tensor(x.astype("f")))
    printed(twice.tensor(x), torch.tensor(x))
    printed(twice.tensor((x * 10).astype(int)), torch.tensor((x * 10).astype(int)))
    printed(twice.tensor(x > 0), torch.tensor(x > 0))


def test_printing_names_the_tape():
    assert repr(twice.ones(2, requires_grad=True)) == repr(torch.ones(2, requires_grad=True))
    assert repr(twice.ones(2, requires_grad=True) + 1) == "tensor([2., 2.], grad_fn=<add>)"


def test_print_options_are_torchs():
    x = np.random.default_rng(0).standard_normal((3, 30)) * [[1e4]]
    for options in (
        {"precision": 2},
        {"sci_mode": False},
        {"linewidth": 120, "sci_mode": True},
        {"threshold": 10, "edgeitems": 2},
    ):
        try:
            for T in (twice, torch):
                T.set_printoptions(**options)
            printed(twice.tensor(x), torch.tensor(x))
        finally:
            for T in (twice, torch):
                T.set_printoptions(precision=4, threshold=1000, edgeitems=3, linewidth=80)
