"""A network as a drawing, made from its own layer table: what stands side by side in it stands so in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from math import log2, prod
from typing import Any

from twice.show.palette import css
from twice.show.picture import Picture, figure

# How a kind of layer is called and coloured; the first word that its name begins with decides.
KINDS = {
    "Conv": ("conv", "numpy"),
    "MaxPool": ("max pool", "ochre"),
    "AvgPool": ("mean", "ochre"),
    "Adaptive": ("mean", "ochre"),
    "Linear": ("fully connected", "torch"),
    "Input": ("input", "grey"),
}
# Layers that keep the shape: words under the box before them.
ATTACHED = {
    "ReLU": "ReLU",
    "Tanh": "tanh",
    "ScaledTanh": "tanh",
    "Sigmoid": "sigmoid",
    "GELU": "GELU",
    "BatchNorm": "BN",
    "LocalResponseNorm": "LRN",
    "Dropout": "dropout",
    "Hardsigmoid": "sigmoid",
}
JOINS = {"Concat": "joined", "Sum": "+", "Scale": "×"}
SILENT = ("Flatten", "Identity", "Pick", "Unflatten")


@dataclass
class Node:
    """A row of the table and the rows inside it."""

    row: Any
    inside: list["Node"] = field(default_factory=list)
    words: list[str] = field(default_factory=list)  # of the layers attached to it
    times: int = 1


def network(table: Any, *, alt: str = "") -> Picture:
    """The drawing of a `twice.summary`: layers in a row, branches side by side, shortcuts beside what they pass.

    A rectangle is as high as its maps are large and as wide as they are many, both in steps of doubling. A block that
    the summary folds is one box.
    """
    nodes = _tree(table)
    words = alt or f"Drawing of a network, in order: {_said(nodes)}."
    return figure(_flow(nodes), words, "font-size:.8rem;line-height:1.25")


def _tree(table: Any) -> list[Node]:
    """Rows with their depths as nested nodes; what keeps the shape is written to what comes before it."""
    top: list[Node] = []
    open_: list[list[Node]] = [top]
    for row in table.rows:
        del open_[row.depth + 1 :]
        siblings = open_[row.depth]
        word = next((word for kind, word in ATTACHED.items() if row.kind.startswith(kind)), "")
        if row.is_layer and word and siblings:
            _last(siblings[-1]).words.append(word)
        elif row.kind.startswith("Adaptive") and siblings and _last(siblings[-1]).row.output == row.output:
            continue  # it finds the size that it asks for
        else:
            siblings.append(Node(row))
        open_.append(siblings[-1].inside)
    return top


def _last(node: Node) -> Node:
    """What comes out of it last: a layer, or a join."""
    return node if node.row.kind in JOINS or not node.inside else _last(node.inside[-1])


# ── what a box says ─────────────────────────────────────────────────────────────────────────────────────────────


def _kind(row: Any) -> tuple[str, str] | None:
    """A layer's words and colour; None for a block."""
    return next((v for start, v in KINDS.items() if row.is_layer and row.kind.startswith(start)), None)


def _called(row: Any) -> tuple[str, str]:
    """The words and colour of a layer, or the name of a block: the nearest that is no number."""
    found = _kind(row)
    if found is None:
        named = [part for part in row.name.split(".") if not part.isdigit()]
        return (named[-1] if named else row.kind), "purple"
    if row.window == "global":
        return "global mean", found[1]
    if row.kind.startswith("Adaptive"):
        return f"{found[0]} {row.window}", found[1]
    size, _, groups = row.window.partition(" ")
    return " ".join(filter(None, (size, found[0], groups))), found[1]


def _shape(row: Any) -> str:
    """256 × 13², 64 × 20 × 30 or 4,096"""
    channels, *sides = (row.output or (0,))[1:] or [0]
    if not sides:
        return f"{channels:,}"
    square = len(sides) == 2 and sides[0] == sides[1] > 1
    return f"{channels} × {sides[0]}²" if square else " × ".join(map(str, (channels, *sides)))


def _said(nodes: Sequence[Node]) -> str:
    """The drawing in words."""
    return ", ".join(filter(None, map(_said_of, nodes)))


def _said_of(node: Node) -> str:
    kind = node.row.kind
    if node.row.is_layer:
        if kind in SILENT:
            return ""
        after = f" with {', '.join(node.words)}" if node.words else ""
        if kind == "Input":
            return f"input {_shape(node.row)}"
        return f"{_called(node.row)[0]} to {_shape(node.row)}{after}"
    parts = [_said([part]) or "the input itself" for part in node.inside]
    if kind == "Concat":
        return f"side by side ({'; '.join(parts)}) joined to {_shape(node.row)}"
    if kind == "Sum":
        return f"the sum of ({'; '.join(parts)})"
    if kind == "Scale":
        return f"scaled by ({'; '.join(parts)})"
    return _said(node.inside)


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────────────────────

ROW = "display:flex;flex-wrap:wrap;"
FRAME = "border:1px solid color-mix(in srgb, currentColor 30%, transparent);border-radius:6px;"


def _div(content: str, look: str = "") -> str:
    return f'<div style="{look}">{content}</div>' if look else f"<div>{content}</div>"


def _flow(nodes: Sequence[Node]) -> str:
    """From left to right, broken where the page ends."""
    opened = _opened(nodes)
    align = "center" if any(node.inside for node in opened) else "flex-end"
    return _div("".join(_drawn(node) for node in opened), f"{ROW}align-items:{align};gap:.9em .35em")


def _opened(nodes: Sequence[Node]) -> list[Node]:
    """Plain sequences give way to what is in them."""
    found: list[Node] = []
    for node in nodes:
        found += [node] if node.row.kind in JOINS or node.row.is_layer else _opened(node.inside)
    return _counted([node for node in found if node.row.kind not in SILENT])


def _counted(nodes: Sequence[Node]) -> list[Node]:
    """Folded blocks that follow each other and look the same become one with its number."""
    found: list[Node] = []
    for node in nodes:
        last = found[-1] if found else None
        folded = node.row.is_layer and not _kind(node.row)
        if last and folded and (_called(last.row), last.row.output) == (_called(node.row), node.row.output):
            found[-1] = replace(last, times=last.times + 1)
        else:
            found.append(node)
    return found


def _drawn(node: Node) -> str:
    if node.row.is_layer or not node.inside:
        return _box(node)
    return _joined(node, [None, *node.inside] if node.row.kind == "Scale" else node.inside)


def _box(node: Node) -> str:
    """A rectangle in proportion to the volume, and its words."""
    said, color = _called(node.row)
    width, height = _extent(node.row)
    size = f"width:{width:.0f}px;height:{height:.0f}px;border-radius:2px;margin:0 auto .3em;"
    volume = _div(
        "", f"{size}border:2px solid {css(color)};background:color-mix(in srgb, {css(color)} 22%, transparent)"
    )
    words = [said if node.times == 1 else f"{said} × {node.times}", ", ".join(node.words)]
    lines = _div("".join(_div(escape(word)) for word in words), f"color:{css(color)}")
    shape = _div(escape(_shape(node.row)), "white-space:nowrap;opacity:.75")
    return _div(volume + _div(lines + shape, "min-height:4.6em"), "text-align:center;width:6.4em;flex:none")


def _extent(row: Any) -> tuple[float, float]:
    """Wide by channels, high by the side of the maps; a vector is a thin pillar of its own length."""
    sizes: tuple[int, ...] = (row.output or ())[1:]
    if len(sizes) < 2:
        return 8, 10 + 7 * log2(max(2, *sizes, 1))
    channels, places = sizes[0], sizes[1:]
    side = prod(places) ** (1 / len(places))
    return 6 + 4.5 * log2(max(1, channels)), 6 + 9 * log2(max(1, side))


def _joined(node: Node, parts: Sequence[Node | None]) -> str:
    """Branches one below the other in a frame, and how they come together."""
    line = f"{ROW}align-items:flex-end;gap:.5em .35em;padding:.4em .6em;border-left:3px solid {css('grey')};"
    unchanged = _div("as it is", "opacity:.75") + _div("", f"border-top:2px dashed {css('grey')};flex:1;min-width:3em")
    branches = []
    for part in parts:
        inside = "".join(_drawn(inner) for inner in _opened([part])) if part else ""
        branches.append(_div(inside or unchanged, line if inside else line.replace("flex-end", "center")))
    join = _div(f"{JOINS[node.row.kind]} → {escape(_shape(node.row))}", f"color:{css('purple')};padding:.3em .6em 0")
    after = "".join(_div(escape(word), "padding:0 .6em") for word in node.words)
    look = f"{FRAME}padding:.5em;display:flex;flex-direction:column;gap:.4em;max-width:100%;box-sizing:border-box"
    return _div("".join(branches) + join + after, look)
