"""The table of a network's layers: rows, totals, and how they are shown."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from twice.summary.field import ALL, Field, places
from twice.summary.trace import Call
from twice.tables import Line, as_html, headed, plain

Fold = str | int | Collection[str] | Callable[["Row"], bool] | None

HEADER = ("layer", "kind", "output", "parameters", "multiply-adds", "memory", "sees", "jump", "start")
RIGHT = (3, 4, 5, 6, 7, 8)
LONG = 60  # lines: a longer table scrolls in a notebook


@dataclass(frozen=True)
class Row:
    """A layer's call, or a container's with the sums over what it called."""

    name: str
    kind: str
    window: str  # of a convolution or pooling, as papers write it: 3×3/2
    depth: int
    output: tuple[int, ...] | None
    parameters: int
    trainable: int
    multiply_adds: int
    activations: int  # numbers that the layer brings into memory
    memory: int  # bytes of these
    fields: tuple[Field, ...]  # one for each axis that moves over the input
    sees_all: bool
    is_layer: bool = True

    @property
    def field(self) -> Field | None:
        """The receptive field where all axes have the same; else None."""
        return self.fields[0] if self.fields and len(set(self.fields)) == 1 else None


@dataclass(frozen=True)
class Summary:
    """The layers of a network in order of execution, and their sums."""

    title: str
    rows: tuple[Row, ...] = field(repr=False)  # containers and layers, parents first
    peak: Row  # the layer that brings most bytes, be it inside a folded block
    nested: bool = True
    uncounted: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[Row, ...]:
        """The rows without containers: their sums are the totals."""
        return tuple(row for row in self.rows if row.is_layer)

    def _sum(self, name: str) -> int:
        return sum(getattr(row, name) for row in self.layers)

    @property
    def parameters(self) -> int:
        """All parameters, shared ones once."""
        return self._sum("parameters")

    @property
    def trainable(self) -> int:
        """Those that ask for a gradient."""
        return self._sum("trainable")

    @property
    def multiply_adds(self) -> int:
        """All multiply-adds of the pass, those of a layer called twice counted twice."""
        return self._sum("multiply_adds")

    @property
    def activations(self) -> int:
        """All numbers that the pass brings into memory, with the input."""
        return self._sum("activations")

    @property
    def memory(self) -> int:
        """The bytes of these."""
        return self._sum("memory")

    def __getitem__(self, name: str) -> Row:
        """The first row of that name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"summary: no layer is called {name!r}, expected one such as {[r.name for r in self.rows[:4]]}")

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _heading(self) -> str:
        frozen = self.parameters - self.trainable
        parts = [f"{self.parameters:,} parameters" + (f" ({frozen:,} of them frozen)" if frozen else "")]
        parts += [f"{self.multiply_adds:,} multiply-adds", f"{self.activations:,} activations in {size(self.memory)}"]
        parts.append(f"at most {size(self.peak.memory)} in one layer ({self.peak.name or self.peak.kind})")
        lost = f"; not counted: {', '.join(self.uncounted)}" if self.uncounted else ""
        return headed(self.title, f"{', '.join(parts)}{lost}")

    def _lines(self) -> list[Line]:
        shown = self.rows if self.nested else self.layers
        lines = [Line(cells(row, self.nested), strong=not row.is_layer) for row in shown]
        sums = (f"{self.parameters:,}", f"{self.multiply_adds:,}", size(self.memory))
        return [*lines, Line(("total", "", "", *sums, "", "", ""), strong=True)]

    def __repr__(self) -> str:
        return plain(self._heading(), HEADER, self._lines(), RIGHT)

    def _repr_html_(self) -> str:
        lines = self._lines()
        return as_html(self._heading(), HEADER, lines, RIGHT, height="32em" if len(lines) > LONG else "")

    def chart(self) -> Any:
        """Bars of parameters and multiply-adds for each layer that has some: a matplotlib figure."""
        from twice.summary.chart import bars

        return bars(self)


def cells(row: Row, nested: bool) -> tuple[str, ...]:
    """A row's texts; nested, the name is indented and without the names around it."""
    name = row.name
    if nested and row.depth:
        name = "  " * row.depth + name.rpartition(".")[2]
    output = "–" if row.output is None else "×".join(map(str, row.output)) or "()"
    counts = (f"{n:,}" if n else "–" for n in (row.parameters, row.multiply_adds))
    known = [_axes([f[i] for f in row.fields]) for i in range(3)] if row.fields else ["–", "", ""]
    sees = ["all", "", ""] if row.sees_all else known
    return (name, row.kind, output, *counts, size(row.memory), *sees)


def _axes(numbers: list[int]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else " × ".join(map(str, numbers))


def size(number: int) -> str:
    """Bytes, with three digits and a decimal unit."""
    value, units = float(number), iter(("kB", "MB", "GB", "TB"))
    if not number:
        return "–"
    if number < 1000:
        return f"{number} B"
    while value >= 999.5 and (unit := next(units, None)):
        value, last = value / 1000, unit
    return f"{value:.3g} {last}"


# ── from calls to rows ──────────────────────────────────────────────────────────────────────────────────────────


def rows_of(root: Call, fold: Fold) -> list[Row]:
    """All calls below the network itself as rows, parents first; a block that is folded is one row."""
    folded = _folding(fold)
    rows: list[Row] = []

    def visit(call: Call, depth: int) -> None:
        row = _row(call, depth)
        closed = not row.is_layer and folded(row)
        rows.append(replace(row, is_layer=True) if closed else row)
        for inner in () if closed else call.inside:
            visit(inner, depth + 1)

    for call in root.inside:
        visit(call, 0)
    return rows


def _folding(fold: Fold) -> Callable[[Row], bool]:
    """By a test, by depth (how many levels are shown), by the name or the kind of a block."""
    if fold is None:
        return lambda row: False
    if callable(fold):
        return fold
    if isinstance(fold, int):
        return lambda row: row.depth >= fold - 1
    wanted = {fold} if isinstance(fold, str) else set(fold)
    return lambda row: row.name in wanted or row.kind in wanted or row.name.rpartition(".")[2] in wanted


def _row(call: Call, depth: int) -> Row:
    return Row(
        name=call.name,
        kind=call.kind,
        window=call.window,
        depth=depth,
        output=call.output,
        parameters=_total(call, "parameters"),
        trainable=_total(call, "trainable"),
        multiply_adds=_total(call, "multiply_adds"),
        activations=_total(call, "activations"),
        memory=_total(call, "memory"),
        fields=places(call.state),
        sees_all=call.state == ALL,
        is_layer=not call.inside,
    )


def _total(call: Call, name: str) -> int:
    return getattr(call, name) + sum(_total(inner, name) for inner in call.inside)
