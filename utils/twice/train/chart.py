"""The history of a run as curves, in colours that a light and a dark page both carry."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twice.train.history import History

INK = "#808080"  # a grey that is read on white and on black
TRAIN, VALIDATION = "#3b8bd0", "#e07b39"


def curves(history: "History") -> Any:
    """A panel for the loss, for each metric, and for the learning rate if it ever changed."""
    import matplotlib.pyplot  # noqa: F401  a notebook learns from it how to show a figure
    from matplotlib.figure import Figure

    names = [name.removeprefix("train_") for name in history.columns if name.startswith("train_")] or ["loss"]
    with_rate = len(set(history.rates)) > 1
    figure = Figure(figsize=(4.5 * (len(names) + with_rate), 3.2), layout="constrained", facecolor="none")
    panels = figure.subplots(1, len(names) + with_rate, squeeze=False)[0]
    if history.losses:
        panels[0].plot(_epochs(history), history.losses, color=TRAIN, alpha=0.45, linewidth=0.8, label="each step")
    for axes, name in zip(panels, names):
        _curve(axes, name, history)
    if with_rate:
        panels[-1].plot(_epochs(history), history.rates, color=TRAIN)
        _dress(panels[-1], "learning rate")
    return figure


def _epochs(history: "History") -> list[float]:
    """Where each step lies on the axis of epochs: the last step of the first epoch at 1."""
    steps = len(history.losses) / max(1, len(history))
    return [(step + 1) / steps for step in range(len(history.losses))]


def _curve(axes: Any, name: str, history: "History") -> None:
    for kind, colour in (("train", TRAIN), ("validation", VALIDATION)):
        values = history.columns.get(f"{kind}_{name}", [])
        if values:
            axes.plot(range(1, len(values) + 1), values, color=colour, marker="o", markersize=3, label=kind)
    _dress(axes, name)


def _dress(axes: Any, title: str) -> None:
    axes.set_title(title, color=INK, fontsize=10)
    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_facecolor("none")
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK, fontsize=8)
