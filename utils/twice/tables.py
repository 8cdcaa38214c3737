"""A table of texts, aligned for a terminal or as HTML in the colours of the page around it, light or dark."""

import html
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """The cells of one line; a strong line stands out in a notebook."""

    cells: Sequence[str]
    strong: bool = False


def headed(title: str, said: str) -> str:
    """`TITLE: what is said`; without a title, a sentence of its own."""
    return f"{title}: {said}" if title else said[:1].upper() + said[1:]


def plain(title: str, header: Sequence[str], lines: Sequence[Line], right: Sequence[int] = ()) -> str:
    """The table with columns of equal width; the columns in `right` end flush."""
    table = [header, *(line.cells for line in lines)]
    widths = [max(map(len, column)) for column in zip(*table)]
    texts = [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))
        ).rstrip()
        for row in table
    ]
    texts.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([title, *texts])


def as_html(
    title: str, header: Sequence[str], lines: Sequence[Line], right: Sequence[int] = (), height: str = ""
) -> str:
    """The table for a notebook, its title above it; with a height it scrolls inside it."""
    cell = "padding:.15em .8em;text-align:{};border:0;white-space:{};"
    cell += "border-bottom:1px solid rgba(128,128,128,.35);background:none;color:inherit"
    sides, breaks = ("left", "right"), {"th": "normal", "td": "pre"}

    def line(cells: Sequence[str], tag: str, weight: str) -> str:
        return (
            f'<tr style="background:none;font-weight:{weight}">'
            + "".join(
                f'<{tag} style="{cell.format(sides[i in right], breaks[tag])}">{html.escape(text)}</{tag}>'
                for i, text in enumerate(cells)
            )
            + "</tr>"
        )

    body = [line(row.cells, "td", "bold" if row.strong else "normal") for row in lines]
    scroll = f"overflow:auto;max-height:{height}" if height else "overflow-x:auto"
    return (
        f'<p style="margin:0 0 .3em;color:inherit">{html.escape(title)}</p>'
        f'<div style="{scroll};color:inherit"><table style="border-collapse:collapse;color:inherit">'
        f"<thead>{line(header, 'th', 'bold')}</thead><tbody>{''.join(body)}</tbody></table></div>"
    )
