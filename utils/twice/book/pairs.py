"""The idea of the book on a page: NumPy cells beside the PyTorch cells that say the same.

A run of cells tagged `numpy` followed by a run tagged `torch` becomes one pair: side by side where there is room,
tabs where there is not (site.css decides, pairs.js moves the choice). A `{code-cell}` nested in tabs would not be
executed, so the cells are tagged and grouped here, after execution.
"""

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from twice.book.exercises import solution

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HOLD_CELLS = (nodes.section, nodes.document, solution)
ENGINES = {"numpy": "NumPy", "torch": "PyTorch"}


class pair(nodes.General, nodes.Element):
    """The two versions of one idea."""


class side(nodes.General, nodes.Element):
    """The cells of one engine."""


def engine_of(node: nodes.Node) -> str | None:
    """`numpy` or `torch` for a tagged code cell, None for all else."""
    classes = node.get("classes", []) if isinstance(node, nodes.container) else []
    return next((engine for engine in ENGINES if "cell" in classes and f"tag_{engine}" in classes), None)


def find_pairs(children: list[nodes.Node]) -> list[tuple[list[nodes.Node], list[nodes.Node]]]:
    """Each run of NumPy cells that a run of PyTorch cells follows at once."""
    runs = [(engine, list(cells)) for engine, cells in groupby(children, engine_of)]
    return [(a, b) for (first, a), (second, b) in pairwise(runs) if (first, second) == ("numpy", "torch")]


def build_pair(number: int, cells: dict[str, list[nodes.Node]]) -> pair:
    """The cells in their two sides, under an id that the tabs can name."""
    sides = [side("", *cells[engine], engine=engine, pair=f"pair-{number}") for engine in ENGINES]
    return pair("", *sides, pair=f"pair-{number}")


class GroupPairs(SphinxTransform):
    """Put neighbouring NumPy and PyTorch cells into pairs."""

    default_priority = 800

    def apply(self, **kwargs: Any) -> None:
        """Walk over everything that holds cells; number the pairs down the page."""
        number = 0
        for parent in list(self.document.findall(lambda n: isinstance(n, HOLD_CELLS))):
            for numpy, torch in find_pairs(parent.children):
                number += 1
                place = parent.index(numpy[0])
                for cell in numpy + torch:
                    parent.remove(cell)
                parent.insert(place, build_pair(number, {"numpy": numpy, "torch": torch}))


def tab(name: str, engine: str, chosen: bool) -> str:
    """One tab; only the chosen one takes the focus, the arrow keys reach the other."""
    return (
        f'<button type="button" role="tab" id="{name}-{engine}-tab" aria-controls="{name}-{engine}" '
        f'aria-selected="{str(chosen).lower()}" tabindex="{0 if chosen else -1}" data-engine="{engine}">'
        f"{ENGINES[engine]}</button>"
    )


def visit_pair(writer: Any, node: pair) -> None:
    """The tab list, then both sides."""
    name = node["pair"]
    tabs = "".join(tab(name, engine, engine == "numpy") for engine in ENGINES)
    writer.body.append(f'<div class="pair" id="{name}">\n<div role="tablist" aria-label="Engine">{tabs}</div>\n')


def visit_side(writer: Any, node: side) -> None:
    """A side has a name of its own for where both are seen, or printed, without tabs."""
    name, engine = node["pair"], node["engine"]
    writer.body.append(
        f'<div class="side" role="tabpanel" id="{name}-{engine}" aria-labelledby="{name}-{engine}-tab" '
        f'data-engine="{engine}">\n<div class="engine" aria-hidden="true">{ENGINES[engine]}</div>\n'
    )


def close(writer: Any, node: nodes.Node) -> None:
    """End a pair or a side."""
    writer.body.append("</div>\n")


def plain(writer: Any, node: nodes.Node) -> None:
    """Other formats than HTML show one version after the other."""


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    others: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (plain, plain))
    app.add_node(pair, html=(visit_pair, close), **others)
    app.add_node(side, html=(visit_side, close), **others)
    app.add_transform(GroupPairs)
