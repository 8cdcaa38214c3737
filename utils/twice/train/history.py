"""What happened in a run: the loss of every step, the metrics of every epoch; as a table, a plot and JSON."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from twice.tables import Line, as_html, plain

SHOWN = 10  # epochs in a terminal at each end of a long run
HEIGHT = "24em"


@dataclass
class History:
    """`history["validation_accuracy"]` is a number for each epoch, `history.losses` and `.rates` one for each step.

    Two histories are equal when all but the time is.
    """

    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list, compare=False)

    def __getitem__(self, name: str) -> list[float]:
        if name == "seconds":
            return self.seconds
        if name not in self.columns:
            raise KeyError(f"history: {name!r} was not measured, expected one of {', '.join(self.columns)}, seconds")
        return self.columns[name]

    def __len__(self) -> int:
        """How many epochs are complete."""
        return len(self.seconds)

    def append(self, row: dict[str, float], seconds: float) -> None:
        """An epoch is over."""
        for name, value in row.items():
            self.columns.setdefault(name, []).append(float(value))
        self.seconds.append(seconds)

    @property
    def last(self) -> dict[str, float]:
        """The numbers of the last epoch."""
        return {name: values[-1] for name, values in self.columns.items()}

    @property
    def best(self) -> int | None:
        """The epoch with the lowest validation loss, the first counted as 1."""
        losses = self.columns.get("validation_loss", [])
        known = [loss for loss in losses if not math.isnan(loss)]
        return losses.index(min(known)) + 1 if known else None

    # ── shown ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _title(self) -> str:
        best = f", lowest validation loss in epoch {self.best}" if self.best else ""
        return f"{len(self)} epochs, {len(self.losses)} steps, {sum(self.seconds):.3g} s{best}"

    def _header(self) -> list[str]:
        return ["epoch", *(name.replace("_", " ") for name in self.columns), "seconds"]

    def _lines(self) -> list[Line]:
        rows = zip(range(1, len(self) + 1), *self.columns.values(), self.seconds)
        return [Line([str(n), *(f"{value:.4g}" for value in values)], strong=n == self.best) for n, *values in rows]

    def _right(self) -> range:
        return range(len(self.columns) + 2)

    def __repr__(self) -> str:
        lines = self._lines()
        if len(lines) > 2 * SHOWN + 1:
            lines = [*lines[:SHOWN], Line(["…"] * len(self._header())), *lines[-SHOWN:]]
        return plain(f"History: {self._title()}", self._header(), lines, self._right())

    def _repr_html_(self) -> str:
        return as_html(self._title(), self._header(), self._lines(), self._right(), height=HEIGHT)

    def plot(self) -> Any:
        """Loss, metrics and (where it changes) learning rate: a matplotlib figure for light and dark pages."""
        from twice.train.chart import curves

        return curves(self)

    # ── kept ────────────────────────────────────────────────────────────────────────────────────────────────────

    def to_json(self) -> str:
        """Everything, as JSON that any reader takes: what is not finite is text."""
        lists = {"losses": self.losses, "rates": self.rates, "columns": self.columns, "seconds": self.seconds}
        return json.dumps(_texts(lists), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "History":
        """The history whose JSON this is."""
        try:
            return cls(**_numbers(json.loads(text)))
        except (TypeError, ValueError, AttributeError) as e:
            raise ValueError("history: the text is something else, expected what to_json() has written") from e


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(part) for name, part in value.items()}
    return [x if math.isfinite(x) else str(x) for x in value]


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(part) for name, part in value.items()}
    return [float(x) for x in value]
