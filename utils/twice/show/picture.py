"""What every function of this room returns: a picture as HTML that takes the page's colours and says what it shows."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Picture:
    """HTML or SVG for a notebook; its `alt` in a terminal and for those who do not see it."""

    html: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.html


def figure(content: str, alt: str, style: str = "") -> Picture:
    """One picture made of parts: read as a single image that says `alt`."""
    require_alt(alt)
    look = f"margin:1em 0;color:inherit;{style}"
    label = escape(alt, quote=True)
    return Picture(f'<div class="twice-picture" role="img" aria-label="{label}" style="{look}">{content}</div>', alt)


def require_alt(alt: str) -> None:
    """A picture without words shows nothing to some readers."""
    if not alt.strip():
        raise ValueError("show: alt is empty, expected a sentence that says what the picture shows")


def beside(*pictures: Picture) -> Picture:
    """Pictures side by side where there is room, else one below the other."""
    parts = "".join(f'<div style="flex:1 1 18em;min-width:0">{picture.html}</div>' for picture in pictures)
    row = f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">{parts}</div>'
    return Picture(row, " ".join(picture.alt for picture in pictures))
