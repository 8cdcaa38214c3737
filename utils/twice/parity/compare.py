"""How close is close enough: two arrays against a tolerance, as one row of a certificate."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from twice.autograd import Tensor
from twice.parity.table import Row

Array = np.ndarray
Values = dict[str, Array]


class Tolerance(NamedTuple):
    """|a − b| ≤ relative · max(|b|, floor · scale), for the largest |b| of the whole comparison as the scale."""

    relative: float
    floor: float

    def allowed(self, b: Array, scale: float) -> Array:
        return self.relative * np.maximum(np.abs(b), self.floor * scale)


TOLERANCES = {np.dtype("float64"): Tolerance(1e-8, 1e-6), np.dtype("float32"): Tolerance(1e-4, 1.0)}
AFTER_STEPS = Tolerance(1e-8, 1e-3)


def agree(a: Any, b: Any, tolerance: Tolerance | None = None) -> bool:
    """Whether two results (tensors of either engine, arrays, or tuples of them) have one shape and the same numbers."""
    ours, theirs = flatten(a), flatten(b)
    if len(ours) != len(theirs):
        return False
    pairs = [(as_array(x), as_array(y)) for x, y in zip(ours, theirs)]
    return all(compare("", "", x, y, None, tolerance).passed for x, y in pairs)


def compare(
    what: str, device: str, ours: Any, theirs: Array, scale: float | None = None, tolerance: Tolerance | None = None
) -> Row:
    """One row: shapes and dtypes must be equal, whole numbers too; a NaN never agrees with anything.

    The scale is torch's largest value, unless another is given.
    """
    dtype = theirs.dtype
    if ours is None:
        return Row(what, device, str(dtype), np.nan, 0.0, False, "(ours has none)")
    if ours.shape != theirs.shape or ours.dtype != dtype:
        note = f"({ours.shape} {ours.dtype}, expected {theirs.shape} {dtype})"
        return Row(what, device, str(dtype), np.nan, 0.0, False, note)
    if theirs.size == 0:
        return Row(what, device, str(dtype), 0.0, 0.0, True)
    if dtype.kind != "f":
        different = float((ours != theirs).mean())
        return Row(what, device, str(dtype), different, 0.0, different == 0)
    scale = largest([theirs]) if scale is None else scale
    return _compare_floats(what, device, ours, theirs, scale, tolerance or TOLERANCES.get(dtype, Tolerance(1e-2, 1.0)))


def _compare_floats(what: str, device: str, ours: Array, theirs: Array, scale: float, tolerance: Tolerance) -> Row:
    dtype = str(theirs.dtype)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    invalid = np.isnan(a) | np.isnan(b) | (np.isinf(a) | np.isinf(b)) & (a != b)
    if invalid.any():
        note = f"({int(np.isnan(a).sum())} NaN against {int(np.isnan(b).sum())})"
        return Row(what, device, dtype, np.nan, 0.0, False, note)
    finite = np.isfinite(b)
    a, b = a[finite], b[finite]
    difference, allowed = np.abs(a - b), tolerance.allowed(b, scale)
    if b.size == 0:
        return Row(what, device, dtype, 0.0, 0.0, True)
    at = int(np.argmax(difference - allowed if (difference > allowed).any() else difference))
    passed = bool((difference <= allowed).all())
    return Row(what, device, dtype, float(difference[at]), float(allowed[at]), passed)


def largest(arrays: Sequence[Array]) -> float:
    """The largest finite absolute value of all."""
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in arrays if a.dtype.kind == "f"), default=0.0)


def as_array(thing: Any) -> Any:
    """The values of a tensor of either engine, of a number or of an array."""
    if isinstance(thing, Tensor):
        return thing.array
    return thing.detach().cpu().numpy() if hasattr(thing, "detach") else np.asarray(thing)


def flatten(result: Any) -> list[Any]:
    """The tensors of nested tuples, lists and dicts, in order."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [leaf for item in result for leaf in flatten(item)]
    return [] if result is None else [result]


class Measured(NamedTuple):
    """What one engine answered: the values, the gradients, and the state after the steps."""

    forward: Values
    gradients: Values
    after: Values
    title: str


def compare_all(ours: Measured, theirs: Measured, device: str, tolerance: Tolerance | None) -> list[Row]:
    """Every value and gradient for itself; the state after the steps by its worst entry."""
    scale = largest(list(theirs.gradients.values()))
    rows = [
        compare(name, device, mine, value, None, tolerance) for name, mine, value in joined(ours, theirs, "forward")
    ]
    for name, mine, value in joined(ours, theirs, "gradients"):
        rows.append(compare(name, device, mine, value, scale if value.dtype == np.float64 else None, tolerance))
    if theirs.after:
        rows.append(worst_of(theirs.title, device, ours.after, theirs.after, tolerance or AFTER_STEPS))
    return rows


def joined(ours: Measured, theirs: Measured, field: str) -> Iterator[tuple[str, Any, Array]]:
    """Name, our array and torch's; what only we have is compared with an empty array, and fails."""
    mine, expected = getattr(ours, field), getattr(theirs, field)
    for name in {**expected, **mine}:
        yield name, mine.get(name), expected.get(name, np.zeros((0,)))


def worst_of(what: str, device: str, ours: Values, theirs: Values, tolerance: Tolerance) -> Row:
    """The worst row of many, named after the tensor that it stands for if that fails."""
    scale = largest(list(theirs.values()))
    rows = {k: compare(what, device, ours.get(k), v, scale, tolerance) for k, v in theirs.items()}
    name = max(rows, key=lambda k: np.inf if np.isnan(rows[k].difference) else _excess(rows[k]))
    row = rows[name]
    return row if row.passed else replace(row, what=f"{what}: {name}")


def _excess(row: Row) -> float:
    return row.difference / row.allowed if row.allowed else float(row.difference > 0)
