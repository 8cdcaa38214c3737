"""Bad input gets a sentence, and every name is torch's."""

# ruff: noqa: E501  a row of a table is a line

from types import ModuleType

import pytest
import torch

import twice

X = twice.ones(2, 3)
BAD = {
    "view": (lambda: X.t().view(6), RuntimeError, "cannot be seen as"),
    "reshape": (lambda: X.reshape(4), ValueError, r"shape \(2, 3\) \(6 entries\) does not fit \(4,\)"),
    "dim": (lambda: X.sum(2), IndexError, "dim is 2, expected a value from -2 to 1"),
    "unsqueeze": (lambda: X.unsqueeze(3), IndexError, "dim is 3"),
    "squeeze": (lambda: X.squeeze(5), IndexError, "dim is 5"),
    "permute": (lambda: X.permute(0), ValueError, "expected each of the 2 axes once"),
    "permute twice": (lambda: X.permute(0, 0), ValueError, "expected each of the 2 axes once"),
    "transpose": (lambda: X.transpose(0, 2), IndexError, "dim is 2"),
    "flatten": (lambda: X.flatten(1, 0), ValueError, "expected them in order"),
    "repeat": (lambda: X.repeat(2), ValueError, "expected one for each axis"),
    "expand": (lambda: twice.ones(3).expand(-1, 3), ValueError, r"shape \(3,\) does not fit \(-1, 3\)"),
    "narrow": (lambda: X.narrow(1, 2, 4), ValueError, "expected a stretch of the 3 entries"),
    "tril": (lambda: twice.ones(3).tril(), ValueError, "expected at least 2 axes"),
    "gather": (lambda: X.gather(1, twice.tensor([[3], [0]])), IndexError, "gather: index has the entry 3, expected 0 to 2"),
    "gather negative": (lambda: X.gather(1, twice.tensor([[-1], [0]])), IndexError, "index has the entry -1"),
    "gather shape": (lambda: X.gather(1, twice.tensor([[0], [0], [0]])), ValueError, r"index has shape \(3, 1\)"),
    "index_select": (lambda: X.index_select(0, twice.tensor([2])), IndexError, "index_select: index has the entry 2"),
    "index type": (lambda: X.gather(1, X), TypeError, "index has dtype float32"),
    "index_add shape": (lambda: X.index_add(0, twice.tensor([0]), twice.ones(2, 3)), ValueError, r"source has shape \(2, 3\), expected \(1, 3\)"),
    "step": (lambda: X[::-1], ValueError, "use flip"),
    "uint8 mask": (lambda: X[twice.ones(2, dtype=twice.uint8)], NotImplementedError, "uint8"),
    "mask": (lambda: X.masked_fill(X, 0), TypeError, "mask has dtype float32, expected bool"),
    "where": (lambda: twice.where(X, 1.0, 0.0), TypeError, "condition has dtype float32, expected bool"),
    "clamp": (lambda: X.clamp(), ValueError, "expected at least one"),
    "mean": (lambda: twice.tensor([1, 2]).mean(), TypeError, "dtype int64"),
    "norm": (lambda: twice.tensor([1, 2]).norm(), TypeError, "dtype int64"),
    "whole powers": (lambda: twice.tensor([1, 2]) ** -1, TypeError, "dtype int64"),
    "matmul": (lambda: X @ X, ValueError, "expected the last axis of x to match"),
    "matmul dtypes": (lambda: X @ X.t().double(), TypeError, "expected one dtype"),
    "mm": (lambda: X.mm(twice.ones(3)), ValueError, "expected 2 and 2 axes"),
    "cat": (lambda: twice.cat([X, X[:, :2]]), ValueError, "differ"),
    "stack": (lambda: twice.stack([X, X[:1]]), ValueError, "differ"),
    "split": (lambda: X.split([1, 1], 1), ValueError, "sum to 2, expected 3"),
    "item": (lambda: X.item(), ValueError, "expected one entry"),
    "bool": (lambda: bool(X), ValueError, r"use any\(\) or all\(\)"),
    "len": (lambda: len(twice.tensor(1)), TypeError, "no axes"),
    "iter": (lambda: list(twice.tensor(1)), TypeError, "no axes"),
    "topk": (lambda: X.topk(4), ValueError, "k is 4, expected at most 3"),
    "einsum": (lambda: twice.einsum("ij,jk->ik", X), ValueError, "names 2 operands, 1 came"),
    "einsum rank": (lambda: twice.einsum("ijk->i", X), ValueError, "does not fit the shapes"),
    "einsum diagonal": (lambda: twice.einsum("ii->i", twice.eye(2)), NotImplementedError, "diagonal"),
    "nuclear": (lambda: X.norm("nuc"), NotImplementedError, "nuc"),
    "spectral": (lambda: twice.linalg.norm(X, 2), NotImplementedError, "of a matrix"),
    "strings": (lambda: twice.tensor(["a"]), TypeError, "expected numbers"),
    "grad of whole": (lambda: twice.tensor([1], requires_grad=True), TypeError, "expected a floating dtype"),
    "cumprod": (lambda: twice.zeros(2, requires_grad=True).cumprod(0).sum().backward(), NotImplementedError, "entry 0"),
    "subtract bools": (lambda: (X > 0) - (X > 0), TypeError, "sub: an operand is bool"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call()


def test_every_function_is_torchs():
    assert [name for name in twice.functions.__all__ if not hasattr(torch, name)] == []
    methods = [n for n in vars(twice.Tensor) if not n.startswith("_")]
    assert [n for n in methods if not hasattr(torch.Tensor, n)] == ["array"]


def test_no_function_is_forgotten():
    rooms = [room for room in vars(twice.functions).values() if isinstance(room, ModuleType)]
    assert len(rooms) > 10
    found = {name for room in rooms for name, thing in vars(room).items() if is_offered(name, thing)}
    assert found == set(twice.functions.__all__)


def is_offered(name, thing):
    ours = callable(thing) and not isinstance(thing, type) and thing.__module__ != "twice.creation"
    return ours and not name.startswith("_") and callable(getattr(torch, name, None))
