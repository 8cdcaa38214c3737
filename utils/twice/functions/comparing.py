"""Questions about entries, answered by masks: they know no slope, and the tape ends at them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.autograd import Tensor
from twice.functions.dtypes import together
from twice.functions.lifting import arrays, attach, method

__all__ = [
    "allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "equal", "ge", "greater",
    "greater_equal", "gt", "isclose", "isfinite", "isin", "isinf", "isnan", "le", "less", "less_equal", "logical_and",
    "logical_not", "logical_or", "logical_xor", "lt", "ne", "not_equal",
]  # fmt: skip


def _of_one(name: str, asked: Callable[..., np.ndarray], doc: str) -> Callable[[Tensor], Tensor]:
    def function(input: Tensor) -> Tensor:
        return Tensor(asked(*arrays(input)))

    function.__name__, function.__doc__ = name, doc
    return attach(name, function)


def _of_two(name: str, asked: Callable[..., np.ndarray], doc: str) -> Callable[[Any, Any], Tensor]:
    def function(input: Any, other: Any) -> Tensor:
        return Tensor(asked(*arrays(*together(input, other))))

    function.__name__, function.__doc__ = name, doc
    return attach(name, function)


isnan = _of_one("isnan", np.isnan, "Which entries are not a number.")
isinf = _of_one("isinf", np.isinf, "Which entries are infinite.")
isfinite = _of_one("isfinite", np.isfinite, "Which entries are neither infinite nor NaN.")
logical_not = _of_one("logical_not", np.logical_not, "Which entries are zero, or false.")
logical_and = _of_two("logical_and", np.logical_and, "Where both are true, or not zero.")
logical_or = _of_two("logical_or", np.logical_or, "Where at least one is true, or not zero.")
logical_xor = _of_two("logical_xor", np.logical_xor, "Where exactly one is true, or not zero.")
bitwise_not = _of_one("bitwise_not", np.bitwise_not, "Every bit turned; of a mask, its opposite.")
bitwise_and = _of_two("bitwise_and", np.bitwise_and, "The bits that both have.")
bitwise_or = _of_two("bitwise_or", np.bitwise_or, "The bits that at least one has.")
bitwise_xor = _of_two("bitwise_xor", np.bitwise_xor, "The bits that exactly one has.")
eq = _of_two("eq", np.equal, "Where both are equal.")
ne = _of_two("ne", np.not_equal, "Where they differ.")
lt = _of_two("lt", np.less, "Where the first is smaller.")
le = _of_two("le", np.less_equal, "Where the first is smaller, or both are equal.")
gt = _of_two("gt", np.greater, "Where the first is larger.")
ge = _of_two("ge", np.greater_equal, "Where the first is larger, or both are equal.")
not_equal = attach("not_equal", ne)
less, less_equal = attach("less", lt), attach("less_equal", le)
greater, greater_equal = attach("greater", gt), attach("greater_equal", ge)


@method
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Which entries agree within a tolerance."""
    return Tensor(np.isclose(input.array, other.array, rtol, atol, equal_nan))


@method
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether two tensors agree within a tolerance."""
    return np.allclose(input.array, other.array, rtol, atol, equal_nan)


@method
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and entries."""
    return np.array_equal(input.array, other.array)


def isin(elements: Tensor, test_elements: Any) -> Tensor:
    """Which entries occur among others."""
    return Tensor(np.isin(*arrays(elements, test_elements)))
