"""Drawings that leave the page: an SVG with the page's colours in it, for notebooks and other places without them."""

import base64
import re
from dataclasses import dataclass
from functools import cache
from html import unescape

from twice.book.hosting import STATIC

# The theme's colours as they are by day; a notebook by night shows a picture on white paper.
PAPER = {
    "--pst-color-text-base": "#222832",
    "--pst-color-text-muted": "#48566b",
    "--pst-color-background": "#ffffff",
    "--pst-color-on-background": "#ffffff",
    "--pst-color-surface": "#f3f4f5",
    "--pst-color-border": "#c9cdd3",
    "--pst-color-primary": "#0a7d91",
    "--pst-color-link": "#0a7d91",
    "--pst-font-family-base": "sans-serif",
}
SVG = re.compile(r"<svg\b[^>]*>.*?</svg>", re.DOTALL)
LABEL = re.compile(r'aria-label="([^"]*)"')


@dataclass(frozen=True)
class Drawing:
    """An SVG element and what it shows, in words."""

    element: str
    alt: str


def first_svg(html: str) -> Drawing | None:
    """The first drawing in a piece of HTML; of one with a wide and a narrow form that is the wide one."""
    found = SVG.search(html)
    if found is None:
        return None
    label = LABEL.search(html[: found.start()]) or LABEL.search(found.group())
    return Drawing(found.group(), unescape(label[1]) if label else "")


@cache
def look() -> str:
    """The rules that a drawing needs to look alone as it does on the page."""
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "site.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    ours = re.search(r"^html \{(.*?)\}", css, re.MULTILINE | re.DOTALL)
    rules = re.findall(r"^[^{}@\n]*\.(?:drawing|timing)\b[^{}\n]*\{[^}]*\}", css, re.MULTILINE)
    assert ours is not None
    colours = "".join(f"{name}:{value};" for name, value in PAPER.items()) + " ".join(ours[1].split())
    return f":root{{{colours}color:#222832;background:#fff;font:14px sans-serif}}{''.join(rules)}"


def alone(drawing: Drawing) -> str:
    """The SVG as a file of its own."""
    head, rest = drawing.element.split(">", 1)
    own = re.search(r'class="([^"]*)"', head)
    head = re.sub(r'\s(class|style)="[^"]*"', "", head)
    space = "" if "xmlns=" in head else ' xmlns="http://www.w3.org/2000/svg"'
    return f'{head}{space} class="drawing timing {own[1] if own else ""}"><style>{look()}</style>{rest}'


def embedded(drawing: Drawing) -> str:
    """The drawing as an address that holds all of it."""
    return "data:image/svg+xml;base64," + base64.b64encode(alone(drawing).encode()).decode()
