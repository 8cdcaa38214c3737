"""Paths of optimisers: SGD, momentum, RMSprop and Adam on one surface from one start."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice import float64, optim, tensor
from twice.book.interactive.state import Figure, State
from twice.book.interactive.svg import FAINT, WIDTH, points, rect, svg, text
from twice.show.palette import css

Array = np.ndarray


def surface(label: str, formula: str, terms: list[list[float]], span: list[float], **others: Any) -> State:
    """A polynomial of x and y, as terms [c, i, j] for c xⁱ yʲ; `span` is left, right, bottom, top."""
    return {"label": label, "formula": formula, "terms": terms, "span": span, **others}


OPTIMISER_PATHS = {
    "ravine": surface(
        "a ravine",
        "½ x² + 10 y²",
        [[0.5, 2, 0], [10, 0, 2]],
        [-4, 4, -2.5, 2.5],
        levels=[0.1, 0.5, 2, 5, 10, 20, 35, 55],
        x=-3.5,
        y=1.5,
        rate=0.09,
        momentum=0.5,
        steps=40,
    ),
    "saddle": surface(
        "a saddle",
        "½ x² − ½ y² + ¼ y⁴",
        [[0.5, 2, 0], [-0.5, 0, 2], [0.25, 0, 4]],
        [-2.4, 2.4, -1.5, 1.5],
        levels=[-0.24, -0.2, -0.12, 0, 0.2, 0.5, 1, 1.6, 2.4],
        x=-2,
        y=0.02,
        rate=0.1,
        momentum=0.8,
        steps=50,
    ),
    "banana": surface(
        "a bent valley",
        "(1 − x)² + 10 (y − x²)²",
        [[1, 0, 0], [-2, 1, 0], [1, 2, 0], [10, 0, 2], [-20, 2, 1], [10, 4, 0]],
        [-2.4, 2.4, -0.8, 2.2],
        levels=[0.1, 0.5, 1.5, 4, 10, 25, 60, 120],
        x=-1.4,
        y=1.9,
        rate=0.004,
        momentum=0.9,
        steps=200,
    ),
}

LINES = {"SGD": "numpy", "momentum": "torch", "RMSprop": "green", "Adam": "purple"}
FAR = 1e6


def value(terms: Sequence[Sequence[float]], x: Any, y: Any) -> Any:
    """Σ c xⁱ yʲ, of numbers, arrays or tensors."""
    return sum(c * x ** int(i) * y ** int(j) for c, i, j in terms)


def optimisers(state: State) -> dict[str, Callable[[list[Any]], optim.Optimizer]]:
    """The four that run, with the library's defaults but for the learning rate and the momentum."""
    rate, momentum = state["rate"], state["momentum"]
    return {
        "SGD": lambda p: optim.SGD(p, lr=rate),
        "momentum": lambda p: optim.SGD(p, lr=rate, momentum=momentum),
        "RMSprop": lambda p: optim.RMSprop(p, lr=rate),
        "Adam": lambda p: optim.Adam(p, lr=rate),
    }


def path(state: State, name: str, steps: int) -> Array:
    """The places (steps + 1, 2) that an optimiser visits; fewer where it has run away."""
    point = [tensor(float(state[axis]), dtype=float64, requires_grad=True) for axis in "xy"]
    optimiser = optimisers(state)[name](point)
    places = [[float(p.array) for p in point]]
    while len(places) <= steps and max(map(abs, places[-1])) < FAR:
        optimiser.zero_grad()
        value(state["terms"], *point).backward()
        optimiser.step()
        places.append([float(p.array) for p in point])
    return np.array(places)


def contours(state: State) -> list[list[Array]]:
    """The lines of equal height, a list a level."""
    from contourpy import contour_generator

    left, right, bottom, top = state["span"]
    x, y = np.meshgrid(np.linspace(left, right, 161), np.linspace(bottom, top, 101))
    lines: Any = contour_generator(x, y, value(state["terms"], x, y)).lines
    return [lines(level) for level in state["levels"]]


def still(state: State) -> str:
    """Contours of the surface, and the paths of the four optimisers."""
    left, right, bottom, top = state["span"]
    scale = WIDTH / (right - left)
    height = scale * (top - bottom)

    def line(places: Array, look: str) -> str:
        seen = np.clip((places - [left, top]) * [scale, -scale], -WIDTH, 2 * WIDTH)
        return f'<polyline {points(seen)} fill="none" {look}/>'

    drawn = [line(places, FAINT) for level in contours(state) for places in level]
    for i, (name, colour) in enumerate(LINES.items()):
        drawn.append(line(path(state, name, state["steps"]), f'stroke="{css(colour)}" stroke-width="2.5"'))
        drawn.append(f'<path d="M{10 + 112 * i} {height + 20:g}h20" stroke="{css(colour)}" stroke-width="4"/>')
        drawn.append(text(35 + 112 * i, height + 25, name))
    drawn.append(rect(0.5, 0.5, WIDTH - 1, height - 1, f'fill="none" {FAINT}'))
    return svg(height + 36, drawn)


FIGURE = Figure("Paths of optimisers", OPTIMISER_PATHS, still)
