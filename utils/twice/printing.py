"""How a tensor is written: as torch writes it, entry by entry and line by line."""

import math
from typing import Any

import numpy as np

from twice.autograd import Tensor
from twice.creation import get_default_dtype


class _Options:
    precision, threshold, edgeitems, linewidth = 4, 1000, 3, 80
    sci_mode: bool | None = None


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: Any = None,
    sci_mode: bool | None = None,
) -> None:
    """Decimals, entries before a summary, entries shown of it, columns, and powers of ten always or never."""
    if profile is not None:
        raise NotImplementedError(f"set_printoptions: profile={profile!r} is not supported, name the options")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None:
            setattr(_Options, name, value)
    _Options.sci_mode = sci_mode


def show(t: Tensor) -> str:
    """The text of a tensor."""
    a, prefix = t.array, "tensor("
    text = _nested(a, len(prefix), a.size > _Options.threshold, _writer(a)) if a.size else "[]"
    for suffix in _suffixes(t):
        last_line = len(prefix + text) - (prefix + text).rfind("\n") + 1
        too_long = last_line + len(suffix) + 2 > _Options.linewidth
        text += f",\n{' ' * len(prefix)}{suffix}" if too_long else f", {suffix}"
    return f"{prefix}{text})"


def _suffixes(t: Tensor) -> list[str]:
    """What torch adds when it is not the common case."""
    common = (get_default_dtype(), np.dtype("int64"), np.dtype(bool))
    empty = t.array.size == 0
    parts = [f"size={t.array.shape}"] if empty and t.ndim != 1 else []
    if t.dtype not in (common[:1] if empty else common):
        parts.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        parts.append(f"grad_fn={t.grad_fn}")
    elif t.requires_grad:
        parts.append("requires_grad=True")
    return parts


def _edges(a: np.ndarray) -> list:
    """The indices along the first axis that a summary shows; None stands for those between."""
    n, edge = len(a), _Options.edgeitems
    return [*range(edge), None, *range(n - edge, n)] if n > 2 * edge else list(range(n))


def _nested(a: np.ndarray, indent: int, summarise: bool, writer: Any) -> str:
    """The entries in brackets, a line for each row."""
    width, write = writer
    if a.ndim == 0:
        return write(a.item())
    shown = _edges(a) if summarise else list(range(len(a)))
    if a.ndim > 1:
        rows = ["..." if i is None else _nested(a[i], indent + 1, summarise, writer) for i in shown]
        return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
    entries = [" ..." if i is None else write(a[i].item()) for i in shown]
    n = max(1, (_Options.linewidth - indent) // (width + 2))
    lines = [", ".join(entries[i : i + n]) for i in range(0, len(entries), n)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _summary(a: np.ndarray) -> np.ndarray:
    """The entries that are shown."""
    for axis in range(a.ndim):
        edge = _Options.edgeitems
        if a.shape[axis] > 2 * edge:
            a = np.take(a, [*range(edge), *range(-edge, 0)], axis)
    return a


def _writer(a: np.ndarray) -> tuple[int, Any]:
    """The width of an entry and the function that writes one."""
    shown = (_summary(a) if a.size > _Options.threshold else a).ravel()
    if a.dtype.kind != "f":
        width = max(len(str(v)) for v in shown.tolist())
        return width, lambda v: str(v).rjust(width)
    form = _form(shown[np.isfinite(shown) & (shown != 0)].astype(np.float64))
    width = max([len(form(v)) for v in shown.tolist() if math.isfinite(v) and v], default=1)
    return width, lambda v: form(v).rjust(width)


def _form(values: np.ndarray) -> Any:
    """Whole floats as '1.', others with four decimals, or powers of ten where they differ too much."""
    digits, sizes = _Options.precision, np.abs(values)
    if values.size == 0:
        return _whole
    far = sizes.max() / sizes.min() > 1000 or sizes.max() > 1e8 or sizes.min() < 1e-4
    if far if _Options.sci_mode is None else _Options.sci_mode:
        return lambda v: f"{v:.{digits}e}"
    return _whole if (values == np.ceil(values)).all() else lambda v: f"{v:.{digits}f}"


def _whole(v: float) -> str:
    return f"{v:.0f}." if math.isfinite(v) else f"{v:.0f}"
