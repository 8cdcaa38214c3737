"""The dtypes of results against torch: casts, and operands that differ."""

# ruff: noqa: E501, B023  a row of a table is a line; what a loop defines is called at once

import numpy as np
import pytest
import torch

import twice
from functions.both import OPERATORS, S, both
from support import assert_close

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
NUMBERS = [2, 2.5, True]


def made(T, dtype, shape, seed=0):
    values = np.random.default_rng(seed).integers(1, 4, shape)
    return T.tensor(values if dtype != "bool" else values > 1).to(getattr(T, dtype))


def answer(call):
    try:
        return call()
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return None


@pytest.mark.parametrize("symbol", OPERATORS)
@pytest.mark.parametrize("left", DTYPES)
def test_dtypes_meet_as_in_torch(symbol, left):
    f = OPERATORS[symbol]
    for shape in [(), (2,)]:
        for right in DTYPES:
            for other in [(), (2,)]:
                pair = lambda T: f(made(T, left, shape), made(T, right, other, 1))
                same(answer(lambda: pair(twice)), answer(lambda: pair(torch)), f"{left}{shape} {symbol} {right}{other}")
        for number in NUMBERS[: 2 if (left, symbol) == ("bool", "**") else 3]:  # torch lets True ** True pass
            for call in (lambda T: f(made(T, left, shape), number), lambda T: f(number, made(T, left, shape))):
                same(answer(lambda: call(twice)), answer(lambda: call(torch)), f"{left}{shape} {symbol} {number}")


def same(ours, theirs, what):
    assert (ours is None) == (theirs is None), f"{what}: {ours} and {theirs}"
    if theirs is not None:
        assert_close(ours.numpy(), theirs, 1e-6, what)


def test_numpy_scalars_are_numbers_and_arrays_are_tensors():
    x = twice.ones(2)
    for scalar in (np.float64(2), np.float32(2), np.int64(2)):
        assert (x * scalar).dtype == twice.float32
        assert isinstance(scalar * x, twice.Tensor)
        assert (twice.tensor(1.0) * scalar).dtype == twice.float32
    assert (x * np.ones(2)).dtype == twice.float64
    assert isinstance(np.ones(2) * x, twice.Tensor)
    assert isinstance(np.eye(2, dtype=np.float32) @ x, twice.Tensor)
    np.testing.assert_array_equal(np.asarray(x), [1, 1])
    np.testing.assert_allclose(np.exp(x), np.exp([1, 1]), rtol=1e-6)
    with pytest.raises(RuntimeError, match="detach"):
        np.asarray(x.requires_grad_())


CALLS = {
    "to": (lambda T, x: [x.to(T.float32), x.to("cpu"), x.to("cpu", T.float64), x.to(x), x.to(dtype=T.int64)], S),
    "casts": (lambda T, x: [x.float(), x.double(), x.half().float(), x.long(), x.int(), x.bool(), x.type(T.float32)], S),
    "type_as": (lambda T, x, i: [x.type_as(i), i.type_as(x)], S, (S, "i")),
    "float then back": (lambda T, x: x.float().double() * 2, S),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
