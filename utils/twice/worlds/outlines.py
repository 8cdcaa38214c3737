"""The outlines of the world of shapes: functions of the plane, below 0 inside and about the distance from the edge.

Each takes coordinates in which the shape has a radius of 1; y points down, as in pictures.
"""

from collections.abc import Callable

import numpy as np

from twice.kernels.checks import Array

Outline = Callable[[Array, Array], Array]


def circle(x: Array, y: Array) -> Array:
    """All that is nearer than 1."""
    return np.hypot(x, y) - 1


def ring(x: Array, y: Array) -> Array:
    """A circle with a hole of half its radius."""
    return np.abs(np.hypot(x, y) - 0.75) - 0.25


def half(x: Array, y: Array) -> Array:
    """The lower half of a circle, moved to its middle."""
    return np.maximum(np.hypot(x, y + 0.4) - 1, -(y + 0.4))


def crescent(x: Array, y: Array) -> Array:
    """A circle out of which another one has bitten."""
    return np.maximum(np.hypot(x, y) - 1, 0.75 - np.hypot(x - 0.55, y))


def triangle(x: Array, y: Array) -> Array:
    """Equal sides, one corner up."""
    return np.maximum(y - 0.5, 0.8660254 * np.abs(x) - 0.5 * y - 0.5)


def square(x: Array, y: Array) -> Array:
    """Half a side is 0.8."""
    return np.maximum(np.abs(x), np.abs(y)) - 0.8


def star(x: Array, y: Array) -> Array:
    """Five points; between them the radius falls to 0.45."""
    fifth = 2 * np.pi / 5
    angle = np.abs((np.arctan2(x, -y) + fifth / 2) % fifth - fifth / 2)  # from the nearest point
    radius = np.hypot(x, y)
    # The edge is the line from (1, 0) to 0.45·(cos 36°, sin 36°), in coordinates along and across the point.
    along, across = radius * np.cos(angle) - 1, radius * np.sin(angle)
    dx, dy = 0.45 * np.cos(fifth / 2) - 1, 0.45 * np.sin(fifth / 2)
    return (across * -dx + along * dy) / np.hypot(dx, dy)


def cross(x: Array, y: Array) -> Array:
    """Two bars, one upright and one lying."""
    x, y = np.abs(x), np.abs(y)
    return np.minimum(np.maximum(x - 1, y - 0.32), np.maximum(x - 0.32, y - 1))


def heart(x: Array, y: Array) -> Array:
    """Two discs and the wedge between their tangents that meet below."""
    x = np.abs(x)
    wedge = np.maximum((x + y - 0.928) / np.sqrt(2), np.maximum((x - y - 0.75) / np.sqrt(2), -(y + 0.3)))
    return np.minimum(np.hypot(x - 0.45, y + 0.3) - 0.55, wedge)


def arrow(x: Array, y: Array) -> Array:
    """A triangle on a bar, pointing up."""
    head = np.maximum(y, (np.abs(x) - 0.8 * (y + 1)) / np.sqrt(1.64))
    return np.minimum(head, np.maximum(np.abs(x) - 0.27, np.abs(y - 0.4) - 0.55))


OUTLINES: dict[str, Outline] = {
    "circle": circle,
    "ring": ring,
    "half disc": half,
    "crescent": crescent,
    "triangle": triangle,
    "square": square,
    "star": star,
    "cross": cross,
    "heart": heart,
    "arrow": arrow,
}
