"""The receptive field: which inputs a unit on top of a stack of layers sees."""

from collections.abc import Sequence
from typing import Any

from twice.book.interactive.state import Figure, State, require_place
from twice.book.interactive.svg import MARK, WIDTH, points, rect, svg, text
from twice.summary import Field, receptive_field


def layer(name: str, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, weights: bool = True) -> State:
    """One layer of a stack; pooling has no weights."""
    return {
        "name": name,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "weights": weights,
    }


def stack(label: str, size: int, layers: list[State], **others: Any) -> State:
    """Layers over an input of `size` by `size`; `row` and `column` are the unit on top, `view` is 1-D or 2-D."""
    return {"label": label, "size": size, "layers": layers, "row": 0, "column": 0, "view": "1-D", **others}


def vgg_16() -> list[State]:
    """The convolutions of VGG-16, five blocks, each with a pooling at its end."""
    layers = []
    for block, depth in enumerate((2, 2, 3, 3, 3), 1):
        layers += [layer(f"conv{block}-{i}", 3, padding=1) for i in range(1, depth + 1)]
        layers.append(layer(f"pool{block}", 2, 2, weights=False))
    return layers


RECEPTIVE_FIELD = {
    "three-by-three": stack("three 3×3", 15, [layer(f"conv{i}", 3) for i in (1, 2, 3)], row=4, column=4),
    "seven-by-seven": stack("one 7×7", 15, [layer("conv1", 7)], row=4, column=4),
    "dilated": stack(
        "3×3, dilation 1, 2, 4", 25, [layer(f"conv{i}", 3, dilation=2 ** (i - 1)) for i in (1, 2, 3)], column=5
    ),
    "lenet": stack(
        "LeNet-5",
        32,
        [
            layer("C1", 5),
            layer("S2", 2, 2, weights=False),
            layer("C3", 5),
            layer("S4", 2, 2, weights=False),
            layer("C5", 5),
        ],
    ),
    "vgg": stack("VGG-16, convolutions", 224, vgg_16(), row=3, column=3),
}

LEFT, RIGHT, HALF = 100, 6, 7  # the names, the margin, half the height of a row
NARROWEST = 4  # a unit that can be seen by itself


def fields(layers: Sequence[State]) -> list[Field]:
    """Size, jump and start of the input's field and of each layer's."""
    windows = [(one["kernel"], one["stride"], one["padding"], one["dilation"]) for one in layers]
    return [receptive_field(windows[:depth]) for depth in range(len(windows) + 1)]


def sizes(state: State) -> list[int]:
    """The length of the input and of each layer."""
    found = [state["size"]]
    for one in state["layers"]:
        reach = one["dilation"] * (one["kernel"] - 1) + 1
        found.append((found[-1] + 2 * one["padding"] - reach) // one["stride"] + 1)
    return found


def seen(layers: Sequence[State], unit: int) -> list[set[int]]:
    """What the unit on top sees of the input and of each layer; what is not in 0 … size − 1 is padding."""
    found = [{unit}]
    for one in reversed(layers):
        taps = [tap * one["dilation"] - one["padding"] for tap in range(one["kernel"])]
        found.append({i * one["stride"] + tap for i in found[-1] for tap in taps})
    return found[::-1]


def span(field: Field, first: int, last: int, scale: float) -> tuple[float, float]:
    """From the left edge of one unit to the right edge of another; each stands above the middle of what it sees."""
    low, high = (LEFT + scale * (field.start + unit * field.jump + field.size / 2) for unit in (first, last))
    return low - 0.45 * field.jump * scale, high + 0.45 * field.jump * scale


def units(field: Field, chosen: Sequence[int], y: float, scale: float, look: str) -> str:
    """Boxes where there is room, else one bar."""
    pairs = [(unit, unit) for unit in chosen] if field.jump * scale >= NARROWEST else [(chosen[0], chosen[-1])]
    edges = [span(field, first, last, scale) for first, last in pairs]
    return "".join(rect(low, y - HALF, high - low, 2 * HALF, look) for low, high in edges)


def still(state: State) -> str:
    """Layers as rows over the input with the cone of the chosen unit: the stack in one dimension, for either view."""
    layers, lengths, scale = state["layers"], sizes(state), (WIDTH - LEFT - RIGHT) / state["size"]
    require_place("column", state["column"], lengths[-1])
    names, parts = ["input", *(one["name"] for one in layers)], seen(layers, state["column"])
    step = 24 if len(layers) > 8 else 40
    drawn: list[str] = []
    cone: list[tuple[float, float]] = []
    for depth, (name, size, field, part) in enumerate(zip(names, lengths, fields(layers), parts)):
        y, marked = 16 + (len(layers) - depth) * step, sorted(part)
        drawn.append(text(0, y + 5, f"{name} ({size})"))
        drawn.append(units(field, range(size), y, scale, 'fill-opacity=".2"'))
        drawn.append(units(field, marked, y, scale, f'fill="{MARK}" fill-opacity=".85"'))
        low, high = span(field, marked[0], marked[-1], scale)
        cone = [(low, y), *cone, (high, y)]
    drawn.insert(0, f'<polygon {points(cone)} fill="{MARK}" fill-opacity=".14"/>')
    return svg(32 + len(layers) * step, drawn)


FIGURE = Figure("Receptive field", RECEPTIVE_FIELD, still)
