"""Lengths to compare: counts, times, accuracies, each with its number."""

from collections.abc import Mapping

from twice.show.palette import CYCLE, ENGINES
from twice.show.picture import Picture
from twice.show.style import WIDTH, drawing, style


def bars(
    lengths: Mapping[str, float],
    *,
    alt: str,
    x: str = "",
    log: bool = False,
    format: str = "{:.3g}",
    width: str = "36em",
) -> Picture:
    """One horizontal bar a name, the first on top; names that begin with an engine's have its colour."""
    from matplotlib import pyplot

    with style():
        figure, axes = pyplot.subplots(figsize=(WIDTH, 0.55 + 0.34 * len(lengths)))
        colors = [next((c for e, c in ENGINES.items() if name.startswith(e)), CYCLE[-1]) for name in lengths]
        drawn = axes.barh(range(len(lengths)), list(lengths.values()), color=colors, height=0.62)
        axes.set_yticks(range(len(lengths)), list(lengths))
        axes.bar_label(drawn, [_written(value, format) for value in lengths.values()], padding=3, fontsize=10)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.16)
        axes.set_xlabel(x)
        if log:
            axes.set_xscale("log")
        return drawing(figure, alt, width)


def _written(value: float, format: str) -> str:
    """A number as people write it: 1,770 and not 1.77e+03, with a true minus."""
    text = format.format(value)
    return (f"{value:,.0f}" if "e+" in text else text).replace("-", "−")
