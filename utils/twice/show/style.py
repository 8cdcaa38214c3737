"""The look that matplotlib's figures have in the book, and the way from a figure to a picture in the page's colours."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from typing import Any

from twice.show.palette import CYCLE, FOREGROUND, MUTED, in_page_colours
from twice.show.picture import Picture, require_alt

WIDTH, HEIGHT = 5.0, 3.0  # inches: so that 10 point letters are legible on a telephone


def _settings() -> dict[str, Any]:
    from cycler import cycler

    return {
        "figure.figsize": (WIDTH, HEIGHT),
        "figure.constrained_layout.use": True,
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.labelcolor": FOREGROUND,
        "axes.titlecolor": FOREGROUND,
        "axes.titlesize": 11,
        "axes.labelsize": 11,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=CYCLE, linestyle=["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), "-"]),
        "grid.color": MUTED,
        "grid.alpha": 0.3,
        "text.color": FOREGROUND,
        "xtick.color": FOREGROUND,
        "ytick.color": FOREGROUND,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "legend.frameon": False,
        "legend.fontsize": 10,
        "lines.linewidth": 1.8,
        "font.size": 10,
        "svg.fonttype": "none",
        "image.cmap": "cividis",
    }


@contextmanager
def style() -> Iterator[None]:
    """`with style():` gives the figures made inside the book's look; `drawing(figure)` then shows them."""
    import matplotlib as mpl

    settings: Any = _settings()
    with mpl.rc_context(settings):
        yield


def drawing(figure: Any, alt: str, width: str = "36em") -> Picture:
    """A matplotlib figure as SVG in the page, at most so wide; the figure is closed."""
    import matplotlib as mpl
    from matplotlib import pyplot

    require_alt(alt)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": sha256(alt.encode()).hexdigest()}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    return Picture(_in_page(buffer.getvalue(), alt, width), alt)


def _in_page(svg: str, alt: str, width: str) -> str:
    """The `<svg>` element alone: no fixed size, no font of its own, no names that a second figure would repeat."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'(<g\b[^>]*?) id="[^"]*"', r"\1", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", svg)
    svg = re.sub(r"font: (\w+) ([\d.]+)px [^;\"]*", r"font-weight: \1; font-size: \2px; font-family: inherit", svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    look = f"display:block;width:100%;max-width:{width};height:auto;margin:1em 0;color:inherit"
    opening = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" {box[0]}'
    opening += f' role="img" aria-label="{escape(alt, quote=True)}" class="twice-picture" style="{look}">'
    return in_page_colours(re.sub(r"<svg\b[^>]*>", lambda _: opening, svg, count=1))
