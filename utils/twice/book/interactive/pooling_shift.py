"""Pooling and shifts: how much of a pooled image changes when the image moves."""

from typing import Any

import numpy as np

from twice.book.interactive.state import Figure, State
from twice.book.interactive.svg import WIDTH, cells, frame, svg, text
from twice.kernels.pool import avg_pool, max_pool

Array = np.ndarray

SEVEN = """
............
............
..########..
..########..
.......##...
.......##...
......##....
......##....
.....##.....
.....##.....
............
............
"""
STRIPES = "\n".join(["............", "............", *["..#.#.#.#..."] * 8, "............", "............"])


def picture(text: str) -> list[list[float]]:
    """Ones where the text has a #."""
    return [[float(sign == "#") for sign in line] for line in text.split()]


def shifted(label: str, image: list[list[float]], **others: Any) -> State:
    """An image that is pooled before and after it moves by `right` and `down`."""
    plain = {"pool": "max", "window": 2, "stride": 2, "right": 1, "down": 0}
    return {"label": label, "image": image, **plain, **others}


POOLING_SHIFT = {
    "seven": shifted("a seven, 12×12", picture(SEVEN)),
    "stripes": shifted("thin stripes, 12×12", picture(STRIPES)),
    "signal": shifted("a signal of 16", [[0, 0, 0, 1, 3, 7, 9, 6, 2, 1, 4, 5, 2, 0, 0, 0]]),
    "four": shifted("4×4, four windows", [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], right=0),
}

NAMES = ("image", "shifted", "pooled", "shifted, then pooled")
GAP, HEAD, TALLEST = 16, 26, 44


def moved(image: Array, down: int, right: int) -> Array:
    """The image shifted, with zeros coming in."""
    result = np.zeros_like(image)
    rows, columns = image.shape
    result[max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = image[
        max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)
    ]
    return result


def pooled(state: State, image: Array) -> Array:
    """The image after the chosen pooling; a signal (one row) is pooled along its length alone."""
    if state["pool"] == "none":
        return image
    kernel = {"max": max_pool, "mean": avg_pool}[state["pool"]]
    rows = len(image) > 1
    size, step = ((state[key] if rows else 1, state[key]) for key in ("window", "stride"))
    result: Array = kernel(image[None, None], size, step)[0][0, 0]
    return result


def change(before: Array, after: Array) -> float:
    """Σ|y′ − y| / Σ(|y| + |y′|): 0 where nothing changes, 1 where nothing stays."""
    whole = np.abs(before).sum() + np.abs(after).sum()
    return float(np.abs(after - before).sum() / whole) if whole else 0.0


def still(state: State) -> str:
    """The image, the image shifted, and what pooling makes of both; the values that differ are marked."""
    image = np.array(state["image"], float)
    shown = [image, moved(image, state["down"], state["right"])]
    shown += [pooled(state, one) for one in shown]
    stacked = len(image) == 1
    width = (WIDTH if stacked else (WIDTH - GAP) / 2) - 2
    drawn, bottom = [], 0.0
    for i, values in enumerate(shown):
        side = width / values.shape[1]
        height = min(side, TALLEST)
        x, y = (1.0, bottom + HEAD) if stacked else (1 + i % 2 * (width + GAP), HEAD + i // 2 * (width + HEAD))
        drawn += [text(x, y - 8, NAMES[i]), *cells(values, x, y, side, height)]
        bottom = y + len(values) * height
    for row, column in np.argwhere(shown[3] != shown[2]):
        drawn.append(frame(x + column * side + 2, y + row * height + 2, side - 4, height - 4))
    return svg(bottom + 2, drawn)


FIGURE = Figure("Pooling and shifts", POOLING_SHIFT, still)
