"""Lab 2, pooling: its exercises, and what people get wrong in them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.kernels.geometry import output_size
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator
Shape = tuple[int, ...]

PLANE = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], float)
OTHER = np.array([[1, 0, 0, 2], [0, 3, 1, 1], [0, 2, 0, 2], [2, 0, 3, 3]], float)
TIES = np.array([[2, 5, 0, 0], [5, 1, 0, 0]], float)

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "scipy")
READY = (
    "torch.nn.functional.max_pool2d", "torch.max_pool2d", "torch.nn.MaxPool2d",
    "torch.nn.functional.adaptive_max_pool2d", "torch.nn.AdaptiveMaxPool2d",
)  # fmt: skip


def distinct(rng: Generator, *shape: int) -> Array:
    """Whole numbers from 1 on, each once: a case that can be followed by hand, and has no ties."""
    return rng.permutation(int(np.prod(shape))).reshape(shape) + 1.0


def window(i: int, j: int, size: int, stride: int) -> tuple[Any, ...]:
    """The index of one window in the last two axes."""
    return ..., slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)


def pooled(x: Array, size: int, stride: int, answer: Callable[..., Any]) -> Array:
    """One number for each window that fits into the last two axes."""
    y = np.zeros((*x.shape[:-2], *(output_size(n, size, stride) for n in x.shape[-2:])))
    for i, j in np.ndindex(y.shape[-2:]):
        y[..., i, j] = answer(x[window(i, j, size, stride)], axis=(-2, -1))
    return y


def grown(x: Array, size: int, stride: int) -> Array:
    """With -∞ below and on the right, so that windows that hang over the end count too."""
    more = [-(n - size) % stride for n in x.shape[-2:]]
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, m) for m in more], constant_values=-np.inf)


# ── in a plane ──────────────────────────────────────────────────────────────────────────────────────────────────


def largest(x: Array, f: int) -> Array:
    """The largest number of each window of f×f."""
    return pooled(x, f, f, np.max)


def as_if_square(x: Array, f: int) -> Array:
    """The mistake of as many columns as rows."""
    y, rows = largest(x, f), x.shape[0] // f
    return np.pad(y, ((0, 0), (0, max(0, rows - y.shape[1]))))[:, :rows]


def planes(rng: Generator) -> list[Case]:
    """The planes of the text, then other shapes, signs and what is left over."""
    return [
        Case((PLANE, 2), note="the 4×4 plane of the text"),
        Case((OTHER, 2), note="the other plane of the text"),
        Case((distinct(rng, 2, 6), 2), note="wider than high"),
        Case((distinct(rng, 6, 3), 3), note="windows of 3×3"),
        Case((-distinct(rng, 4, 2), 2), note="negative numbers"),
        Case((distinct(rng, 5, 7), 2), note="5×7, a row and a column left over"),
        Case((rng.normal(size=(9, 13)), 4), note="random numbers"),
    ]


LARGEST = Exercise(
    "largest", "The largest of each window", 8, largest, planes,
    mistakes=(
        Mistake(
            "slides by one",
            "Your windows begin next to each other, as those of a convolution do. Here a window begins where the one "
            "before it ends, so that each number lies in one window only. How far apart do two of them begin?",
            lambda x, f: pooled(x, f, 1, np.max),
        ),
        Mistake(
            "square",
            "Your map has as many columns as rows, but this plane is not square. Height and width each give their own "
            "number of windows.",
            as_if_square,
        ),
        Mistake(
            "begins at zero",
            "Where all numbers of a window are negative, you say 0, and there is no 0 in it. What does your search for "
            "the largest begin with, before it has seen a number?",
            lambda x, f: np.maximum(largest(x, f), 0),
        ),
        Mistake(
            "pieces of windows",
            "You also count windows that hang over the end, with the numbers that are there. In this lab a window "
            "counts if it fits as a whole, as in the formula for the size.",
            lambda x, f: largest(grown(x, f, f), f),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def means(x: Array, f: int) -> Array:
    """The mean of each window of f×f."""
    return pooled(x, f, f, np.mean)


def mixed_planes(rng: Generator) -> list[Case]:
    """Whole numbers first, in an array of them, whose means are fractions."""
    return [
        Case((PLANE.astype(int), 2), note="the 4×4 plane of the text, an array of whole numbers"),
        Case((OTHER, 2), note="the other plane of the text"),
        Case((distinct(rng, 3, 6), 3), note="windows of 3×3"),
        Case((distinct(rng, 5, 7), 2), note="5×7, a row and a column left over"),
        Case((rng.normal(size=(9, 13)), 4), note="random numbers"),
    ]


MEANS = Exercise(
    "means", "The mean of each window", 6, means, mixed_planes,
    mistakes=(
        Mistake(
            "sum",
            "You add the numbers of each window and stop there. A mean lies between the smallest and the largest of "
            "them: what is missing?",
            lambda x, f: pooled(x, f, f, np.sum),
        ),
        Mistake(
            "divided by the side",
            "You divide by the side of the window. How many numbers did you add up?",
            lambda x, f: pooled(x, f, f, np.sum) / f,
        ),
        Mistake(
            "whole numbers",
            "Your means have lost their fractions: 3.25 became 3. This plane is an array of whole numbers, and an "
            "array made like it (`np.zeros_like`), or a division by `//`, can hold nothing else.",
            lambda x, f: means(x, f).astype(x.dtype),
        ),
        Mistake(
            "the largest again",
            "These are the largest numbers of the windows. Here each number of a window has the same say.",
            largest,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── sizes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def pooled_shape(shape: Shape, size: int, stride: int, padding: int = 0) -> Shape:
    """(N, C, H, W) to (N, C, OH, OW)"""
    return (*shape[:2], *(output_size(n, size, stride, padding) for n in shape[2:]))


def _resized(along: Callable[[int, int, int, int], Any]) -> Callable[..., Shape]:
    """The shape with another formula for height and width."""
    return lambda shape, size, stride, padding=0: (*shape[:2], *(along(n, size, stride, padding) for n in shape[2:]))


def shapes(rng: Generator) -> list[Case]:
    """Pools of known networks, one of them with padding."""
    high, wide = (int(n) for n in rng.integers(20, 90, 2))
    drawn = [((2, 5, high, wide), 3, 3, 1), ((2, 5, wide, high + 7), 4, 3, 0)]
    known = [((1, 1, 8, 8), 2, 2, 0), ((1, 64, 224, 224), 2, 2, 0), ((128, 96, 55, 55), 3, 2, 0)]
    left_over = [((1, 6, 9, 14), 2, 2, 0), ((1, 64, 13, 112), 3, 2, 1)]
    return [Case(args, note="{}, size {}, stride {}, padding {}".format(*args)) for args in known + left_over + drawn]


POOLED_SHAPE = Exercise(
    "pooled_shape", "What comes out, and how large", 4, pooled_shape, shapes, parts=("N", "C", "OH", "OW"),
    mistakes=(
        Mistake(
            "no first window",
            "Height and width are one too small. You counted the steps of the window, but it also stands somewhere "
            "before its first step.",
            _resized(lambda n, size, stride, padding: (n + 2 * padding - size) // stride),
        ),
        Mistake(
            "fewer channels",
            "You made the number of channels smaller too. Pooling takes each channel by itself: which axes does the "
            "window move along?",
            lambda shape, size, stride, padding=0: (
                shape[0], max(1, shape[1] // stride), *pooled_shape(shape, size, stride, padding)[2:]
            ),
        ),
        Mistake(
            "rounded up",
            "You count a last window that does not fit any more. A line of 9 with windows of 2 and stride 2: write "
            "down where each of them begins and ends.",
            _resized(lambda n, size, stride, padding: -(-(n + 2 * padding - size) // stride) + 1),
        ),
        Mistake(
            "padded once",
            "You add the padding once. It stands at both ends: with padding 1 a line of 13 becomes one of 15.",
            _resized(lambda n, size, stride, padding: (n + padding - size) // stride + 1),
        ),
        Mistake(
            "not rounded",
            "You have a fraction of a window. The brackets in the formula round down: what is left over is too short "
            "for one more window. How does Python divide whole numbers?",
            _resized(lambda n, size, stride, padding: (n + 2 * padding - size) / stride + 1),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── the layers ──────────────────────────────────────────────────────────────────────────────────────────────────


def bordered(x: Array, padding: int, value: float = -np.inf) -> Array:
    """With a border of one value around each plane."""
    return np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2), constant_values=value)


def max_pool2d(x: Array, size: int, stride: int, padding: int = 0) -> Array:
    """The largest of each window of x (N, C, H, W); the border never wins."""
    return naive.max_pool2d(x, size, stride, padding)[0]


def layers(rng: Generator) -> list[Case]:
    """One thing more in each case; the last has all of them."""

    def case(shape: Shape, size: int, stride: int, padding: int, note: str) -> Case:
        return Case((distinct(rng, *shape), size, stride, padding), note=note)

    return [
        Case((PLANE[None, None], 2, 2, 0), note="the 4×4 plane of the text"),
        case((1, 2, 2, 4), 2, 2, 0, "two channels"),
        case((2, 1, 2, 4), 2, 2, 0, "two images"),
        case((1, 1, 5, 7), 3, 2, 0, "windows of 3×3, stride 2: they overlap"),
        case((1, 1, 4, 6), 3, 2, 0, "a row and a column left over"),
        Case((-distinct(rng, 1, 1, 3, 5), 3, 2, 1), note="padding 1, negative numbers"),
        Case((rng.normal(size=(2, 3, 7, 9)), 3, 2, 1), note="all at once"),
    ]


def over_channels(x: Array, size: int, stride: int, padding: int = 0) -> Array:
    """The mistake of one largest for all channels."""
    y = max_pool2d(x, size, stride, padding)
    return np.broadcast_to(y.max(1, keepdims=True), y.shape)


MAX_POOL2D = Exercise(
    "max_pool2d", "The layer, with overlap and padding", 14, max_pool2d, layers,
    mistakes=(
        Mistake(
            "channels mixed",
            "All your channels are equal: you took the largest number of all channels together. Pooling keeps them "
            "apart, for each says how well a place fits another kernel.",
            over_channels,
        ),
        Mistake(
            "stride is the size",
            "Your windows do not overlap: this is the answer for a stride as large as the window. With stride 2 the "
            "second window begins two places after the first, however wide it is.",
            lambda x, size, stride, padding=0: pooled(bordered(x, padding), size, size, np.max),
        ),
        Mistake(
            "pieces of windows",
            "You also count windows that hang over the end. Here a window counts if it fits as a whole, into the "
            "padded map if there is padding.",
            lambda x, size, stride, padding=0: max_pool2d(grown(bordered(x, padding), size, stride), size, stride),
        ),
        Mistake(
            "zeros win",
            "At the border you say 0, though every number of the map is negative: the zeros that you padded with have "
            "won. The border is not part of the picture. Which number can never be the largest?",
            lambda x, size, stride, padding=0: pooled(bordered(x, padding, 0), size, stride, np.max),
        ),
        Mistake(
            "no padding",
            "This is the answer without padding: the shape says that no border was added. Which axes of `x` grow, and "
            "by how much?",
            lambda x, size, stride, padding=0: max_pool2d(x, size, stride),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def weighted_pool2d(x: Array, w: Array, stride: int) -> Array:
    """Σ w·x / Σ w of each window and channel; w (R, S)."""
    return plane_by_plane(x, w, stride) / w.sum()


def plane_by_plane(x: Array, w: Array, stride: int) -> Array:
    """Each plane of x (N, C, H, W) correlated with w."""
    return np.array([[naive.correlate2d(plane, w, stride) for plane in image] for image in x])


def weightings(rng: Generator) -> list[Case]:
    """Equal weights, then unequal ones without symmetry."""
    few = np.array([[1.0, 2], [0, 5]])
    return [
        Case((PLANE[None, None], np.ones((2, 2)), 2), note="equal weights on the plane of the text"),
        Case((distinct(rng, 1, 1, 2, 4), few, 2), note="unequal weights"),
        Case((distinct(rng, 1, 2, 2, 4), few, 2), note="two channels"),
        Case((distinct(rng, 2, 1, 3, 4), few, 1), note="two images, stride 1"),
        Case((distinct(rng, 1, 1, 5, 7), np.array([[1.0, 2, 1], [3, 4, 2]]), 2), note="weights of 2 rows, 3 columns"),
        Case((rng.normal(size=(2, 3, 7, 9)), rng.random((3, 2)) + 0.1, 2), note="random numbers"),
    ]


def summed_channels(x: Array, w: Array, stride: int) -> Array:
    """The mistake of a convolution: all channels in one sum."""
    y = weighted_pool2d(x, w, stride)
    return np.broadcast_to(y.sum(1, keepdims=True), y.shape)


WEIGHTED_POOL2D = Exercise(
    "weighted_pool2d", "Means with weights", 10, weighted_pool2d, weightings,
    mistakes=(
        Mistake(
            "not divided",
            "Your numbers are sums. Put a map of ones into your function: a mean of ones, however weighted, is 1.",
            lambda x, w, stride: plane_by_plane(x, w, stride),
        ),
        Mistake(
            "divided by the count",
            "You divide by the number of weights, which is right when each of them is 1. With other weights a map of "
            "ones would not stay a map of ones. What do they add up to?",
            lambda x, w, stride: plane_by_plane(x, w, stride) / w.size,
        ),
        Mistake(
            "flipped",
            "You turned the weights by half a circle: `w[0, 0]` meets the last number of the window. Here it meets the "
            "first.",
            lambda x, w, stride: weighted_pool2d(x, w[::-1, ::-1], stride),
        ),
        Mistake(
            "channels summed",
            "You add up the channels, as a convolution does. Pooling has no kernel that looks across channels: each "
            "channel gives its own map.",
            summed_channels,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── the way back ────────────────────────────────────────────────────────────────────────────────────────────────


def max_pool2d_backward(dy: Array, x: Array, size: int, stride: int) -> Array:
    """Each dy goes to the first of the largest numbers of its window."""
    return naive.max_pool2d_back(dy, naive.max_pool2d(x, size, stride)[1], x.shape)


def scattered(dy: Array, x: Array, size: int, stride: int, share: Callable[[Array], Array], add: bool = True) -> Array:
    """Each dy sent back to its window in the shares of share(window)."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        here = (n, c, *window(i, j, size, stride)[1:])
        dx[here] = dy[n, c, i, j] * share(x[here]) + (dx[here] if add else 0)
    return dx


def winners(x: Array) -> Array:
    """1 at each of the largest numbers."""
    return (x == x.max()).astype(float)


def last_winner(x: Array) -> Array:
    """1 at the last of the largest numbers."""
    share = np.zeros(x.size)
    share[x.size - 1 - np.argmax(x.reshape(-1)[::-1])] = 1
    return share.reshape(x.shape)


def at_places(dy: Array, x: Array, size: int, stride: int, apart: int) -> Array:
    """The mistake of windows that lie this far apart on the way back."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(dy.shape):
        u, v = divmod(int(x[n, c][window(i, j, size, stride)].argmax()), size)
        dx[n, c, i * apart + u, j * apart + v] += dy[n, c, i, j]
    return dx


def overwritten(dy: Array, x: Array, size: int, stride: int) -> Array:
    """The mistake of assigning to a winner what it is owed, so that of two windows the last one counts."""
    dx = np.zeros(x.shape)
    place = naive.max_pool2d(x, size, stride)[1]
    for n, c, i, j in np.ndindex(dy.shape):
        dx[n, c].reshape(-1)[place[n, c, i, j]] = dy[n, c, i, j]
    return dx


def ways_back(rng: Generator) -> list[Case]:
    """One window, several, equal numbers, then overlap."""

    def case(x: Array, size: int, stride: int, note: str) -> Case:
        return Case((distinct(rng, *pooled_shape(x.shape, size, stride)), x, size, stride), note=note)

    line = np.array([[0.0, 3, 1, 1, 9, 2, 4], [0, 1, 2, 1, 5, 0, 1], [1, 0, 1, 0, 2, 1, 0]])
    return [
        case(distinct(rng, 1, 1, 2, 2), 2, 2, "one window"),
        case(PLANE[None, None], 2, 2, "the 4×4 plane of the text"),
        case(TIES[None, None], 2, 2, "equal numbers"),
        case(line[None, None], 3, 2, "the 9 wins twice"),
        case(distinct(rng, 1, 1, 5, 4), 2, 2, "a row left over"),
        case(distinct(rng, 2, 2, 2, 2), 2, 2, "two images, two channels"),
        Case((rng.normal(size=(2, 3, 4, 3)), rng.normal(size=(2, 3, 9, 7)), 3, 2), note="random numbers"),
    ]


MAX_POOL2D_BACKWARD = Exercise(
    "max_pool2d_backward", "The way back to the winner", 14, max_pool2d_backward, ways_back,
    mistakes=(
        Mistake(
            "everybody wins",
            "You give the gradient to every number of the window. If one that lost grows by a little, does the largest "
            "change?",
            lambda dy, x, size, stride: scattered(dy, x, size, stride, np.ones_like),
        ),
        Mistake(
            "all of the equals",
            "Where several numbers are the largest, you give each of them the whole gradient. So more comes back than "
            "went in. One of them is to have it, the first.",
            lambda dy, x, size, stride: scattered(dy, x, size, stride, winners),
        ),
        Mistake(
            "shared by the equals",
            "Where several numbers are the largest, you share the gradient among them. That is a possible choice, but "
            "not the one that is asked for here and that PyTorch makes: the first has it all.",
            lambda dy, x, size, stride: scattered(dy, x, size, stride, lambda v: winners(v) / winners(v).sum()),
        ),
        Mistake(
            "the last of the equals",
            "Where several numbers are the largest, the last one of yours has the gradient. Somewhere you go on "
            "searching after you found it: what does a comparison by `>=` do with an equal number?",
            lambda dy, x, size, stride: scattered(dy, x, size, stride, last_winner),
        ),
        Mistake(
            "overwritten",
            "A number that wins in two windows has the gradient of the last one only. It moves both outputs: what does "
            "one do with two contributions to the same number?",
            overwritten,
        ),
        Mistake(
            "place within the window",
            "All your gradients lie in the top left corner. `argmax` tells where in its window the winner stands; "
            "where in `x` does that window begin?",
            lambda dy, x, size, stride: at_places(dy, x, size, stride, 0),
        ),
        Mistake(
            "stride is the size",
            "With windows that do not overlap you are right. With stride 2 the second window begins two places after "
            "the first, however wide it is: on the way back too.",
            lambda dy, x, size, stride: at_places(dy, x, size, stride, size),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def avg_pool2d_backward(dy: Array, shape: Shape, size: int, stride: int) -> Array:
    """Each dy in equal shares to its window."""
    return scattered(dy, np.zeros(shape), size, stride, lambda v: np.full(v.shape, 1 / size**2))


def cut_off(dy: Array, shape: Shape, size: int, stride: int) -> Array:
    """The mistake of a gradient that ends where the last window does."""
    high, wide = ((n - 1) * stride + size for n in dy.shape[2:])
    return avg_pool2d_backward(dy, shape, size, stride)[:, :, :high, :wide]


def side_by_side(dy: Array, shape: Shape, size: int, stride: int) -> Array:
    """The mistake of windows that do not overlap, as far as they fit into the shape."""
    dx = np.zeros(shape)
    for i, j in np.ndindex(dy.shape[2:]):
        dx[window(i, j, size, size)] += dy[:, :, i : i + 1, j : j + 1] / size**2
    return dx


def shares(rng: Generator) -> list[Case]:
    """One window, several, what no window covers, then overlap; all shares but the random ones are whole numbers."""

    def case(shape: Shape, size: int, stride: int, note: str) -> Case:
        return Case((size**2 * distinct(rng, *pooled_shape(shape, size, stride)), shape, size, stride), note=note)

    return [
        case((1, 1, 2, 2), 2, 2, "one window"),
        case((1, 1, 3, 6), 3, 3, "two windows of 3×3"),
        case((2, 3, 2, 2), 2, 2, "two images, three channels"),
        case((1, 1, 3, 5), 2, 2, "a row and a column left over"),
        case((1, 1, 5, 7), 3, 2, "windows that overlap"),
        Case((rng.normal(size=(2, 3, 3, 4)), (2, 3, 7, 10), 3, 2), note="random numbers"),
    ]


AVG_POOL2D_BACKWARD = Exercise(
    "avg_pool2d_backward", "The way back through a mean", 10, avg_pool2d_backward, shares,
    mistakes=(
        Mistake(
            "not divided",
            "You give each number of the window the whole of `dy`. If one of them grows by 1, by how much does the "
            "mean grow?",
            lambda dy, shape, size, stride: avg_pool2d_backward(dy, shape, size, stride) * size**2,
        ),
        Mistake(
            "divided by the side",
            "You divide by the side of the window. Into how many equal parts does the gradient go?",
            lambda dy, shape, size, stride: avg_pool2d_backward(dy, shape, size, stride) * size,
        ),
        Mistake(
            "cut off",
            "Your `dx` ends where the last window does, but it has the shape of `x`. What is the gradient of a number "
            "that no window saw?",
            cut_off,
        ),
        Mistake(
            "stride is the size",
            "With windows that do not overlap you are right. With stride 2 the second window begins two places after "
            "the first, however wide it is.",
            side_by_side,
        ),
        Mistake(
            "overwritten",
            "Where windows overlap, only the last one counts. A number that took part in several means has a share in "
            "the gradient of each.",
            lambda dy, shape, size, stride: scattered(
                dy, np.zeros(shape), size, stride, lambda v: np.full(v.shape, 1 / size**2), add=False
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── one number for a whole map, and how much a shift changes ────────────────────────────────────────────────────


def global_pool(x: Array) -> Array:
    """(N, C, H, W) to (N, C), the mean of each map."""
    return x.mean((2, 3))


def volumes(rng: Generator) -> list[Case]:
    """Maps of several sizes: the answer has the same shape for all."""
    return [
        Case((distinct(rng, 1, 2, 2, 3),), note="one image, two maps of 2×3"),
        Case((distinct(rng, 2, 3, 1, 2),), note="two images, three maps of 1×2"),
        Case((rng.normal(size=(2, 4, 7, 7)),), note="random numbers, maps of 7×7"),
    ]


GLOBAL_POOL = Exercise(
    "global_pool", "One number for a whole map", 4, global_pool, volumes,
    mistakes=(
        Mistake(
            "channels too",
            "You have one number for each image: the channels went into the mean as well. Each map is to give a number "
            "of its own.",
            lambda x: x.mean((1, 2, 3)),
        ),
        Mistake(
            "axes kept",
            "Your numbers are right, but each of them is still a map of 1×1. The layer behind this one wants rows of "
            "numbers: the shape is to be (N, C).",
            lambda x: x.mean((2, 3), keepdims=True),
        ),
        Mistake(
            "largest",
            "You took the largest number of each map. That says whether something occurs at all; here the question is "
            "how much of it there is.",
            lambda x: x.max((2, 3)),
        ),
        Mistake(
            "one axis",
            "You took the mean along one axis, so a row of numbers is left of each map. A map has two axes.",
            lambda x: x.mean(3),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def survives(images: Array, size: int, stride: int, shift: int) -> float:
    """The correlation of the pooled images with those of the images moved to the right."""
    moved = np.roll(images, shift, axis=3)
    return correlation(max_pool2d(images, size, stride), max_pool2d(moved, size, stride))


def correlation(before: Array, after: Array) -> float:
    """Pearson's, over all numbers of both."""
    return float(np.corrcoef(before.reshape(-1), after.reshape(-1))[0, 1])


def _otherwise(move: Callable[[Array, int], Array]) -> Callable[..., float]:
    """What survives another way to move the images."""

    def answer(images: Array, size: int, stride: int, shift: int) -> float:
        return correlation(max_pool2d(images, size, stride), max_pool2d(move(images, shift), size, stride))

    return answer


def moved_with_zeros(images: Array, shift: int) -> Array:
    """Moved to the right, with zeros on the left."""
    return np.pad(images, ((0, 0), (0, 0), (0, 0), (shift, 0)))[..., : images.shape[3]]


def pooled_first(images: Array, size: int, stride: int, shift: int) -> float:
    """The mistake of moving what came out."""
    before = max_pool2d(images, size, stride)
    return correlation(before, np.roll(before, shift, axis=3))


def cosine(images: Array, size: int, stride: int, shift: int) -> float:
    """The mistake of a correlation without its means."""
    before, after = (max_pool2d(x, size, stride) for x in (images, np.roll(images, shift, axis=3)))
    return float((before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum()))


def shifts(rng: Generator) -> list[Case]:
    """Without pooling first, then with."""
    return [
        Case((distinct(rng, 1, 1, 3, 4), 1, 1, 1), note="windows of one pixel, moved by 1"),
        Case((distinct(rng, 1, 1, 4, 6), 2, 2, 1), note="windows of 2×2, moved by 1"),
        Case((distinct(rng, 1, 1, 4, 8), 2, 2, 2), note="moved by a whole window"),
        Case((distinct(rng, 3, 1, 5, 7), 3, 2, 1), note="three images, windows that overlap"),
        Case((rng.random((4, 1, 9, 11)), 3, 2, 3), note="random numbers"),
    ]


SURVIVES = Exercise(
    "survives", "How much survives a shift", 8, survives, shifts,
    mistakes=(
        Mistake(
            "moved down",
            "You moved the pictures down. To the right means along the columns: which axis of (N, C, H, W) is that?",
            _otherwise(lambda images, shift: np.roll(images, shift, axis=2)),
        ),
        Mistake(
            "zeros come in",
            "You let zeros come in on the left. Here what leaves a picture on the right comes in again on the left, so "
            "that no pixel is lost and only the place changes.",
            _otherwise(moved_with_zeros),
        ),
        Mistake(
            "cosine",
            "You multiply the numbers as they are. A correlation takes the mean away from both arrays first; otherwise "
            "two bright pictures look alike because they are bright.",
            cosine,
        ),
        Mistake(
            "no axis",
            "You moved all numbers in one long line: without an axis, what leaves a row on the right comes in again in "
            "the row below. Which axis of (N, C, H, W) is to be moved along?",
            _otherwise(np.roll),
        ),
        Mistake(
            "moved to the left",
            "You moved the pictures to the left. Without pooling this makes no difference, with it other pixels share "
            "a window.",
            _otherwise(lambda images, shift: np.roll(images, -shift, axis=3)),
        ),
        Mistake(
            "pooled first",
            "You pool once and move what came out. The question is what pooling makes of a picture that has moved, so "
            "the pixels have to move before they are pooled.",
            pooled_first,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def torch_pool(x: Any, f: int, ceil: bool = False) -> Any:
    """PyTorch's own layer."""
    from torch.nn.functional import max_pool2d

    return max_pool2d(x, f, ceil_mode=ceil)


def blocks(x: Any, f: int, far: bool = False) -> Any:
    """The rows and columns that fill whole windows, each axis as two: windows and places, or the other way round."""
    high, wide = x.shape[2] // f, x.shape[3] // f
    fitting = x[:, :, : high * f, : wide * f]
    return fitting.reshape(*x.shape[:2], *((f, high, f, wide) if far else (high, f, wide, f)))


def tensors(rng: Generator) -> list[Case]:
    """The plane of the text, then what a reshape can get wrong."""
    return [
        Case((PLANE[None, None], 2), note="the 4×4 plane of the text"),
        Case((distinct(rng, 1, 1, 3, 6), 3), note="windows of 3×3"),
        Case((distinct(rng, 2, 2, 4, 2), 2), note="two images, two channels"),
        Case((distinct(rng, 1, 1, 5, 7), 2), note="5×7, a row and a column left over"),
        Case((rng.normal(size=(2, 3, 9, 14)), 4), note="random numbers"),
    ]


MAX_POOL_BLOCKS = Exercise(
    "max_pool_blocks", "Without a loop", 8, torch_pool, tensors, engine="torch",
    mistakes=(
        Mistake(
            "far apart",
            "Your windows hold numbers that do not lie side by side. When an axis of 4 becomes two axes, the first of "
            "them counts in large steps and the second in small ones. Which of them are the windows, and which the "
            "places within a window?",
            lambda x, f: blocks(x, f, far=True).amax((2, 4)),
        ),
        Mistake(
            "one axis",
            "You took the largest along one axis of the window only, so the other still has all its numbers.",
            lambda x, f: blocks(x, f).amax(3).flatten(3),
        ),
        Mistake(
            "mean",
            "These are means. The largest along several axes at once is `amax`.",
            lambda x, f: blocks(x, f).mean((3, 5)),
        ),
        Mistake(
            "pieces of windows",
            "You also count windows that hang over the end. Cut off the rows and columns that fill no whole window "
            "first.",
            lambda x, f: torch_pool(x, f, ceil=True),
        ),
    ),
    forbidden=(*READY, *LIBRARY),
)  # fmt: skip


def pooled_net(
    size: int = 3, first: bool = True, second: bool = True, end: str = "mean", sure: bool = False
) -> Callable[..., Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(channels: int, maps: int, classes: int) -> Any:
        from torch import nn

        class PooledNet(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv1 = nn.Conv2d(channels, maps, 3, padding=1)
                self.conv2 = nn.Conv2d(maps, maps, 3, padding=1)
                self.head = nn.Linear(maps, classes)
                self.pool = nn.MaxPool2d(size, 2)

            def forward(self, x: Any) -> Any:
                y = self.conv1(x)
                y = self.conv2(self.pool(y.relu() if first else y))
                y = y.relu() if second else y
                y = self.head(y.mean((2, 3)) if end == "mean" else y.amax((2, 3)))
                return y.softmax(1) if sure else y

        return PooledNet()

    return build


def states(rng: Generator) -> list[Case]:
    """Weights from outside, and pictures of two sizes."""
    return [_module_case(rng, *sizes) for sizes in ((1, 1, 2, 2, 5, 7), (2, 3, 4, 5, 8, 11))]


def _module_case(rng: Generator, pictures: int, channels: int, maps: int, classes: int, high: int, wide: int) -> Case:
    """The first bias is so low that whole windows are negative: a pooling alone does not do what the ReLU does."""
    shapes: dict[str, Shape] = {
        "conv1.weight": (maps, channels, 3, 3),
        "conv1.bias": (maps,),
        "conv2.weight": (maps, maps, 3, 3),
        "conv2.bias": (maps,),
        "head.weight": (classes, maps),
        "head.bias": (classes,),
    }
    state = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    state["conv1.bias"] -= np.float32(5 * channels**0.5)
    inputs = (rng.normal(size=(pictures, channels, high, wide)).round(1).astype(np.float32),)
    note = f"channels {channels}, maps {maps}, classes {classes}, pictures of {high}×{wide}"
    return Case((channels, maps, classes), {"state": state, "inputs": inputs}, note=note)


POOLED_NET = Exercise(
    "PooledNet", "A network for pictures of any size", 8, pooled_net(), states, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "no overlap",
            "Your first pooling uses windows of 2×2. Here they are 3×3 with stride 2, so that neighbours share a row "
            "or a column.",
            pooled_net(size=2),
        ),
        Mistake(
            "no first ReLU",
            "There is no ReLU after your first convolution. A window whose largest number is negative hands that on, "
            "and with a ReLU it would be 0.",
            pooled_net(first=False),
        ),
        Mistake(
            "no second ReLU",
            "There is no ReLU after your second convolution. Without it, places where the kernel fits badly count "
            "against those where it fits well, and the mean of a map forgets both.",
            pooled_net(second=False),
        ),
        Mistake(
            "largest at the end",
            "At the end you take the largest number of each map. Here it is the mean, the global average pooling that "
            "you wrote in NumPy.",
            pooled_net(end="largest"),
        ),
        Mistake(
            "probabilities",
            "Your outputs add up to 1: there is a softmax at the end. A network gives scores; what turns them into "
            "probabilities belongs to the loss.",
            pooled_net(sure=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

LAB = Lab(
    "pooling", 2, "Pooling",
    (
        LARGEST, MEANS, POOLED_SHAPE, MAX_POOL2D, WEIGHTED_POOL2D, MAX_POOL2D_BACKWARD, AVG_POOL2D_BACKWARD,
        GLOBAL_POOL, SURVIVES, MAX_POOL_BLOCKS, POOLED_NET, Text("tolerance", "How much tolerance is good?", 6),
    ),
)  # fmt: skip
