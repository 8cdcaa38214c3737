"""Numbers and arrays as aligned text: whole where they are small, around the place that matters where not."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice.labs.plain import number

Array = np.ndarray
Place = tuple[int, ...]

WIDTH = 100  # columns of text
WHOLE = 10  # rows and columns of a matrix that is shown whole
ENTRIES = 72  # of an array with more axes that is shown whole
AROUND = 3  # rows and columns on each side of the worst place
CHARACTERS = 400  # of a value that is not an array
MARK = "*"


def formatted(arrays: Sequence[Array]) -> list[Array]:
    """The entries of all arrays as strings of one form: whole numbers, as few decimals as tell, or powers of ten."""
    form = _form(arrays)
    return [np.array([form(v) for v in a.reshape(-1)], dtype=object).reshape(a.shape) for a in arrays]


def _form(arrays: Sequence[Array]) -> Callable[[Any], str]:
    flat = np.concatenate([np.asarray(a, np.float64).reshape(-1) for a in arrays])
    finite = flat[np.isfinite(flat)]
    largest = float(np.abs(finite).max(initial=0.0))
    if all(a.dtype == bool for a in arrays):
        return str
    if np.all(finite == np.round(finite)) and largest < 1e9:
        return lambda v: f"{v + 0:.0f}"  # + 0: no "-0"
    if not 1e-4 <= largest < 1e6:
        return lambda v: f"{v:.3e}"
    decimals = _decimals(finite, largest)
    return lambda v: f"{v + 0.0:.{decimals}f}"


def _decimals(numbers: Array, largest: float) -> int:
    """Four digits of the largest number, or fewer where all numbers end before."""
    most = max(0, 3 - math.floor(math.log10(largest)))
    return next((d for d in range(most) if np.allclose(numbers, np.round(numbers, d), rtol=0, atol=1e-12)), most)


def told_apart(expected: Array, got: Array, wrong: Array) -> tuple[Array, Array]:
    """Both as strings; entries that differ and would look equal get as many digits as it takes."""
    e, g = formatted([expected, got])
    for place in map(tuple, np.argwhere(wrong & (e == g))):
        digits = next((d for d in range(5, 17) if f"{expected[place]:.{d}g}" != f"{got[place]:.{d}g}"), 17)
        e[place], g[place] = f"{float(expected[place]):.{digits}g}", f"{float(got[place]):.{digits}g}"
    return e, g


def grid(cells: Array, wrong: Array | None = None) -> str:
    """Rows of aligned strings; the wrong ones carry a mark."""
    marks = np.zeros(cells.shape, bool) if wrong is None else wrong
    texts = [
        [c + (MARK if m else " ") for c, m in zip(*row)] for row in zip(np.atleast_2d(cells), np.atleast_2d(marks))
    ]
    width = max((len(t) for row in texts for t in row), default=0)
    return "\n".join(" ".join(t.rjust(width) for t in row).rstrip() for row in texts)


def windows(shape: tuple[int, ...], worst: Place | None) -> list[tuple[str, tuple]]:
    """Which parts of an array are shown, each with a caption: all of it, or what lies around the worst place."""
    plane, lead = shape[-2:], shape[:-2]
    whole = all(n <= WHOLE for n in plane)
    if whole and math.prod(shape) <= (ENTRIES if lead else WHOLE * WHOLE):
        places = list(np.ndindex(*lead)) if lead else [()]
        return [(f"[{', '.join(map(str, p))}]" if lead else "", (*p, ...)) for p in places]
    centre = worst if worst is not None else (0,) * len(shape)
    slices = tuple(_around(c, n) for c, n in zip(centre[-2:], plane))
    spans = [f"{s.start}:{s.stop}" if s.stop - s.start < n else ":" for s, n in zip(slices, plane)]
    return [(f"[{', '.join([*map(str, centre[: len(lead)]), *spans])}]", (*centre[: len(lead)], *slices))]


def _around(centre: int, n: int) -> slice:
    if n <= WHOLE:
        return slice(0, n)
    start = min(max(centre - AROUND, 0), n - (2 * AROUND + 1))
    return slice(start, start + 2 * AROUND + 1)


def folded(array: Array) -> Array:
    """Without a last axis of 1, where it would make a block of one column out of each row."""
    while array.ndim > 2 and array.shape[-1] == 1 and array.size > array.shape[-2]:
        array = array[..., 0]
    return array


def shape_of(array: Array) -> str:
    """What kind of array it is, in words."""
    return f"array of shape {array.shape}" if array.ndim else "number"


def block(value: Any, worst: Place | None = None) -> str:
    """A value on its own, over as many lines as it takes."""
    if not is_block(value):
        return short(value)
    if not value.size:
        return shape_of(value)
    parts, flat = [], folded(value)
    for caption, part in windows(flat.shape, worst):
        cells = grid(formatted([flat[part]])[0])
        parts.append(f"{caption}\n{cells}" if caption else cells)
    return "\n".join([shape_of(value), *parts])


def short(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, np.ndarray):
        return shape_of(value) if value.ndim else number(value.item())
    if isinstance(value, tuple | list):
        inside = ", ".join(map(short, value))
        text = f"({inside}{',' * (len(value) == 1)})" if isinstance(value, tuple) else f"[{inside}]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{k}: {short(v)}" for k, v in value.items()) + "}"
    else:
        text = number(value) if isinstance(value, float) else repr(value)
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def beside(texts: Sequence[str], gap: int = 4) -> str:
    """Blocks of text next to each other, as many in a row as the width allows."""
    rows: list[list[list[str]]] = [[]]
    for lines in (text.split("\n") for text in texts):
        taken = sum(max(map(len, other)) + gap for other in rows[-1])
        if rows[-1] and taken + max(map(len, lines)) > WIDTH:
            rows.append([])
        rows[-1].append(lines)
    return "\n\n".join(_row(row, gap) for row in rows if row)


def _row(blocks: list[list[str]], gap: int) -> str:
    height = max(map(len, blocks))
    columns = [[line.ljust(max(map(len, b)) + gap) for line in b + [""] * (height - len(b))] for b in blocks]
    return "\n".join("".join(line).rstrip() for line in zip(*columns))


def is_block(value: Any) -> bool:
    """Whether a value takes several lines: an array that is not a single number."""
    return isinstance(value, np.ndarray) and value.ndim > 0
