"""Small arrays as grids of numbers, with signs between them: a worked example at one glance."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from twice.show.palette import css
from twice.show.picture import Picture, figure

CELL = 34
Place = tuple[int, int]


def numbers(
    *parts: Any, names: Sequence[str] = (), mark: dict[int, Iterable[Place]] | None = None, alt: str = ""
) -> Picture:
    """Arrays of one or two axes and signs, as in numbers(x, "∗", w, "=", y).

    names   words above the arrays, in their order
    mark    places to stand out, as {index of the array: [(row, column), …]}
    alt     what the picture shows; by default the numbers themselves
    """
    arrays = [np.atleast_2d(part) for part in parts if not isinstance(part, str)]
    if not arrays or any(a.ndim != 2 for a in arrays):
        raise ValueError(
            f"numbers: parts have {[np.ndim(p) for p in parts]} axes, expected arrays of one or two and signs"
        )
    words = iter([*names, *[""] * (len(arrays) - len(names))])
    marks = {index: set(places) for index, places in (mark or {}).items()}
    content, index = [], 0
    for part in parts:
        if isinstance(part, str):
            content.append(f'<span style="font-size:1.6em;padding:0 .1em">{escape(part)}</span>')
        else:
            content.append(_named(_grid(arrays[index], marks.get(index, set())), next(words)))
            index += 1
    look = "display:flex;flex-wrap:wrap;align-items:center;gap:.6em"
    return figure("".join(content), alt or _spoken(parts, names), look)


def _named(svg: str, name: str) -> str:
    above = f'<div style="font-size:.85em;opacity:.85;margin-bottom:.25em">{escape(name)}</div>' if name else ""
    return f'<div style="text-align:center;max-width:100%">{above}{svg}</div>'


def _grid(array: np.ndarray, marked: set[Place]) -> str:
    """One array as SVG: what is not zero has a tint that grows with its size, what is marked has a frame."""
    texts = [[_short(value) for value in row] for row in array]
    width = max(CELL, 9 * max((len(text) for row in texts for text in row), default=1) + 12)
    rows, columns = array.shape
    top = float(np.nanmax(np.abs(np.where(np.isfinite(array), array, 0)), initial=0)) or 1.0
    cells = "".join(
        _cell(column * width, row * CELL, width, texts[row][column], abs(float(array[row, column])) / top)
        for row, column in np.ndindex(array.shape)
    )
    frames = "".join(
        f'<rect x="{column * width + 2}" y="{row * CELL + 2}" width="{width - 4}" height="{CELL - 4}" fill="none"'
        f' stroke="{css("torch")}" stroke-width="3"/>'
        for row, column in sorted(marked)
    )
    size = f'viewBox="-1 -1 {columns * width + 2} {rows * CELL + 2}" width="{columns * width + 2}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto;display:block"'
        f' font-size="15" text-anchor="middle" fill="currentColor" aria-hidden="true">{cells}{frames}</svg>'
    )


def _cell(x: int, y: int, width: int, text: str, strength: float) -> str:
    tint = round(0.22 * strength, 3) if np.isfinite(strength) else 0
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{CELL}" fill="{css("numpy")}" fill-opacity="{tint}"'
        f' stroke="currentColor" stroke-opacity=".4"/>'
        f'<text x="{x + width / 2:g}" y="{y + CELL / 2 + 5:g}">{escape(text)}</text>'
    )


def _short(value: Any) -> str:
    """At most three digits behind the point, and a true minus."""
    number = float(value)
    return f"{number:.4g}".replace("-", "−")


def _spoken(parts: Sequence[Any], names: Sequence[str]) -> str:
    """The numbers row by row: small arrays are read aloud."""
    said, words = [], iter(names)
    for part in parts:
        if isinstance(part, str):
            said.append(part)
        else:
            rows = "; ".join(" ".join(map(_short, row)) for row in np.atleast_2d(part))
            said.append(f"{next(words, '')} [{rows}]".strip())
    return " ".join(said)
