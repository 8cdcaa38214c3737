"""The world of shapes: one coloured, textured, turned, partly covered shape in front of a cluttered ground.

    world = shapes(1000, size=64, seed=0, difficulty=0.5)
    world.images, world.labels      (1000, 64, 64, 3) and (1000,), uint8
    world.masks, world.boxes        what is visible of the shape, and the box around it
    world.attributes["colour"]      how each picture was made

Picture number i depends on the seed, the size, the difficulty and i alone: a larger world begins with the smaller one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from twice.data.batches import generator
from twice.kernels.checks import Array, require
from twice.worlds.outlines import OUTLINES

CLASSES = tuple(OUTLINES)
COLOURS = {
    "red": (0.85, 0.16, 0.16),
    "orange": (0.93, 0.52, 0.13),
    "yellow": (0.93, 0.83, 0.22),
    "green": (0.20, 0.62, 0.28),
    "cyan": (0.25, 0.73, 0.78),
    "blue": (0.18, 0.33, 0.80),
    "purple": (0.52, 0.24, 0.68),
    "grey": (0.55, 0.55, 0.55),
}
TEXTURES = ("plain", "stripes", "checks", "dots", "net")

CHUNK = 16  # pictures painted at once: their planes fit the processor's cache
FRAGMENTS = 6  # of clutter, at most
STREAMS = ("label", "colour", "ground", "texture", "ground_texture", "radius", "angle", "x", "y", "shade", "wave",
           "ground_wave", "bar", "bar_colour", "fragments", "noise")  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Shapes:
    """Pictures and all that is known about them; indexing answers the world of the chosen pictures."""

    images: Array  # (N, H, W, 3) uint8
    labels: Array  # (N,) uint8, places in CLASSES
    masks: Array  # (N, H, W) bool: the pixels at which the shape is seen
    boxes: Array  # (N, 4) float32: left, top, right, bottom of the mask, in pixels
    attributes: Mapping[str, Array]  # colour, texture, radius, angle, x, y, covered: (N,) each

    classes = CLASSES

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: Array | slice) -> "Shapes":
        attributes = {name: values[chosen] for name, values in self.attributes.items()}
        return Shapes(self.images[chosen], self.labels[chosen], self.masks[chosen], self.boxes[chosen], attributes)

    def __repr__(self) -> str:
        return f"Shapes({len(self)} pictures of {'×'.join(map(str, self.images.shape[1:]))})"


def shapes(
    count: int, size: int | tuple[int, int] = 64, *, seed: int = 0, difficulty: float = 0.5, classes: int = 10
) -> Shapes:
    """So many pictures of the first `classes` shapes, of size × size or (height, width) pixels.

    At difficulty 0 the shapes are large, upright, plain, whole and in the middle of an even ground. Towards 1 they are
    smaller, anywhere, at any angle, textured, behind bars, among fragments and noise. In `attributes`, `colour` and
    `texture` are places in COLOURS and TEXTURES; `radius`, `x` and `y` are in pixels, `angle` in radians, and `covered`
    is the share of the shape's pixels that a bar hides.
    """
    height, width = (size, size) if isinstance(size, int) else size
    require(count >= 0, f"shapes: count is {count}, expected at least 0")
    require(min(height, width) >= 8, f"shapes: size is {size}, expected at least 8 pixels")
    require(0 <= difficulty <= 1, f"shapes: difficulty is {difficulty}, expected 0 to 1")
    require(2 <= classes <= len(CLASSES), f"shapes: classes is {classes}, expected 2 to {len(CLASSES)}")
    plan = _plan(count, height, width, seed, difficulty, classes)
    images = np.empty((count, height, width, 3), np.uint8)
    masks, covered = np.empty((count, height, width), bool), np.empty(count, np.float32)
    for start in range(0, count, CHUNK):
        part = slice(start, start + CHUNK)
        noise = _stream(seed, "noise", start // CHUNK)
        painted = _painted({name: values[part] for name, values in plan.items()}, height, width, difficulty, noise)
        images[part], masks[part], covered[part] = painted
    shown = ("colour", "texture", "radius", "angle", "x", "y")
    attributes = {name: plan[name] for name in shown} | {"covered": covered}
    return Shapes(images, plan["label"], masks, _boxes(masks), attributes)


# ── what will be painted ────────────────────────────────────────────────────────────────────────────────────────


def _stream(seed: int, name: str, *place: int) -> np.random.Generator:
    return generator(seed, STREAMS.index(name), *place)


def _plan(n: int, height: int, width: int, seed: int, d: float, classes: int) -> dict[str, Array]:
    """Everything about each picture but its noise."""

    def uniform(name: str, *shape: int) -> Array:
        return _stream(seed, name).random((n, *shape), np.float32)

    def one_of(name: str, number: int) -> Array:
        return np.minimum(uniform(name) * number, number - 1).astype(np.uint8)

    def around(name: str, *shape: int) -> Array:
        return 2 * uniform(name, *shape) - 1

    side = min(height, width)
    radius = side * (0.40 - d * (0.08 + 0.14 * uniform("radius")))
    colour = one_of("colour", len(COLOURS))
    another = 1 + one_of("ground", len(COLOURS) - 1)
    textured = uniform("texture", 2)[:, 0] < d
    return {
        "label": one_of("label", classes),
        "colour": colour,
        "ground": (colour + another) % len(COLOURS),
        "texture": np.where(textured, 1 + one_of("texture", len(TEXTURES) - 1), 0).astype(np.uint8),
        "ground_texture": np.where(uniform("ground_texture") < d, 1 + one_of("wave", len(TEXTURES) - 1), 0),
        "radius": radius,
        "angle": np.float32(np.pi) * d * around("angle"),
        "x": width / 2 + around("x") * np.minimum(1, 1.5 * d) * (width / 2 - 0.8 * radius),
        "y": height / 2 + around("y") * np.minimum(1, 1.5 * d) * (height / 2 - 0.8 * radius),
        "shade": 0.12 * d * around("shade", 2, 3),
        "wave": uniform("wave", 3),
        "ground_wave": uniform("ground_wave", 3),
        "bar": uniform("bar", 4),
        "bar_colour": one_of("bar_colour", len(COLOURS)),
        "fragments": uniform("fragments", FRAGMENTS, 7),
    }


# ── painting ────────────────────────────────────────────────────────────────────────────────────────────────────


def _painted(
    plan: Mapping[str, Array], height: int, width: int, d: float, noise: np.random.Generator
) -> tuple[Array, Array, Array]:
    """From the back to the front: ground, fragments, shape, bar, noise."""
    palette = np.array(list(COLOURS.values()), np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)[:, None] + np.float32(0.5)
    side = min(height, width)

    ground = 0.45 * palette[plan["ground"]] + 0.4 + plan["shade"][:, 0]
    canvas = _textured(ground, plan["ground_texture"], plan["ground_wave"], x / side, y / side, 0.10)
    for k in range(FRAGMENTS):
        fragment, colour = _fragment(plan["fragments"][:, k], x / width, y / height, d)
        _lay(canvas, fragment, palette[colour])

    u, v = _turned(x - _column(plan["x"]), y - _column(plan["y"]), plan["angle"])
    radius = _column(plan["radius"])
    distance = np.empty(u.shape, np.float32)
    for label in np.unique(plan["label"]):
        own = plan["label"] == label
        distance[own] = OUTLINES[CLASSES[label]](u[own] / radius[own], v[own] / radius[own])
    shape = _inside(distance * radius)
    colour = palette[plan["colour"]] + plan["shade"][:, 1]
    _lay(canvas, shape, _textured(colour, plan["texture"], plan["wave"], u / side, v / side, 0.22))

    bar = _bar(plan, x, y, d)
    _lay(canvas, bar, palette[plan["bar_colour"]])
    if d > 0:
        canvas += 0.08 * d * noise.standard_normal(canvas.shape, np.float32)
    images = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)

    masks = shape * (1 - bar) > 0.5
    whole = np.maximum((shape > 0.5).sum((1, 2)), 1)
    return images, masks, 1 - masks.sum((1, 2)) / whole


def _column(values: Array) -> Array:
    """One number a picture, to be spread over its pixels."""
    return values.astype(np.float32)[:, None, None]


def _turned(x: Array, y: Array, angle: Array) -> tuple[Array, Array]:
    """The coordinates along and across a direction."""
    c, s = np.cos(_column(angle)), np.sin(_column(angle))
    return c * x + s * y, c * y - s * x


def _inside(distance: Array) -> Array:
    """How much of a pixel lies inside an edge at this distance from its middle, in pixels: 1, 0, or between."""
    return np.clip(0.5 - distance, 0, 1)


def _lay(canvas: Array, cover: Array, colour: Array) -> None:
    """Paint in place, where and as thickly as `cover` says: a colour (N, 3) or one for each pixel (N, 3, H, W)."""
    planes = colour if colour.ndim == 4 else colour[..., None, None]
    canvas += cover[:, None] * (planes - canvas)


def _textured(colour: Array, texture: Array, wave: Array, x: Array, y: Array, strength: float) -> Array:
    """A colour (N, 3) with a pattern of waves along a direction, brighter and darker by `strength`: (N, 3, H, W)."""
    angle, frequency, phase = 2 * np.pi * wave[:, 0], 2 * np.pi * (5 + 6 * wave[:, 1]), 2 * np.pi * wave[:, 2]
    u, v = _turned(x, y, angle)
    a, b = np.sin(_column(frequency) * u + _column(phase)), np.sin(_column(frequency) * v)
    pattern = np.zeros(a.shape, np.float32)
    for kind, drawn in enumerate(
        (
            lambda a, b: a,
            lambda a, b: a * b,
            lambda a, b: a + b - 0.7,
            lambda a, b: 0.7 - np.minimum(np.abs(a), np.abs(b)) * 2,
        ),
        start=1,
    ):
        own = texture == kind
        if own.any():
            pattern[own] = np.clip(3 * drawn(a[own], b[own]), -1, 1)
    return colour.astype(np.float32)[..., None, None] + np.float32(strength) * pattern[:, None]


def _fragment(plan: Array, x: Array, y: Array, d: float) -> tuple[Array, Array]:
    """A short stroke, where the picture has one; and its colour."""
    there, colour, left, top, angle, length, breadth = plan.T
    u, v = _turned(x - _column(left), y - _column(top), np.pi * angle)
    distance = np.maximum(np.abs(u) - _column(0.03 + 0.09 * length), np.abs(v) - _column(0.01 + 0.03 * breadth))
    cover = _inside(distance * x.shape[-1]) * _column(there < d)
    return cover, np.minimum(colour * len(COLOURS), len(COLOURS) - 1).astype(np.uint8)


def _bar(plan: Mapping[str, Array], x: Array, y: Array, d: float) -> Array:
    """A strip across the picture that passes in front of the shape, in some pictures."""
    there, angle, place, breadth = plan["bar"].T
    u, _ = _turned(x - _column(plan["x"]), y - _column(plan["y"]), np.pi * angle)
    middle, half = (2 * place - 1) * 0.7 * plan["radius"], (0.1 + 0.2 * breadth) * plan["radius"]
    return _inside(np.abs(u - _column(middle)) - _column(half)) * _column(there < 0.7 * d)


def _boxes(masks: Array) -> Array:
    """Left, top, right and bottom of what is set; zeros where nothing is."""
    (left, right), (top, bottom) = _ends(np.any(masks, axis=1)), _ends(np.any(masks, axis=2))
    return np.stack([left, top, right, bottom], 1).astype(np.float32)


def _ends(lines: Array) -> tuple[Array, Array]:
    """Where what is set begins, and where it ends: the place after it; 0 and 0 where nothing is."""
    last = lines.shape[1] - lines[:, ::-1].argmax(1)
    return lines.argmax(1), last * lines.any(1)
