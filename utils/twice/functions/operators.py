"""The operators: `x + y` is `twice.add(x, y)`, and so on."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.autograd import Tensor
from twice.functions import arithmetic, comparing
from twice.functions.dtypes import Number
from twice.functions.lifting import attach
from twice.functions.products import matmul


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function as an operator: for what is no operand, Python asks the other side."""

    def operator(self: Tensor, other: Any) -> Any:
        known = isinstance(other, Tensor | Number | np.ndarray | np.generic)
        return function(self, other) if known else NotImplemented

    return operator


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self)


for _symbol, _function in {
    "add": arithmetic.add, "sub": arithmetic.sub, "mul": arithmetic.mul, "truediv": arithmetic.true_divide,
    "floordiv": arithmetic.floor_divide, "mod": arithmetic.remainder, "pow": arithmetic.pow, "matmul": matmul,
    "and": comparing.bitwise_and, "or": comparing.bitwise_or, "xor": comparing.bitwise_xor,
}.items():  # fmt: skip
    attach(f"__{_symbol}__", _operator(_function))
    attach(f"__r{_symbol}__", _operator(_reflected(_function)))
for _symbol in ("eq", "ne", "lt", "le", "gt", "ge"):
    attach(f"__{_symbol}__", _operator(getattr(comparing, _symbol)))
attach("__neg__", arithmetic.neg)
attach("__pos__", lambda self: self)
attach("__abs__", arithmetic.abs)
attach("__invert__", comparing.bitwise_not)
