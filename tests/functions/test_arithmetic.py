"""Arithmetic and the functions of one tensor against torch."""

# ruff: noqa: E501, B023  a row of a table is a line; what a loop defines is called at once

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import twice
from functions.both import OPERATORS, C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks

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


CALLS = {
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
    "names": (lambda T, x: [x.arcsin(), T.arccos(x), T.arctan2(x, x), x.greater(0), T.less_equal(x, x), x.not_equal(0), +x, x.itemsize, x.nbytes], (S, "u")),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
