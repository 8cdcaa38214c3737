"""One program on either engine: the values agree, and every gradient of a random combination."""

import math

import numpy as np
import torch

import twice
from support import assert_close

INF, NAN = math.inf, math.nan
S = (2, 3)  # a small matrix
C = (2, 3, 4)  # a small cube
OPERATORS = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "//": lambda x, y: x // y, "%": lambda x, y: x % y, "**": lambda x, y: x**y, "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}  # fmt: skip


def draw(spec, seed):
    """An array for a spec: a shape (floats), or a shape and a kind: i whole, b boolean, p positive, u in (−1, 1)."""
    shape, kind = spec if isinstance(spec, tuple) and len(spec) == 2 and isinstance(spec[1], str) else (spec, "f")
    if isinstance(shape, list):
        return np.array(shape)
    rng = np.random.default_rng(seed)
    if kind == "i":
        return rng.integers(-4, 5, shape)
    if kind == "n":
        return rng.integers(0, 3, shape)
    if kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    x = np.asarray(rng.standard_normal(shape))
    return {"f": x, "p": np.abs(x) + 0.3, "u": np.tanh(x) * 0.9, "w": np.round(x)}[kind]


def both(call, *specs, dtype=np.float64, tolerance=None):
    """Run `call(T, *tensors)` on either engine: the values agree, and every gradient of a random combination."""
    arrays = [draw(s, seed) for seed, s in enumerate(specs)]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
    ours = [twice.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    y, t = flat(call(twice, *ours)), flat(call(torch, *theirs))
    assert len(y) == len(t)
    for a, b in zip(y, t):
        if isinstance(b, torch.Tensor):
            assert isinstance(a, twice.Tensor), f"{type(a)} is not a tensor"
            assert_close(a.detach().numpy(), b, tolerance)
            assert a.requires_grad == b.requires_grad
        else:
            assert a == b
    outputs = [(a, b) for a, b in zip(y, t) if isinstance(b, torch.Tensor) and b.requires_grad]
    if not outputs:
        return
    for k, (a, b) in enumerate(outputs):
        u = np.random.default_rng(100 + k).standard_normal(b.shape).astype(b.detach().numpy().dtype)
        a.backward(twice.tensor(u), retain_graph=True)
        b.backward(torch.tensor(u), retain_graph=True)
    for a, b, array in zip(ours, theirs, arrays):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            assert_close(a.grad.numpy(), b.grad, tolerance, "gradient")
            assert a.grad.numpy().flags.writeable
        if b._version == 0:
            np.testing.assert_array_equal(a.detach().numpy(), array, err_msg="an input was changed")


def flat(answer):
    return [x for a in answer for x in flat(a)] if isinstance(answer, tuple | list) else [answer]
