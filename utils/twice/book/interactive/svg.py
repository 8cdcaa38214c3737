"""The few shapes that stills are drawn with, as SVG in the page's colours."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from twice.show.palette import css

WIDTH = 460
FAINT = 'stroke="currentColor" stroke-opacity=".4"'
MARK = css("torch")
SMALLEST = 20  # the narrowest cell whose number can be read


def svg(height: float, content: Iterable[str]) -> str:
    """A drawing of the stills' common width."""
    look = f'width="{WIDTH}" style="max-width:100%;height:auto;display:block" fill="currentColor" font-size="14"'
    box = f'viewBox="0 0 {WIDTH} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {look}>{"".join(content)}</svg>'


def rect(x: float, y: float, width: float, height: float, look: str) -> str:
    """A box with its look as attributes."""
    return f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.4g}" height="{height:.4g}" {look}/>'


def text(x: float, y: float, words: str, look: str = "") -> str:
    """Words in the page's colour."""
    return f'<text x="{x:.5g}" y="{y:.5g}" {look}>{escape(words)}</text>'


def points(places: Iterable[Sequence[float]]) -> str:
    """Places as the attribute of a line or a polygon."""
    return f'points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"'


def cells(values: np.ndarray, x: float, y: float, side: float, height: float) -> list[str]:
    """A grid of numbers, the larger the darker; numbers that would be too small to read are left out."""
    top = float(np.abs(values).max()) or 1.0
    drawn = []
    for (row, column), number in np.ndenumerate(values):
        left, above = x + column * side, y + row * height
        tint = f'fill="{css("numpy")}" fill-opacity="{0.26 * abs(number) / top:.2g}"'
        drawn.append(rect(left, above, side, height, f"{tint} {FAINT}"))
        if side > SMALLEST:
            words = f"{number:.3g}".replace("-", "−")
            drawn.append(text(left + side / 2, above + height / 2 + 5, words, 'text-anchor="middle" font-size="13"'))
    return drawn


def frame(x: float, y: float, width: float, height: float) -> str:
    """A box around what is meant."""
    return rect(x, y, width, height, f'fill="none" stroke="{MARK}" stroke-width="3"')
