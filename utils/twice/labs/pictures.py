"""Pictures for the labs: maps of numbers side by side, in grey, with the numbers in them where they are few."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray

NUMBERS = 12  # rows and columns up to which the numbers are written into the picture


def maps(arrays: Sequence[Any], titles: Sequence[str] = (), height: float = 2.6, signed: bool = False) -> None:
    """Show 2-D arrays next to each other; `signed` puts 0 at middle grey, so that both signs of an edge are seen."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(arrays), figsize=(height * len(arrays), height + 0.3), layout="constrained")
    for axis, array, title in zip(np.atleast_1d(axes), arrays, [*titles, *[""] * len(arrays)]):
        _map(axis, np.asarray(array, float), signed)
        axis.set_title(title, fontsize=10)
    plt.show()
    plt.close(figure)


def _map(axis: Any, array: Array, signed: bool) -> None:
    low, high = float(array.min()), float(array.max())
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    axis.imshow(array, cmap="gray", vmin=low, vmax=high if high > low else low + 1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(color="gray", linewidth=0.8)
    if max(array.shape) <= NUMBERS:
        middle = (low + high) / 2
        for (row, column), value in np.ndenumerate(array):
            colour = "black" if value > middle else "white"
            axis.text(column, row, f"{value:.3g}", ha="center", va="center", color=colour, fontsize=9)


def curves(signals: Sequence[Any], titles: Sequence[str], at: Any = None) -> None:
    """Show 1-D signals in one diagram, each number as a dot; `at` says where along the axis, if not 0, 1, 2, …"""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
    for signal, title, marker in zip(signals, titles, "os^Dv"):
        places = np.arange(len(signal)) if at is None else at
        axis.plot(places, np.asarray(signal, float), marker=marker, markersize=4, label=title)
    axis.legend(frameon=False, fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    plt.show()
    plt.close(figure)
