"""The claims on convolution: sizes, parameters, and the worked examples of the documents."""

from functools import partial
from typing import Any

import numpy as np

from twice.claims.ledger import Claim
from twice.kernels.conv import conv
from twice.kernels.geometry import output_size

row = partial(Claim, "convolution")
Array = np.ndarray

# ── the examples ────────────────────────────────────────────────────────────────────────────────────────────────

BINARY = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
CROSS = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
FOUR = [[0, 3, 2, 1], [2, 1, 0, 2], [1, 3, 2, 0], [2, 0, 3, 3]]
LINE = [3, 2, 4, 5, 1, 20, 2, 2]
SMOOTH = [0.3, 0.4, 0.3]
STEPS = [[2, 2, 2, 2, 2, 1, 1, 1]] * 4 + [[2, 2, 2, 9, 9, 9, 9, 9]] * 4
PREWITT = [[-1, 0, 1]] * 3
RGB = [[[0, 0, 0], [0, 1, 1], [0, 2, 1]], [[0, 0, 0], [0, 2, 2], [0, 1, 0]], [[0, 0, 0], [0, 0, 3], [0, 1, 0]]]
THREE = [[[0, 0, 0], [0, 0, 1], [0, 1, 0]], [[0, 2, 0]] * 3, [[1, 0, 0], [0, 2, 0], [0, 0, 1]]]


def slide(image: list, kernel: list, bias: float = 0.0, **options: Any) -> Array:
    """One kernel over one image, or along one line: lists in, the map out."""
    x, w = (np.array(numbers, float)[None, None] for numbers in (image, kernel))
    return conv(x, w, np.array([bias], float), **options)[0][0, 0]


def volume(size: int, channels: int, kernels: int, f: int, **options: Any) -> tuple[int, ...]:
    """Height, width and channels that come out of a layer."""
    x, w = np.zeros((1, channels, size, size)), np.zeros((kernels, channels, f, f))
    _, k, height, width = conv(x, w, **options)[0].shape
    return height, width, k


def parameters(channels: int, kernels: int, f: int) -> int:
    """K kernels of F·F·C weights and K biases."""
    return np.zeros((kernels, channels, f, f)).size + np.zeros(kernels).size


def fit(n: int, f: int, s: int, p: int = 0) -> float:
    """(N + 2P − F)/S + 1, whole or not."""
    return (n + 2 * p - f) / s + 1


def replicated(line: list) -> list:
    """The line with its ends repeated."""
    return [line[0], *line, line[-1]]


EXAMPLES = (
    row(
        "decaying-memory", "A", "1, 1/2, 1/4", "1-D convolution of a signal with its decay", "agrees",
        lambda: slide([0, 0, 1, 0, 0], [1 / 4, 1 / 2, 1]), value=(1, 0.5, 0.25),
        why="what one impulse leaves behind; the flipped kernel slides",
    ),
    row(
        "binary-image", "A", "[[4, 3, 4], [2, 4, 3], [2, 3, 4]]", "5×5 image and the X kernel", "agrees",
        lambda: slide(BINARY, CROSS),
    ),
    row("four-by-four", "D", "[[6, 7], [10, 8]]", "4×4 image and the X kernel", "agrees", lambda: slide(FOUR, CROSS)),
    row(
        "four-by-four-bias", "D", "[[8, 9], [12, 10]]", "the same with a bias of 2", "agrees",
        lambda: slide(FOUR, CROSS, 2),
    ),
    row(
        "line-zero-padding", "D", "[1.8, 2.9, 3.7, 3.5, 7.9, 8.9, 7.4, 1.4]", "padding (a), with zeros", "agrees",
        lambda: slide(LINE, SMOOTH, padding=1),
    ),
    row(
        "line-replicate-padding", "D", "[2.7, 2.9, 3.7, 3.5, 7.9, 8.9, 7.4, 2.0]", "padding (b), with copies",
        "agrees", lambda: slide(replicated(LINE), SMOOTH),
    ),
    row(
        "line-bias", "D", "[3.1, 3.9, 3.7, 8.1, 9.1, 7.6]", "bias (a): an input of 1 with the weight 0.2", "agrees",
        lambda: slide(LINE, SMOOTH, 0.2),
    ),
    row(
        "plane-bias", "D",
        "[2, 2, 2, −1, −1, 2], [2, 9, 9, 0, 0, 2], [2, 16, 16, 1, 1, 2], [2, 23, 23, 2, 2, 2]",
        "bias (b): 8×8 image, vertical edges, bias 2; rows 2 to 5 of 6", "agrees",
        lambda: slide(STEPS, PREWITT, 2)[1:5],
    ),
    row(
        "plane-bias-twins", "D", "twice the same", "bias (b): rows 1 and 2, rows 5 and 6, what is between them",
        "agrees",
        lambda: np.abs(np.diff(slide(STEPS, PREWITT, 2)[[0, 1, 4, 5]], axis=0)[::2]).max(), value=0,
    ),
    row(
        "colour-patch", "D", "9", "RGB patch and three 3×3 kernels", "agrees",
        lambda: conv(np.array([RGB], float), np.array([THREE], float))[0],
    ),
)  # fmt: skip

# ── sizes ───────────────────────────────────────────────────────────────────────────────────────────────────────

SIZES = (
    row("size-stride-1", "A", "5", "output of 7 by 3 at stride 1", "agrees", lambda: output_size(7, 3, 1)),
    row("size-stride-2", "A", "3", "output of 7 by 3 at stride 2", "agrees", lambda: output_size(7, 3, 2)),
    row(
        "size-stride-3", "A", "2.3333", "output of 7 by 3 at stride 3", "rounds", lambda: fit(7, 3, 3),
        why="does not fit: a convolution answers 2 and leaves the last column out",
    ),
    row("size-padded-3", "A", "3x3", "7×7 by 3×3, stride 3, padding 1", "agrees",
        lambda: volume(7, 1, 1, 3, stride=3, padding=1)[:2]),
    row("size-kept", "D", "7", "N = 7, P = 1, F = 3, S = 1", "agrees", lambda: output_size(7, 3, 1, 1)),
    row("size-padded", "D", "9×9", "the 7×7 image padded by 1", "agrees", lambda: np.pad(np.zeros((7, 7)), 1).shape),
    row(
        "size-two-filters", "A", "3x3x2", "animation: 5×5×3 padded to 7×7×3, two 3×3×3 filters, stride 2", "agrees",
        lambda: volume(5, 3, 2, 3, stride=2, padding=1),
    ),
    row(
        "size-two-filters-input", "A", "7x7x3", "animation: the input volume with its padding", "agrees",
        lambda: np.pad(np.zeros((5, 5, 3)), ((1, 1), (1, 1), (0, 0))).shape,
    ),
    row("size-six-filters", "AB", "28x28x6", "32×32×3 and six 5×5×3 filters", "agrees", lambda: volume(32, 3, 6, 5)),
    row("size-ten-filters", "A", "24x24x10", "then ten 5×5×6 filters", "agrees", lambda: volume(28, 6, 10, 5)),
    row(
        "size-ten-padded", "A", "32x32x10", "32×32, ten 5×5 filters, padding 2", "agrees",
        lambda: volume(32, 1, 10, 5, padding=2),
    ),
    row("size-one-by-one", "D", "4", "1×1 kernels: maps out of four 8×1×1 kernels", "agrees",
        lambda: volume(5, 8, 4, 1)[2]),
)  # fmt: skip

# ── what it costs ───────────────────────────────────────────────────────────────────────────────────────────────

IMAGE, HIDDEN, PATCH, FILTERS = 1000 * 1000, 10**6, 10 * 10, 100

COSTS = (
    row("weights-dense", "AB", "10^12", "1000×1000 image, 1 M hidden units", "agrees", lambda: IMAGE * HIDDEN),
    row("weights-local", "AB", "100M", "the same, patches of 10×10", "agrees", lambda: PATCH * HIDDEN),
    row("weights-shared", "AB", "10K", "the same, 100 shared 10×10 filters", "agrees", lambda: PATCH * FILTERS),
    row("weights-line", "D", "three", "weight sharing: parameters of the 1-D kernel", "agrees",
        lambda: len(SMOOTH), value=3),
    row("dot-product", "B", "75", "one output value of a 5×5×3 filter: terms", "agrees",
        lambda: np.zeros((5, 5, 3)).size),
    row("parameters-64", "D", "3200", "64 kernels of 7×7 on a grey image", "agrees", lambda: parameters(1, 64, 7)),
    row(
        "parameters-10", "A", "260", "32×32 input, ten 5×5 filters", "agrees", lambda: parameters(1, 10, 5),
        why="for one input channel; an RGB image needs 5·5·3 weights a filter",
    ),
    row("first-sum", "D", "6", "4×4 image and the X kernel: the first sum", "agrees", lambda: slide(FOUR, CROSS)[0, 0]),
)  # fmt: skip

CLAIMS = (*EXAMPLES, *SIZES, *COSTS)
