"""The summary as bars: where the parameters are, and where the work is."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twice.summary.table import Summary


def bars(summary: "Summary") -> Any:
    """Two panels of horizontal bars, one line a layer, in order of execution from the top."""
    import matplotlib.pyplot  # noqa: F401  a notebook learns from it how to show a figure
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    rows = [row for row in summary.layers if row.parameters or row.multiply_adds]
    places = range(len(rows))
    figure = Figure(figsize=(9, 1.2 + 0.22 * len(rows)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, name, colour in ((left, "parameters", "C0"), (right, "multiply_adds", "C1")):
        axes.barh(places, [getattr(row, name) for row in rows], color=colour, height=0.7)
        axes.set_title(f"{name.replace('_', '-')}: {getattr(summary, name):,}", fontsize=10)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    left.set_yticks(places, [row.name or row.kind for row in rows], fontsize=8)
    left.set_ylim(len(rows) - 0.4, -0.6)
    return figure
