"""Lines over a common axis: losses, signals, functions."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twice.show.palette import ENGINES
from twice.show.picture import Picture
from twice.show.style import drawing, style


def curves(
    lines: Mapping[str, Any],
    *,
    alt: str,
    x: str = "",
    y: str = "",
    log: str = "",
    points: bool = False,
    steps: bool = False,
    width: str = "36em",
) -> Picture:
    """One line a name: its values, or a pair (positions, values). A name of "NumPy" or "PyTorch" gets its colour.

    x, y     words at the axes
    log      "x", "y" or "xy": logarithmic
    points   a dot at each value, for signals
    steps    vertical stems instead of a line
    """
    from matplotlib import pyplot

    with style():
        figure, axes = pyplot.subplots()
        for above, (name, line) in enumerate(lines.items()):
            where, values = line if isinstance(line, tuple) else (np.arange(len(line)), line)
            size = 9 - 3 * min(above, 2) if steps else 4  # what is drawn later leaves what is below it to be seen
            _draw(axes, np.asarray(where), np.asarray(values), name, points, steps, size)
        axes.set(xlabel=x, ylabel=y)
        if "x" in log:
            axes.set_xscale("log")
        if "y" in log:
            axes.set_yscale("log")
        if "x" not in log and _whole(axes):
            axes.xaxis.set_major_locator(pyplot.MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        if any(lines) and len(lines) > 1:
            _name_the_lines(axes)
        return drawing(figure, alt, width)


def _draw(axes: Any, where: np.ndarray, values: np.ndarray, name: str, points: bool, steps: bool, size: int) -> None:
    color = ENGINES.get(name)
    if steps:
        (line,) = axes.plot(where, values, "o", linestyle="none", markersize=size, label=name, color=color)
        axes.vlines(where, 0, values, colors=line.get_color(), linewidth=1.5)
    else:
        axes.plot(where, values, marker="o" if points else None, markersize=size, label=name, color=color)


def _name_the_lines(axes: Any) -> None:
    """Inside the axes where no line runs, else above them, in two columns if these fit; the axes keep their height."""
    figure, lines = axes.figure, axes.get_lines()
    figure.canvas.draw()
    box = axes.legend().get_window_extent()
    if not any(line.get_path().transformed(line.get_transform()).intersects_bbox(box, False) for line in lines):
        return
    for columns in (2, 1):
        names = axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)
        box = names.get_window_extent()
        if box.x1 <= figure.bbox.x1:
            break
    figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)


def _whole(axes: Any) -> bool:
    """Whether all positions are whole numbers, such as steps, epochs and layers: then there is no half of one."""
    where = [np.asarray(line.get_xdata(), float) for line in axes.get_lines()]
    return all(np.array_equal(positions, np.round(positions)) for positions in where)
