"""Comparisons and logic against torch."""

import numpy as np
import pytest

from functions.both import INF, NAN, C, S, both

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own remarks


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_questions(name):
    both(lambda T, x: getattr(T, name)(x / 0), ([0.0, 1.0, -1.0]))
    both(lambda T, x: getattr(x, name)(), ([0.0, 1.0, NAN, INF, -INF]))
    both(lambda T, x: getattr(x, name)(), ([0, 1]))


LOGIC = [
    lambda T, a, b: a & b, lambda T, a, b: a | b, lambda T, a, b: a ^ b, lambda T, a, b: ~a,
    lambda T, a, b: T.logical_and(a, b), lambda T, a, b: a.logical_or(b), lambda T, a, b: T.logical_xor(a, b),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["b", "i"])
@pytest.mark.parametrize("call", LOGIC)
def test_logic_is_bitwise_on_whole_numbers(call, kind):
    both(call, (S, kind), (S, kind))


CALLS = {
    "isclose": (lambda T, x: T.isclose(x, x + 1e-9), S),
    "allclose": (lambda T, x: [T.allclose(x, x + 1e-9), x.allclose(x + 1), T.equal(x, x), x.equal(x + 1)], S),
    "isin": (lambda T, x: T.isin(x, T.tensor([1, 2])), (C, "i")),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, dtype):
    call, *specs = CALLS[name]
    both(call, *specs, dtype=dtype)
