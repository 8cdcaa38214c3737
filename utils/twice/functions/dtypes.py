"""Which dtype a result has: the casts, and torch's rules for operands that differ.

A Python number never widens a tensor, a tensor without axes never widens one that has some, and whole numbers meet
floats as floats.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice import creation
from twice.autograd import Tensor, op
from twice.creation import get_default_dtype
from twice.functions.lifting import attach, method, method_named
from twice.kernels import elementary as E

__all__ = ["clone", "is_floating_point", "result_type"]

Number = int | float
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def result_type(*operands: Any) -> np.dtype:
    """The dtype in which torch would combine these tensors and numbers."""
    result, rank = None, -1
    for group in _by_weight(operands):
        top = max((_RANK[d.kind] for d in group), default=-1)
        if top > rank:
            result, rank = np.result_type(*[d for d in group if _RANK[d.kind] == top]), top
    assert result is not None, "result_type: no operand came"
    return result


def _by_weight(operands: Sequence[Any]) -> tuple[list, list, list]:
    """The dtypes of tensors with axes, of tensors without, and of Python numbers."""
    groups: tuple[list, list, list] = ([], [], [])
    of_numbers = {bool: np.dtype("bool"), int: np.dtype("int64")}
    for x in operands:
        if isinstance(x, Tensor | np.ndarray | np.generic):
            groups[0 if x.ndim else 1].append(x.dtype)
        else:
            groups[2].append(of_numbers.get(x.__class__, get_default_dtype()))
    return groups


def together(x: Any, y: Any) -> tuple[Any, Any]:
    """Both operands in the dtype of their combination; the common cases cost nothing."""
    x, y = _operand(x), _operand(y)
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        if x.array.dtype is y.array.dtype or x.array.dtype == y.array.dtype:
            return x, y
    elif isinstance(x, Tensor):
        if x.array.dtype.kind == "f" and isinstance(y, Number):
            return x, y
    elif isinstance(y, Tensor):
        if y.array.dtype.kind == "f" and isinstance(x, Number):
            return x, y
    else:
        x = creation.tensor(x)
    dtype = result_type(x, y)
    return in_dtype(x, dtype), in_dtype(y, dtype)


def _operand(x: Any) -> Any:
    """An array is a tensor; NumPy's scalars are Python numbers."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, Number):
        return x
    if isinstance(x, np.ndarray):
        return Tensor(x)
    raise TypeError(f"an operand is of type {x.__class__.__name__}, expected a tensor or a number")


def numbers(name: str, x: Any, y: Any, either: bool = False) -> tuple[Any, Any]:
    """`together`, but masks are no numbers: both must not be bool (or either)."""
    bools = _is_bool(x) + _is_bool(y)
    if bools == 2 or (either and bools):
        raise TypeError(f"{name}: an operand is bool, expected numbers; for masks there are &, | and ^")
    return together(x, y)


def _is_bool(x: Any) -> bool:
    return x.dtype == np.bool_ if isinstance(x, Tensor | np.ndarray | np.generic) else isinstance(x, bool)


def floating(x: Any) -> Any:
    """A tensor of whole numbers in the default dtype; floats and Python numbers as they are."""
    return x if not isinstance(x, Tensor) or x.array.dtype.kind == "f" else to(x, get_default_dtype())


def in_dtype(x: Any, dtype: Any) -> Any:
    """A tensor in a dtype, or as it is for None; a Python number as it is."""
    return x if dtype is None or not isinstance(x, Tensor) else to(x, dtype)


# ── casts ───────────────────────────────────────────────────────────────────────────────────────────────────────

_cast, _clone = op(E.cast), op(E.clone)


def wanted_dtype(targets: Sequence[Any], dtype: Any = None) -> Any:
    """The dtype among the arguments of `to`: a dtype, a tensor that has it, or none; a device must be the CPU."""
    for target in targets:
        if isinstance(target, Tensor):
            dtype = target.dtype
        elif isinstance(target, str | creation.device):
            creation.device(target)
        elif target is not None and not isinstance(target, bool):
            dtype = target
    return dtype


@method
def to(self: Tensor, *targets: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """The tensor in another dtype; a device may be named if it is the CPU."""
    dtype = wanted_dtype((*targets, device), dtype)
    if dtype is None or self.array.dtype == dtype:
        return clone(self) if copy else self
    return _cast(self, dtype=np.dtype(dtype))


@method
def clone(input: Tensor) -> Tensor:
    """A copy in memory of its own."""
    return _clone(input)


def _caster(dtype: str) -> Callable[[Tensor], Tensor]:
    return lambda self: to(self, np.dtype(dtype))


for _name, _dtype in {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
                      "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool"}.items():  # fmt: skip
    attach(_name, _caster(_dtype))


@method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of another."""
    return to(self, other.dtype)


@method_named("type")
def _type(self: Tensor, dtype: Any = None) -> Any:
    if dtype is None:
        raise NotImplementedError("type: without a dtype it names a class of torch's, use x.dtype")
    return to(self, dtype)


@method
def is_floating_point(input: Tensor) -> bool:
    """Whether the entries are floats."""
    return input.array.dtype.kind == "f"
