"""Every function and method on tensors against torch: value, dtype, gradient, text."""

# ruff: noqa: E501, B023  a row of a table is a line; what a loop defines is called at once

import math

import numpy as np
import pytest
import torch
import twice
from hypothesis import given, settings
from hypothesis import strategies as st
from support import assert_close

INF, NAN = math.inf, math.nan
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks


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


S = (2, 3)  # a small matrix
C = (2, 3, 4)  # a small cube

# ── elementwise ─────────────────────────────────────────────────────────────────────────────────────────────────

UNARY = {
    "exp": "f", "expm1": "f", "log": "p", "log2": "p", "log10": "p", "log1p": "p", "sqrt": "p", "rsqrt": "p",
    "reciprocal": "p", "sin": "f", "cos": "f", "tan": "u", "asin": "u", "acos": "u", "atan": "f", "sinh": "f", "cosh": "f",
    "erf": "f", "sigmoid": "f", "tanh": "f", "relu": "f", "abs": "f", "neg": "f", "square": "f", "floor": "f", "ceil": "f",
    "round": "f", "trunc": "f", "frac": "f", "sign": "f", "clone": "f", "absolute": "f", "negative": "f",
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3)], ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_tensor(name, shape, dtype):
    both(lambda T, x: getattr(T, name)(x), (shape, UNARY[name]), dtype=dtype)
    both(lambda T, x: getattr(x, name)(), (shape, UNARY[name]), dtype=dtype)


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("relu", "frac")])
def test_functions_of_whole_numbers(name):
    both(lambda T, x: getattr(T, name)(x), (S, "n"), tolerance=1e-6)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_questions(name):
    both(lambda T, x: getattr(T, name)(x / 0), ([0.0, 1.0, -1.0]))
    both(lambda T, x: getattr(x, name)(), ([0.0, 1.0, NAN, INF, -INF]))
    both(lambda T, x: getattr(x, name)(), ([0, 1]))


BINARY = ["add", "sub", "mul", "div", "true_divide", "maximum", "minimum", "atan2", "remainder", "fmod"]
SHAPES = [
    ((), ()),
    (S, S),
    (S, (3,)),
    ((2, 1), (1, 3)),
    ((), S),
    (S, ()),
    ((0, 3), (3,)),
    ((0, 1), (1, 3)),
    ((2, 1, 3), (4, 1)),
]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", [*BINARY, "pow"])
def test_functions_of_two_tensors_broadcast(name, shapes):
    kind = "p" if name == "pow" else "f"
    both(lambda T, x, y: getattr(T, name)(x, y), (shapes[0], kind), (shapes[1], "f"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_broadcasting_any_shapes(data):
    full = data.draw(st.lists(st.integers(0, 3), max_size=4))
    cut = lambda: tuple(data.draw(st.sampled_from([1, n])) for n in full[data.draw(st.integers(0, len(full))) :])
    both(lambda T, x, y, z: x * y + z, cut(), cut(), cut())


OPERATORS = {
    "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
    "//": lambda x, y: x // y, "%": lambda x, y: x % y, "**": lambda x, y: x**y, "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y, ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}  # fmt: skip
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


def test_what_is_no_operand_is_refused():
    x = twice.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    with pytest.raises(TypeError):
        x + "a"
    with pytest.raises(TypeError, match="operand is of type str"):
        twice.add(x, "a")


@pytest.mark.parametrize("number", [2, 2.5, -1, 0, 3, 0.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_on_either_side(number, dtype):
    for symbol in "+-*/%":
        f = OPERATORS[symbol]
        if not (number == 0 and symbol in "/%"):
            both(lambda T, x: f(x, number), (S, "p"), dtype=dtype)
        if symbol != "%":  # for which torch has no derivative
            both(lambda T, x: f(number, x), (S, "p"), dtype=dtype)
    both(lambda T, x: x**number, (S, "p"), dtype=dtype)
    if number > 0:
        both(lambda T, x: number**x, S, dtype=dtype)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, -1, 0.5, -2, 1.5, 5])
def test_powers_at_zero_and_below(exponent):
    both(lambda T, x: x**exponent, ([-2.0, 0.0, 1.0, 2.0]))
    both(lambda T, x, n: x**n, ([0.0, 0.0, 2.0]), ([0.0, 2.0, 0.0]))


LOGIC = [
    lambda T, a, b: a & b, lambda T, a, b: a | b, lambda T, a, b: a ^ b, lambda T, a, b: ~a,
    lambda T, a, b: T.logical_and(a, b), lambda T, a, b: a.logical_or(b), lambda T, a, b: T.logical_xor(a, b),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["b", "i"])
@pytest.mark.parametrize("call", LOGIC)
def test_logic_is_bitwise_on_whole_numbers(call, kind):
    both(call, (S, kind), (S, kind))


# ── everything else: a call, and the specs of its tensors ───────────────────────────────────────────────────────

CALLS = {
    # arithmetic
    "add alpha": (lambda T, x, y: T.add(x, y, alpha=2), S, S),
    "sub alpha": (lambda T, x, y: x.sub(y, alpha=0.5), S, S),
    "div floor": (lambda T, x, y: T.div(x, y, rounding_mode="floor"), S, S),
    "div trunc": (lambda T, x, y: T.div(x, y, rounding_mode="trunc"), S, S),
    "div trunc whole": (lambda T, x: T.div(x, 2, rounding_mode="trunc"), (S, "i")),
    "maximum ties": (lambda T, x, y: T.maximum(x, y), (C, "w"), (C, "w")),
    "minimum ties": (lambda T, x, y: T.minimum(x, y), (C, "w"), (C, "w")),
    "clamp": (lambda T, x: x.clamp(-0.5, 0.5), S),
    "clamp low": (lambda T, x: T.clamp(x, min=0), S),
    "clamp on the bound": (lambda T, x: x.clamp(-1, 1), (C, "w")),
    "clamp by tensors": (lambda T, x, y: x.clamp(y, y + 1), (C, "w"), (C, "w")),
    "clamp whole by float": (lambda T, x: x.clamp(min=0.5), (S, "i")),
    "clip": (lambda T, x: x.clip(max=0.2), S),
    "round decimals": (lambda T, x: T.round(x, decimals=2), S),
    "lerp": (lambda T, x, y: T.lerp(x, y, 0.3), S, S),
    "lerp tensor": (lambda T, x, y, w: x.lerp(y, w), S, S, S),
    "addcmul": (lambda T, x, y, z: T.addcmul(x, y, z, value=0.5), S, S, S),
    "addcdiv": (lambda T, x, y, z: x.addcdiv(y, z, value=0.5), S, S, (S, "p")),
    "nan_to_num": (lambda T, x: T.nan_to_num(x / 0), ([-1.0, 0.0, 1.0])),
    "nan_to_num values": (lambda T, x: x.nan_to_num(1.0, 2.0, 3.0), ([-INF, NAN, INF, 4.0])),
    "abs at 0": (lambda T, x: x.abs(), ([-1.0, 0.0, 1.0])),
    "sqrt at 0": (lambda T, x: x.sqrt(), ([0.0, 1.0])),
    "log at 0": (lambda T, x: x.log(), ([0.0, 1.0])),
    "softmax": (lambda T, x: T.softmax(x, 1), C),
    "softmax dtype": (lambda T, x: x.softmax(-1, dtype=T.float64), S),
    "softmax 0-d": (lambda T, x: x.softmax(0), ()),
    "log_softmax": (lambda T, x: x.log_softmax(dim=0), C),
    "softmax axis": (lambda T, x: T.softmax(x, axis=1), C),
    "clamp_min": (lambda T, x: [T.clamp_min(x, 0.1), x.clamp_max(0.2)], S),
    "exp2": (lambda T, x: [T.exp2(x), x.exp2()], S),
    "logit": (lambda T, x: [T.logit(x.sigmoid()), x.logit(eps=0.1)], S),
    "diff": (lambda T, x: [x.diff(), T.diff(x, dim=0), x.diff(n=2)], S),
    "broadcast_tensors": (lambda T, x, y: T.broadcast_tensors(x, y), (2, 1), (3,)),
    "tile": (lambda T, x: [T.tile(x, (2,)), x.tile(2, 1, 3)], S),
    "take": (lambda T, x: [T.take(x, T.tensor([0, 5, 5])), x.take(T.tensor([[1], [-1]]))], S),
    "index_fill": (lambda T, x: x.index_fill(1, T.tensor([0, 2]), 3.0), S),
    "names": (lambda T, x: [x.arcsin(), T.arccos(x), T.arctan2(x, x), x.greater(0), T.less_equal(x, x), x.not_equal(0), +x, x.itemsize, x.nbytes], (S, "u")),
    "isclose": (lambda T, x: T.isclose(x, x + 1e-9), S),
    "allclose": (lambda T, x: [T.allclose(x, x + 1e-9), x.allclose(x + 1), T.equal(x, x), x.equal(x + 1)], S),
    "isin": (lambda T, x: T.isin(x, T.tensor([1, 2])), (C, "i")),
    # dtypes
    "to": (lambda T, x: [x.to(T.float32), x.to("cpu"), x.to("cpu", T.float64), x.to(x), x.to(dtype=T.int64)], S),
    "casts": (lambda T, x: [x.float(), x.double(), x.half().float(), x.long(), x.int(), x.bool(), x.type(T.float32)], S),
    "type_as": (lambda T, x, i: [x.type_as(i), i.type_as(x)], S, (S, "i")),
    "float then back": (lambda T, x: x.float().double() * 2, S),
    # reductions
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
    "sort": (lambda T, x: [*x.sort(), *T.sort(x, 0, descending=True), x.sort(dim=1).values, x.sort(descending=True)[0]], C),
    "sort stable": (lambda T, x: [*x.sort(stable=True), *T.sort(x, dim=0, descending=True, stable=True)], (C, "n")),
    "sort nan": (lambda T, x: [x.sort()[0], x.sort(descending=True)[0]], ([1.0, NAN, -1.0])),
    "sort 0-d": (lambda T, x: [*x.sort(), *x.topk(1)], ()),
    "argsort": (lambda T, x: [x.argsort(), T.argsort(x, 0), x.argsort(dim=1, descending=True)], C),
    "topk": (lambda T, x: [*x.topk(2), *T.topk(x, 1, dim=0), *x.topk(2, 1, largest=False), x.topk(3).indices], C),
    # products
    "matmul": (lambda T, x, y: [x @ y, T.matmul(x, y), x.mm(y), T.mm(x, y)], (2, 3), (3, 4)),
    "matmul batch": (lambda T, x, y: x @ y, (2, 1, 2, 3), (5, 3, 4)),
    "matmul row": (lambda T, x, y: x @ y, (3,), (2, 3, 4)),
    "matmul column": (lambda T, x, y: x @ y, (2, 4, 3), (3,)),
    "matmul rows": (lambda T, x, y: [x @ y, x.dot(y), T.dot(x, y)], (3,), (3,)),
    "matmul empty": (lambda T, x, y: x @ y, (2, 0), (0, 3)),
    "bmm": (lambda T, x, y: [T.bmm(x, y), x.bmm(y)], (2, 3, 4), (2, 4, 2)),
    "mv": (lambda T, x, y: [T.mv(x, y), x.mv(y)], (2, 3), (3,)),
    "outer": (lambda T, x, y: [T.outer(x, y), x.outer(y)], (2,), (3,)),
    "addmm": (lambda T, b, x, y: [T.addmm(b, x, y), b.addmm(x, y, beta=0.5, alpha=2)], (4,), (2, 3), (3, 4)),
    "baddbmm": (lambda T, b, x, y: T.baddbmm(b, x, y, beta=2, alpha=0.5), (2, 1, 2), (2, 3, 4), (2, 4, 2)),
    "diag": (lambda T, x: [T.diag(x), x.diag(1), x.diagonal(), T.diagonal(x, -1), x.trace()], (3, 3)),
    "diag wide": (lambda T, x: [x.diag(2), x.diag(-1), x.diag(5)], (2, 4)),
    "diag of row": (lambda T, x: [T.diag(x), x.diag(1), x.diag(-2), T.diag_embed(x)], (3,)),
    "diagonal batch": (lambda T, x: [x.diagonal(dim1=-2, dim2=-1), T.diag_embed(x, 1)], (2, 3, 3)),
    # shape
    "reshape": (lambda T, x: [x.reshape(6, 4), x.reshape((4, -1)), T.reshape(x, (24,)), T.reshape(x, shape=(2, 12))], C),
    "reshape 0-d": (lambda T, x: [x.reshape(()), x.reshape(1, 1), x.view(-1)], ()),
    "reshape empty": (lambda T, x: [x.reshape(0), x.view(3, 0), x.flatten()], (0, 3)),
    "view": (lambda T, x: [x.view(6, 4), x.view(-1), x.view([4, 6]), x.view_as(x), x.reshape_as(x)], C),
    "view of part": (lambda T, x: x[:, :2].view(2, 8), C),
    "flatten": (lambda T, x: [x.flatten(), x.flatten(1), T.flatten(x, 0, 1), x.flatten(start_dim=-2), x.ravel()], C),
    "flatten 0-d": (lambda T, x: [x.flatten(), T.ravel(x)], ()),
    "unflatten": (lambda T, x: [x.unflatten(2, (2, 2)), T.unflatten(x, -1, (2, -1))], C),
    "permute": (lambda T, x: [x.permute(2, 0, 1), x.permute((1, 2, 0)), T.permute(x, (-1, 0, 1)), T.permute(x, dims=(0, 2, 1))], C),
    "transpose": (lambda T, x: [x.transpose(0, 2), T.transpose(x, -1, 1), x.swapaxes(0, 1), x.swapdims(1, 2), x.mT], C),
    "transpose 0-d": (lambda T, x: [x.transpose(0, -1), x.t()], ()),
    "movedim": (lambda T, x: [T.movedim(x, 0, 2), x.movedim(-1, 0), x.moveaxis((0, 1), (2, 0)), T.movedim(x, (2, 0), (0, 1))], C),
    "t": (lambda T, x: [x.t(), x.T, T.t(x), x.mT], S),
    "squeeze": (lambda T, x: [x.squeeze(), x.squeeze(1), T.squeeze(x, -1), x.squeeze((0, 1)), x.squeeze(0)], (1, 1, 3)),
    "unsqueeze": (lambda T, x: [x.unsqueeze(0), x.unsqueeze(-1), T.unsqueeze(x, 2), x.unsqueeze(-3)], S),
    "expand": (lambda T, x: [x.expand(4, 3), x.expand(-1, 3), x.expand(2, -1, -1), x.expand((5, 1, 3)), T.broadcast_to(x, (2, 3))], (1, 3)),
    "expand 0-d": (lambda T, x: [x.expand(2, 3), x.expand(()), x.expand_as(T.ones(2))], ()),
    "expand to nothing": (lambda T, x: x.expand(0, 3), (1, 3)),
    "repeat": (lambda T, x: [x.repeat(2, 3), x.repeat(2, 1, 1), x.repeat((1, 2)), x.repeat(0, 1)], S),
    "repeat_interleave": (lambda T, x: [x.repeat_interleave(2), T.repeat_interleave(x, 3, dim=1), x.repeat_interleave(2, -2)], S),
    "repeat_interleave counts": (lambda T, x: T.repeat_interleave(x, T.tensor([1, 2, 0]), dim=1), S),
    "flip": (lambda T, x: [x.flip(0), x.flip((0, 2)), x.flip(-1, 1), T.flip(x, [1]), T.flip(x, dims=(0,)), x.fliplr(), T.flipud(x)], C),
    "roll": (lambda T, x: [x.roll(1), x.roll(2, 1), T.roll(x, (1, -1), (0, 2)), x.roll(shifts=-5, dims=-1)], C),
    "tril": (lambda T, x: [x.tril(), x.tril(1), T.tril(x, -1), x.triu(), T.triu(x, diagonal=1)], C),
    "tril of bools": (lambda T, x: [x.tril(), x.triu(1)], ((3, 3), "b")),
    "contiguous": (lambda T, x: [x.t().contiguous(), x.contiguous(), x.is_contiguous(), x.t().is_contiguous()], S),
    "unfold": (lambda T, x: [x.unfold(1, 2, 1), x.unfold(-1, 2, 2), x.unfold(0, 2, 1).unfold(1, 3, 1)], C),
    "sizes": (lambda T, x: [tuple(x.size()), x.size(-1), x.numel(), x.dim(), x.ndim, len(x), x.nelement(), x.stride()], C),
    # joining and parting
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
    "unbind": (lambda T, x: [*x.unbind(), *T.unbind(x, 1), *x.unbind(-1), *list(x)], C),
    "unbind a row": (lambda T, x: [*x.unbind(), *list(x)], (3,)),
    "where": (lambda T, c, x, y: [T.where(c, x, y), T.where(c, x, 0.0), T.where(c, 1, y), x.where(c, y)], (S, "b"), S, (3,)),
    "where numbers": (lambda T, c: [T.where(c, 1.0, 0.0), T.where(c, 1, 0), T.where(c, 1, 0.5), T.where(c, True, False)], (S, "b")),
    "where dtypes": (lambda T, c, x, i: [T.where(c, x, i), T.where(c, i, 2.5)], (S, "b"), S, (S, "i")),
    "where alone": (lambda T, c: [*T.where(c), *c.nonzero(as_tuple=True), c.nonzero(), T.argwhere(c)], (S, "b")),
    "where stops nan": (lambda T, x: T.where(x > 0, x.log(), 0.0), ([-1.0, 0.0, 2.0])),
    "masked_fill": (lambda T, x, m: [x.masked_fill(m, -INF).softmax(-1), T.masked_fill(x, m[0], 2)], C, ((3, 4), "b")),
    "masked_fill tensor": (lambda T, x, m, v: x.masked_fill(m, v), S, (S, "b"), ()),
    "masked_select": (lambda T, x, m: [T.masked_select(x, m), x.masked_select(m[0])], S, (S, "b")),
    "gather": (lambda T, x, i: [x.gather(1, i), T.gather(x, -1, i[:1]), x.gather(0, i[:, :2] % 2)], S, ((2, 4), "n")),
    "take_along_dim": (lambda T, x, i: [T.take_along_dim(x, x.argsort(1), 1), x.take_along_dim(i, dim=1)], S, ((1, 2), "n")),
    "scatter": (lambda T, x, y: [x.scatter(1, T.tensor([[2, 0], [1, 2]]), y[:, :2]), x.scatter(1, T.tensor([[0], [1]]), 2.5)], S, S),
    "scatter_add": (lambda T, x, y: [x.scatter_add(0, T.tensor([[0, 0, 1], [0, 1, 1]]), y)], S, S),
    "index_add": (lambda T, x, y: [x.index_add(0, T.tensor([1, 1, 0]), y), T.index_add(x, 0, T.tensor([0, 0, 0]), y, alpha=2)], S, (3, 3)),
    "index_select": (lambda T, x: [x.index_select(1, T.tensor([2, 0, 2])), T.index_select(x, -1, T.tensor([1]))], C),
    "select narrow": (lambda T, x: [x.select(1, -1), T.select(x, 0, 1), x.narrow(2, 1, 2), T.narrow(x, 1, -2, 1)], C),
    "unique": (lambda T, x: [T.unique(x), *T.unique(x, return_inverse=True, return_counts=True), x.unique()], (C, "i")),
    "bincount": (lambda T, i: [T.bincount(i), i.bincount(minlength=5)], ((7,), "n")),
    "bincount weights": (lambda T, i: T.bincount(i, weights=T.ones(7, dtype=T.float64)), ((7,), "n")),
    "searchsorted": (lambda T, x: [T.searchsorted(T.arange(3.0).to(x.dtype), x), T.bucketize(x, T.tensor([-1.0, 1.0]).to(x.dtype), right=True)], C),
    "meshgrid": (lambda T, x, y, z: [*T.meshgrid(x, y, indexing="ij"), *T.meshgrid([x, y, z], indexing="xy")], (2,), (3,), (1,)),
    "detach": (lambda T, x: [x.detach(), x.data, x.detach() * x], S),
    "item": (lambda T, x: [x.item(), float(x), int(x), bool(x), x.tolist(), f"{x:.3f}"], ()),
    "tolist": (lambda T, x: x.tolist(), (S, "i")),
    "contains": (lambda T, x: [3 in x, 77 in x], (C, "i")),
    "new": (lambda T, x: [x.new_zeros(2, 3), x.new_ones((2,)), x.new_full((2,), 3), x.new_tensor([1, 2]), x.new_zeros(2, dtype=T.int64)], S),
    "properties": (lambda T, x: [x.is_leaf, (x * 1).is_leaf, x.is_floating_point(), str(x.device), x.is_cuda, x.T.is_leaf, x.element_size()], S),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)


EQUATIONS = [
    "i,i->", "i,j->ij", "ij->ji", "ij->", "ij->j", "ij,jk->ik", "ij,jk", "bij,bjk->bik", "bhid,bhjd->bhij", "ij,ij->ij",
    "ij,i->j", "ijk,k->ij", "...ij,...jk->...ik", "...i->...", "bi,bj->bij", "i,ij,j->", "ij,kj->ik", "ij,j,jk->ki", "ij->ij",
    "abc,abc->ac", "i...,i...->...", " ij , jk -> ik ", "ij,kl->ijkl",
]  # fmt: skip
LENGTHS = dict(zip("abcdhijkl", (2, 3, 4, 2, 3, 2, 3, 4, 2)))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    terms = equation.replace(" ", "").split("->")[0].split(",")
    specs = [tuple(n for c in t.replace("...", "ab") for n in [LENGTHS[c]]) for t in terms]
    both(lambda T, *x: [T.einsum(equation, *x), T.einsum(equation, list(x))], *specs)


def test_einsum_broadcasts_lengths_of_one():
    both(lambda T, x, y: T.einsum("ij,ij->ij", x, y), (1, 3), (2, 3))
    both(lambda T, x, y: T.einsum("...i,...i->...", x, y), (4, 1, 3), (2, 3))


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


IN_PLACE = {
    "add_": lambda x, y: x.add_(y, alpha=2), "sub_": lambda x, y: x.sub_(y), "mul_": lambda x, y: x.mul_(y),
    "div_": lambda x, y: x.div_(y), "pow_": lambda x, y: x.pow_(2), "exp_": lambda x, y: x.exp_(), "neg_": lambda x, y: x.neg_(),
    "abs_": lambda x, y: x.abs_(), "sigmoid_": lambda x, y: x.sigmoid_(), "tanh_": lambda x, y: x.tanh_(),
    "relu_": lambda x, y: x.relu_(), "clamp_": lambda x, y: x.clamp_(-0.5, 0.5), "sqrt_": lambda x, y: x.abs_().sqrt_(),
    "log_": lambda x, y: x.abs_().log_(), "reciprocal_": lambda x, y: x.reciprocal_(), "floor_": lambda x, y: x.floor_(),
    "round_": lambda x, y: x.round_(), "zero_": lambda x, y: x.zero_(), "fill_": lambda x, y: x.fill_(3), "copy_": lambda x, y: x.copy_(y),
    "masked_fill_": lambda x, y: x.masked_fill_(x > 0, 2.0), "addcmul_": lambda x, y: x.addcmul_(y, y, value=0.5),
    "addcdiv_": lambda x, y: x.addcdiv_(y, y.exp(), value=0.5), "lerp_": lambda x, y: x.lerp_(y, 0.2),
    "sin_": lambda x, y: x.sin_(), "cos_": lambda x, y: x.cos_(), "rsqrt_": lambda x, y: x.abs_().rsqrt_(),
    "clamp_min_": lambda x, y: x.clamp_min_(0.1), "clamp_max_": lambda x, y: x.clamp_max_(0.1), "tril_": lambda x, y: x.tril_(),
    "triu_": lambda x, y: x.triu_(1), "fill_diagonal_": lambda x, y: x.fill_diagonal_(2.0),
    "index_fill_": lambda x, y: x.index_fill_(0, (y[:1, 0] * 0).detach().long(), 2.0),
    "+=": lambda x, y: x.__iadd__(y), "-=": lambda x, y: x.__isub__(2), "*=": lambda x, y: x.__imul__(y),
    "/=": lambda x, y: x.__itruediv__(y), "**=": lambda x, y: x.__ipow__(2), "add_ row": lambda x, y: x.add_(y[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def program(T, x, y):
        z = x * 1
        out = IN_PLACE[name](z, y)
        assert out is z
        return z

    both(program, S, S)


def test_in_place_on_whole_numbers_and_masks():
    def program(T, x, m):
        a, b = x.clone(), m.clone()
        a += 2
        b &= m.logical_not()
        c = T.zeros(2, 4, dtype=T.int64).scatter_(1, T.tensor([[1], [3]]), 1)
        d = T.zeros(3).scatter_add_(0, T.tensor([0, 0, 2]), T.ones(3)).index_add_(0, T.tensor([1]), T.ones(1))
        return [a, b, c, d]

    both(program, (S, "i"), (S, "b"))
    for T in (twice, torch):
        with pytest.raises((RuntimeError, TypeError)):
            T.ones(2, dtype=T.int64).add_(1.5)
        with pytest.raises((RuntimeError, ValueError)):
            T.ones(3).add_(T.ones(2, 3))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=4), st.randoms(use_true_random=False))
def test_reshape_and_permute_any_shape(shape, random):
    order = random.sample(range(len(shape)), len(shape))
    new = random.sample(shape, len(shape))
    both(
        lambda T, x: [x.reshape(new), x.permute(order), x.permute(order).reshape(new), x.permute(order) * 2],
        tuple(shape),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_view_agrees_with_torch_on_what_needs_a_copy(shape, data):
    order = data.draw(st.permutations(range(len(shape))))
    new = data.draw(st.permutations([*shape, 1]))
    outcomes = []
    for T in (twice, torch):
        try:
            outcomes.append(T.ones(*shape).permute(*order).view(*new).shape)
        except RuntimeError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=4), st.data())
def test_reductions_over_any_axes(shape, data):
    axes = data.draw(st.lists(st.integers(0, max(len(shape) - 1, 0)), unique=True, max_size=len(shape)))
    axes = tuple(a - len(shape) if data.draw(st.booleans()) else a for a in axes)
    keep = data.draw(st.booleans())
    both(lambda T, x: [x.sum(axes, keep), x.mean(axes, keepdim=keep), x.logsumexp(axes or 0, keep)], tuple(shape))


# ── new tensors ─────────────────────────────────────────────────────────────────────────────────────────────────

CREATION = {
    "tensor": lambda T: [T.tensor(x) for x in (1, 2.5, True, [1, 2], [1.5, 2], [[True]], [], [[], []], [1, 2.5], (1, 2))],
    "tensor of arrays": lambda T: [T.tensor(x) for x in (np.ones(2), np.float64(1), [np.float64(1.0)], [np.ones(2)], np.int32(3))],
    "tensor of tensors": lambda T: [T.tensor([T.tensor(1.5), T.tensor(2.5)]), T.tensor([[T.tensor(1), 2]])],
    "tensor dtype": lambda T: [T.tensor([1, 2], dtype=T.float64), T.tensor([1.7], dtype=T.int64), T.tensor([], dtype=T.int64)],
    "python dtypes": lambda T: [T.zeros(2, dtype=float), T.zeros(2, dtype=int), T.zeros(2, dtype=bool)],
    "as_tensor": lambda T: [T.as_tensor([1, 2]), T.as_tensor(np.ones(2)), T.as_tensor(T.ones(2), dtype=T.float64)],
    "from_numpy": lambda T: T.from_numpy(np.arange(3)),
    "zeros": lambda T: [T.zeros(2, 3), T.zeros((2,)), T.zeros([2, 1]), T.zeros(()), T.zeros(size=(2,)), T.ones(0), T.ones(2, dtype=T.int64)],
    "full": lambda T: [T.full((2,), 3), T.full((2,), 2.5), T.full((1, 2), True), T.full((), 2), T.full((2,), 1, dtype=T.float64)],
    "likes": lambda T: [f(T.ones(2, 3).double()) for f in (T.zeros_like, T.ones_like)] + [T.full_like(T.ones(2), 3), T.zeros_like(T.ones(2), dtype=T.int64)],
    "arange": lambda T: [T.arange(5), T.arange(1, 4), T.arange(0, 10, 3), T.arange(0, 1, 0.25), T.arange(3.0), T.arange(5, 0, -2), T.arange(start=1, end=6, step=2), T.arange(2, end=5), T.arange(0, 6, step=2), T.arange(end=3), T.arange(3, dtype=T.float64), T.arange(T.tensor(3))],
    "linspace": lambda T: [T.linspace(0, 1, 5), T.linspace(-1, 1, steps=4), T.linspace(0, 1, 1), T.logspace(0, 2, 3), T.logspace(0, 3, 4, base=2.0)],
    "eye": lambda T: [T.eye(2), T.eye(2, 3), T.eye(3, dtype=T.int64)],
    "triangles": lambda T: [T.tril_indices(3, 4), T.triu_indices(3, 3, 1), T.triu_indices(3, 3, offset=-1)],
    "constants": lambda T: [T.inf, T.pi, T.e, T.finfo(T.float32).min, T.finfo(T.float64).eps, T.finfo(T.float16).max, T.finfo(T.float32).tiny, T.iinfo(T.int64).max, T.iinfo(T.uint8).bits],
    "requires_grad": lambda T: [x.requires_grad for x in (T.ones(2, requires_grad=True), T.tensor([1.0], requires_grad=True), T.zeros(1))],
    "cuda": lambda T: [T.device("cpu") == T.device("cpu"), str(T.device("cpu")), T.device("cpu").type, T.is_tensor(T.ones(1)), T.is_tensor(3)],
    "size": lambda T: [str(T.ones(2, 3).size()), T.ones(2, 3).size()[1:].numel(), T.Size((2, 3)).numel(), str(T.Size([2]))],
    "default dtype": lambda T: str(T.get_default_dtype()).replace("torch.", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CREATION)
def test_new_tensors(name):
    both(CREATION[name])


def test_random_tensors_have_torchs_shapes_and_dtypes():
    for T in (twice, torch):
        T.manual_seed(0)
    makers = [
        lambda T: T.rand(2, 3), lambda T: T.rand(size=(2,)), lambda T: T.randn((2, 3), dtype=T.float64), lambda T: T.randn(2, requires_grad=True),
        lambda T: T.randint(5, (2, 3)), lambda T: T.randint(2, 5, (2,)), lambda T: T.randint(low=2, high=5, size=(2,)), lambda T: T.randint(0, 2, size=(3,)),
        lambda T: T.randperm(5), lambda T: T.rand_like(T.ones(2).double()), lambda T: T.randn_like(T.ones(2)), lambda T: T.randint_like(T.ones(2), 5),
        lambda T: T.normal(0.0, 0.01, (2, 3)), lambda T: T.normal(T.zeros(3), 1.0), lambda T: T.normal(0, 1, size=(2,), requires_grad=True),
        lambda T: T.bernoulli(T.full((3,), 0.5)), lambda T: T.multinomial(T.tensor([0.0, 1.0, 0.0]), 4, replacement=True),
        lambda T: T.multinomial(T.ones(2, 4), 2), lambda T: T.empty(2, 3), lambda T: T.empty_like(T.ones(2)),
        lambda T: T.empty(3).normal_(1, 2), lambda T: T.empty(3).uniform_(-1, 1), lambda T: T.ones(2).new_empty(2, 1).bernoulli_(0.3),
    ]  # fmt: skip
    for make in makers:
        ours, theirs = make(twice), make(torch)
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert str(ours.dtype) == str(theirs.dtype).replace("torch.", "")
        assert ours.requires_grad == theirs.requires_grad
    assert makers[5](twice).numpy().min() >= 2
    assert makers[16](twice).tolist() == [1, 1, 1, 1]


def test_random_numbers_repeat_from_a_seed_or_a_state():
    twice.manual_seed(3)
    first, state = twice.rand(4), twice.get_rng_state()
    second = twice.randn(4)
    twice.set_rng_state(state)
    assert twice.equal(twice.randn(4), second)
    twice.manual_seed(3)
    assert twice.equal(twice.rand(4), first)
    g = twice.Generator().manual_seed(5)
    assert twice.equal(twice.rand(2, generator=g), twice.rand(2, generator=twice.Generator().manual_seed(5)))


def test_random_numbers_are_spread_as_asked():
    twice.manual_seed(0)
    assert abs(twice.randn(100_000).std().item() - 1) < 0.02
    assert abs(twice.rand(100_000).mean().item() - 0.5) < 0.01
    assert abs(twice.normal(3.0, 0.5, (100_000,)).mean().item() - 3) < 0.02
    assert abs(twice.empty(100_000).uniform_(-1, 3).mean().item() - 1) < 0.03
    assert abs(twice.zeros(100_000).bernoulli_(0.2).mean().item() - 0.2) < 0.01
    assert twice.randint(3, (1000,)).unique().tolist() == [0, 1, 2]
    assert sorted(twice.randperm(50).tolist()) == list(range(50))


def test_there_is_no_other_device():
    assert twice.cuda.is_available() is False
    assert twice.cuda.device_count() == 0
    for call in (
        lambda: twice.ones(2, device="cuda"),
        lambda: twice.ones(2).to("cuda:0"),
        lambda: twice.ones(2).cuda(),
    ):
        with pytest.raises(NotImplementedError, match=r"CPU|cpu"):
            call()


def test_the_default_dtype_can_be_set():
    twice.set_default_dtype(twice.float64)
    try:
        assert twice.tensor(1.5).dtype == twice.rand(2).dtype == (twice.tensor(1) / 2).dtype == twice.float64
    finally:
        twice.set_default_dtype(twice.float32)


# ── as torch prints ─────────────────────────────────────────────────────────────────────────────────────────────

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


# ── bad input ───────────────────────────────────────────────────────────────────────────────────────────────────

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
