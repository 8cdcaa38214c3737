"""Timings: the stored result of `twice bench` as a dot plot that says where it comes from. No page holds a number."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from twice.book.drawing import inline
from twice.book.fingerprint import note_content
from twice.machine import described

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TOP, HEAD, MEAN = 64, 20, "geometric mean"  # the legend and the axis; its distance from the first row; the last row


@dataclass(frozen=True)
class Timing:
    """One row of the plot: ratios of NumPy's time to PyTorch's."""

    op: str
    ratio: float
    forward: float | None = None
    hint: str = ""


@dataclass(frozen=True)
class Layout:
    """Where things stand: the axis from `left` to `right`, the words beside it or above it."""

    name: str
    width: int
    left: int
    right: int
    row: int
    above: bool


WIDE = Layout("wide", 700, 200, 640, 27, above=False)
NARROW = Layout("narrow", 340, 14, 326, 42, above=True)


def ratio(row: dict[str, Any]) -> float:
    """Forward and backward together, where there is a backward."""
    both: float | None = row["ratio_forward_backward"]
    return row["ratio_forward"] if both is None else both


def timings(rows: Sequence[dict[str, Any]]) -> list[Timing]:
    """From the one where NumPy does best to the one where PyTorch does."""
    return [
        Timing(
            row["op"],
            ratio(row),
            None if row["ratio_forward_backward"] is None else row["ratio_forward"],
            f"{row['op']}: NumPy {row['ours_ms']:.3g} ms, PyTorch {row['theirs_ms']:.3g} ms",
        )
        for row in sorted(rows, key=ratio)
    ]


def counted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that enter the mean; one row has none."""
    rows = [row for row in rows if row["counted"] and row["ratio_forward_backward"] is not None]
    return rows if len(rows) > 1 else []


def geometric_mean(ratios: Sequence[float]) -> float:
    """exp of the mean logarithm: the fair mean of ratios."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def reach(shown: Sequence[Timing]) -> tuple[float, float]:
    """The axis, in powers of two: all dots with some air, at least ½ to 2, and on each side of 1 room for its words."""
    powers = [math.log2(v) for t in shown for v in (t.ratio, t.forward) if v is not None]
    low, high = min(-1.0, *powers) - 0.25, max(1.0, *powers) + 0.25
    return min(low, -high / 1.5), max(high, -low / 1.5)


def tick(power: int) -> str:
    """2 or ½, as a reader says it."""
    return str(2**power) if power >= 0 else {-1: "½", -2: "¼"}.get(power, f"1/{2**-power}")


def plot(shown: Sequence[Timing], mean: float | None, layout: Layout) -> str:
    """The plot as SVG, in the page's colours."""
    low, high = reach(shown)
    lines = [*shown, *([] if mean is None else [Timing(MEAN, mean)])]
    bottom = TOP + HEAD + layout.row * len(lines)

    def x(value: float) -> float:
        return round(layout.left + (math.log2(value) - low) / (high - low) * (layout.right - layout.left), 1)

    parts = [legend(layout), *axis(x, low, high, bottom)]
    for i, line in enumerate(lines):
        parts.append(dots(line, x, TOP + HEAD + layout.row * i + layout.row // 2, layout, line.op == MEAN))
    size = f'class="{layout.name}" viewBox="0 0 {layout.width} {bottom + 4}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def legend(layout: Layout) -> str:
    """What the two kinds of dots mean."""
    left = layout.left
    return (
        f'<circle class="both" cx="{left + 5}" cy="12" r="5"/><text x="{left + 16}" y="17">forward + backward</text>'
        f'<circle class="forward" cx="{left + 189}" cy="12" r="4"/><text x="{left + 200}" y="17">forward alone</text>'
    )


def axis(x: Any, low: float, high: float, bottom: int) -> list[str]:
    """A line at each power of two; the one at 1 says what it means."""
    parts = [
        f'<text class="numpy" text-anchor="end" x="{x(1) - 10}" y="44">← NumPy faster</text>',
        f'<text class="torch" x="{x(1) + 10}" y="44">PyTorch faster →</text>',
    ]
    for power in range(math.ceil(low), math.floor(high) + 1):
        at, kind = x(2.0**power), "one" if power == 0 else "tick"
        parts.append(f'<line class="{kind}" x1="{at}" x2="{at}" y1="{TOP + 8}" y2="{bottom}"/>')
        parts.append(f'<text class="{kind}" text-anchor="middle" x="{at}" y="{TOP + 2}">{tick(power)}</text>')
    return parts


def dots(line: Timing, x: Any, y: int, layout: Layout, is_mean: bool) -> str:
    """One row: the operation's name, a stem from 1 to its ratio, the dots, the number."""
    words, at = (y - 9, y + 8) if layout.above else (y + 5, y)
    name, anchor = (layout.left, "start") if layout.above else (layout.left - 14, "end")
    number = layout.right if layout.above else layout.width - 4
    side = "numpy" if line.ratio < 1 else "torch"
    middle = x(line.ratio)
    mark = f'<circle class="both" cx="{middle}" cy="{at}" r="5"/>'
    if is_mean:
        mark = f'<path class="both" d="M{middle} {at - 7}l7 7-7 7-7-7z"/>'
    elif line.forward is not None:
        mark += f'<circle class="forward" cx="{x(line.forward)}" cy="{at}" r="4"/>'
    return (
        f'<g class="{side}{" mean" if is_mean else ""}"><title>{escape(line.hint or line.op)}</title>'
        f'<text text-anchor="{anchor}" x="{name}" y="{words}">{escape(line.op)}</text>'
        f'<text text-anchor="end" x="{number}" y="{words}">{line.ratio:.2f}</text>'
        f'<line class="stem" x1="{x(1)}" x2="{middle}" y1="{at}" y2="{at}"/>{mark}</g>'
    )


def description(shown: Sequence[Timing], mean: float | None) -> str:
    """What the plot shows, for those who do not see it."""
    first, last = shown[0], shown[-1]
    faster = sum(t.ratio < 1 for t in shown)
    said = (
        f"Dot plot of {len(shown)} operations: NumPy's time divided by PyTorch's, from {first.ratio:.2f} "
        f"({first.op}) to {last.ratio:.2f} ({last.op}). NumPy is faster in {faster} of them."
    )
    return said if mean is None else f"{said} The geometric mean is {mean:.2f}."


def caption(rows: Sequence[dict[str, Any]], environment: dict[str, Any]) -> str:
    """What to read from the plot, and where it comes from."""
    kept = counted(rows)
    said = "NumPy's time divided by PyTorch's on the same processor; every step of the axis is a factor of two."
    if kept:
        said += f" The geometric mean of {len(kept)} operations is {geometric_mean([ratio(row) for row in kept]):.2f}"
        left_out = " and ".join(f"“{row['op']}”" for row in rows if row not in kept)
        said += f"; it leaves out {left_out}." if left_out else "."
    return f"{said} Measured with twice bench: {described(environment)}."


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The same as numbers, folded."""
    head = ("operation", "NumPy, ms", "PyTorch, ms", "ratio", "forward alone")
    body = "".join(
        f"<tr><td>{escape(row['op'])}</td><td>{row['ours_ms']:.3g}</td><td>{row['theirs_ms']:.3g}</td>"
        f"<td>{ratio(row):.2f}</td><td>{row['ratio_forward']:.2f}</td></tr>"
        for row in rows
    )
    heads = "".join(f'<th scope="col">{text}</th>' for text in head)
    return (
        '<details class="numbers"><summary>The numbers</summary><table class="table">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></details>"
    )


def chosen(rows: Sequence[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """The rows with one of the words (separated by commas) in their names."""
    wanted = [word.strip().lower() for word in words.split(",")]
    for word in wanted:
        if not any(word in row["op"].lower() for row in rows):
            raise ValueError(f"timing: only: no row's name has {word!r} in it; there are: {names(rows)}")
    return [row for row in rows if any(word in row["op"].lower() for word in wanted)]


def names(rows: Sequence[dict[str, Any]]) -> str:
    """The rows' names, one after the other."""
    return ", ".join(row["op"] for row in rows)


class TimingPlot(SphinxDirective):
    """`{timing} result.json`: the plot of what `twice bench --json result.json` has stored, or that nothing is.

    `:only: LeNet, pool` shows the rows that have one of these words in their names.
    """

    required_arguments = 1
    option_spec: ClassVar = {"only": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """The page is read again when the file's content changes: one that was moved here may be older."""
        relative, path = self.env.relfn2path(self.arguments[0])
        note_content(self.env, Path(path))
        if not Path(path).exists():
            command = f"twice bench --json {relative}"
            return [
                nodes.paragraph("", "No measurement is stored here yet. This makes one: ", nodes.literal("", command))
            ]
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = self.rows(result)
        shown, kept = timings(rows), counted(rows)
        mean = geometric_mean([ratio(row) for row in kept]) if kept else None
        said = description(shown, mean)
        svg = "".join(inline(plot(shown, mean, layout), said) for layout in (WIDE, NARROW))
        figure = nodes.figure("", nodes.raw("", svg, format="html"), classes=["drawing", "timing"])
        figure += nodes.caption("", caption(rows, result["environment"]))
        return [figure, nodes.raw("", table(rows), format="html")]

    def rows(self, result: dict[str, Any]) -> list[dict[str, Any]]:
        """All rows, or those that the page asks for."""
        try:
            return chosen(result["rows"], self.options["only"]) if "only" in self.options else result["rows"]
        except ValueError as error:
            raise self.error(str(error)) from None


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("timing", TimingPlot)
