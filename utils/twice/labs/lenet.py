"""Lab 5, LeNet: its exercises, and what people get wrong in them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "twice.networks", "scipy")


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape, p=[0.2, 0.8])


@cache
def paper_table() -> Array:
    """Table I: a row for each of S2's 6 maps, a column for each of C3's 16 that may look at it."""
    from twice.networks.lenet import CONNECTIONS

    return np.array([[mark == "X" for mark in row.split()] for row in CONNECTIONS.strip().split("\n")])


# ── the units ───────────────────────────────────────────────────────────────────────────────────────────────────


def scaled_tanh(x: Array) -> tuple[Array, Array]:
    """1.7159 tanh(2x/3) and its slope."""
    t = np.tanh(2 * x / 3)
    return 1.7159 * t, 1.7159 * 2 / 3 * (1 - t**2)


def pulses(rng: Generator) -> list[Case]:
    """Where the paper's numbers come from, then others."""
    return [
        Case((np.array([0.0, 1.0, -1.0]),), note="0, 1 and -1"),
        Case((np.array([[0.5, -2.0, 10.0], [3.0, -0.25, -10.0]]),), note="two rows, saturation"),
        Case((rng.normal(0, 2, (2, 3, 4)),), note="random numbers"),
    ]


SCALED_TANH = Exercise(
    "scaled_tanh", "A squashing function", 5, scaled_tanh, pulses, parts=("y", "slope"),
    mistakes=(
        Mistake(
            "inner derivative",
            "Your `y` is right, your slope too steep everywhere by the same factor: the chain rule asks for the "
            "derivative of what stands inside the tanh, too.",
            lambda x: (scaled_tanh(x)[0], scaled_tanh(x)[1] * 1.5),
        ),
        Mistake(
            "slope from y",
            "Your slope is right at 0 only. The derivative of tanh is one minus its square, the square of the tanh "
            "itself, not of `y`, which is 1.7159 times as large.",
            lambda x: (scaled_tanh(x)[0], 1.7159 * 2 / 3 * (1 - scaled_tanh(x)[0] ** 2)),
        ),
        Mistake(
            "not stretched",
            "Your `y` never leaves -1 to 1: the factor in front is missing. With it, 1 becomes 1, just not in the "
            "flat part of the curve.",
            lambda x: tuple(part / 1.7159 for part in scaled_tanh(x)),
        ),
        Mistake(
            "three halves",
            "You divide by two thirds. The curve is to be stretched along, so that it saturates later: what stands "
            "inside the tanh is smaller than `x`.",
            lambda x: (1.7159 * np.tanh(1.5 * x), 1.7159 * 1.5 * (1 - np.tanh(1.5 * x) ** 2)),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def quads(x: Array) -> Array:
    """(N, C, H, W) as (N, C, H/2, 2, W/2, 2)."""
    return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2)


def subsample(x: Array, coefficient: Array, bias: Array) -> Array:
    """Coefficient · the sum of each 2×2 + bias, one of each a channel."""
    return quads(x).sum((3, 5)) * coefficient[:, None, None] + bias[:, None, None]


def overlapping(x: Array, coefficient: Array, bias: Array) -> Array:
    """The mistake of windows that begin next to each other."""
    sums = x[:, :, :-1] + x[:, :, 1:]
    return (sums[..., :-1] + sums[..., 1:]) * coefficient[:, None, None] + bias[:, None, None]


def fields(rng: Generator) -> list[Case]:
    """One window, several, two channels, a batch."""
    square = np.array([[1.0, 2], [3, 4]])[None, None]
    return [
        Case((square, np.array([0.5]), np.array([1.0])), note="one window of 1, 2, 3, 4"),
        Case((whole(rng, 1, 1, 4, 6), np.array([0.25]), np.array([2.0])), note="4×6 numbers"),
        Case((whole(rng, 1, 2, 2, 4), np.array([0.5, 2.0]), np.array([1.0, -3.0])), note="two channels"),
        Case(
            (rng.normal(size=(2, 3, 6, 4)), rng.normal(size=3), rng.normal(size=3)), note="random numbers, two images"
        ),
    ]


SUBSAMPLE = Exercise(
    "subsample", "A pool that learns", 8, subsample, fields,
    mistakes=(
        Mistake(
            "mean",
            "You take the mean of the four. The paper's unit adds them up and leaves the rest to the coefficient, "
            "which is learned.",
            lambda x, coefficient, bias: subsample(x, coefficient / 4, bias),
        ),
        Mistake(
            "bias inside",
            "Your bias is multiplied by the coefficient. The order is: add the four, multiply, and then add the bias.",
            lambda x, coefficient, bias: subsample(x, coefficient, coefficient * bias),
        ),
        Mistake(
            "largest",
            "You take the largest of the four. That is max pooling, which came later; here all four count.",
            lambda x, coefficient, bias: (
                quads(x).max((3, 5)) * coefficient[:, None, None] + bias[:, None, None]
            ),
        ),
        Mistake(
            "overlapping",
            "Your windows begin next to each other. Here a window begins where the one before it ends, so that a map "
            "has half as many rows and columns.",
            overlapping,
        ),
        Mistake(
            "no bias",
            "The bias is missing. Each map has a number of its own that is added after the multiplication.",
            lambda x, coefficient, bias: subsample(x, coefficient, 0 * bias),
        ),
        Mistake(
            "squashed already",
            "Your numbers never leave -1.7159 to 1.7159: the squashing function has been applied. Here it is left out.",
            lambda x, coefficient, bias: scaled_tanh(subsample(x, coefficient, bias))[0],
        ),
        Mistake(
            "one for all",
            "You use the first coefficient and the first bias for all channels. Each channel has its own.",
            lambda x, coefficient, bias: subsample(
                x, np.full_like(coefficient, coefficient[0]), np.full_like(bias, bias[0])
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def subsample_backward(dy: Array, x: Array, coefficient: Array) -> tuple[Array, Array, Array]:
    """dx, dcoefficient and dbias."""
    spread = (dy * coefficient[:, None, None]).repeat(2, axis=2).repeat(2, axis=3)
    return spread, (dy * quads(x).sum((3, 5))).sum((0, 2, 3)), dy.sum((0, 2, 3))


def other_back(dx: float = 1.0, dc: float = 1.0) -> Callable[..., tuple[Array, Array, Array]]:
    """The way back with factors that do not belong there."""

    def answer(dy: Array, x: Array, coefficient: Array) -> tuple[Array, Array, Array]:
        right = subsample_backward(dy, x, coefficient)
        return dx * right[0], dc * right[1], right[2]

    return answer


def averaged(dy: Array, x: Array, coefficient: Array) -> tuple[Array, Array, Array]:
    """The mistake of a mean over images and places."""
    dx, dc, db = subsample_backward(dy, x, coefficient)
    count = dy.size // len(db)
    return dx, dc / count, db / count


def cornered(dy: Array, x: Array, coefficient: Array) -> tuple[Array, Array, Array]:
    """The mistake of a gradient that reaches one of the four."""
    dx, dc, db = subsample_backward(dy, x, coefficient)
    mask = np.zeros_like(dx)
    mask[:, :, ::2, ::2] = 1
    return dx * mask, dc, db


def ways_back(rng: Generator) -> list[Case]:
    """One window, several, two channels, a batch."""
    square = np.array([[1.0, 2], [3, 4]])[None, None]
    return [
        Case((np.array([[[[6.0]]]]), square, np.array([0.5])), note="one window of 1, 2, 3, 4"),
        Case((whole(rng, 1, 1, 2, 3), whole(rng, 1, 1, 4, 6), np.array([0.25])), note="six windows"),
        Case((whole(rng, 1, 2, 1, 2), whole(rng, 1, 2, 2, 4), np.array([0.5, 2.0])), note="two channels"),
        Case((rng.normal(size=(2, 3, 3, 2)), rng.normal(size=(2, 3, 6, 4)), rng.normal(size=3)), note="random numbers"),
    ]


SUBSAMPLE_BACKWARD = Exercise(
    "subsample_backward", "Its way back", 12, subsample_backward, ways_back, parts=("dx", "dcoefficient", "dbias"),
    mistakes=(
        Mistake(
            "shared out",
            "Your `dx` shares the gradient among the four. That is right for a mean; in a sum each of them moves the "
            "output by its full step.",
            other_back(dx=0.25),
        ),
        Mistake(
            "no coefficient",
            "Your `dx` does not know the coefficient. On the way there the sum was multiplied by it: so is what comes "
            "back.",
            lambda dy, x, coefficient: (
                subsample_backward(dy, x, np.ones_like(coefficient))[0], *subsample_backward(dy, x, coefficient)[1:],
            ),
        ),
        Mistake(
            "one of four",
            "Your gradient reaches one number of each window, as in max pooling. All four took part in the sum.",
            cornered,
        ),
        Mistake(
            "mean of the four",
            "Your `dcoefficient` multiplies by the mean of the four. What the coefficient met on the way there was "
            "their sum.",
            other_back(dc=0.25),
        ),
        Mistake(
            "coefficient in dcoefficient",
            "Your `dcoefficient` has been multiplied by the coefficient. What the coefficient met on the way there was "
            "the plain sum of the four, and what comes back to it is that sum times `dy`.",
            lambda dy, x, coefficient: (
                subsample_backward(dy, x, coefficient)[0],
                coefficient * subsample_backward(dy, x, coefficient)[1],
                subsample_backward(dy, x, coefficient)[2],
            ),
        ),
        Mistake(
            "tiled",
            "Your `dx` holds the whole map four times, side by side. Each number is to be written into its own 2×2: "
            "`repeat` writes every number twice, `tile` the whole array.",
            lambda dy, x, coefficient: (
                np.tile(coefficient[:, None, None] * dy, (1, 1, 2, 2)), *subsample_backward(dy, x, coefficient)[1:],
            ),
        ),
        Mistake(
            "averaged",
            "Your `dcoefficient` and `dbias` are means. Each moved every number of its map, in every image: the "
            "derivatives add up.",
            averaged,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── sizes and counts ────────────────────────────────────────────────────────────────────────────────────────────


def map_sizes(image: int, padding: int = 0) -> list[int]:
    """Rows of C1, S2, C3, S4 and C5."""
    return _sizes(image, padding)


def _sizes(
    image: int, before: int, later: int = 0, kernel: int = 4, half: Callable[[Any], Any] = lambda rows: rows // 2
) -> list[int]:
    """The same with more padding later, with a kernel that takes another number of rows, or with another half."""
    c1 = image + 2 * before - kernel
    c3 = half(c1) + 2 * later - kernel
    return [c1, half(c1), c3, half(c3), half(c3) + 2 * later - kernel]


def images(rng: Generator) -> list[Case]:
    """The paper's, then MNIST's with and without padding, then larger ones."""
    drawn = 4 * int(rng.integers(10, 60))
    return [
        Case((32,), note="32×32, the paper's"),
        Case((28, 2), note="28×28 with a padding of 2"),
        Case((28, 0), note="28×28 without padding"),
        Case((35,), note="35×35, rows left over"),
        Case((64,), note="64×64"),
        Case((drawn, 2), note=f"{drawn}×{drawn} with a padding of 2"),
    ]


MAP_SIZES = Exercise(
    "map_sizes", "How large are the maps?", 5, map_sizes, images, parts=("C1", "S2", "C3", "S4", "C5"),
    mistakes=(
        Mistake(
            "one row too few",
            "Your maps are a row too small: you subtract the kernel's 5. In how many places does a kernel of 5 fit "
            "into 5 rows?",
            lambda image, padding=0: _sizes(image, padding, kernel=5),
        ),
        Mistake(
            "nothing lost",
            "Your convolutions keep the size of their input. Without padding they lose rows at both ends.",
            lambda image, padding=0: _sizes(image, padding, kernel=0),
        ),
        Mistake(
            "padded throughout",
            "You pad the input of C3 and C5 too. Only the image gets a border.",
            lambda image, padding=0: _sizes(image, padding, padding),
        ),
        Mistake(
            "rounded up",
            "Your pools make a row of what is left over. A window of 2 needs two rows; the last one alone is dropped.",
            lambda image, padding=0: _sizes(image, padding, half=lambda rows: -(-rows // 2)),
        ),
        Mistake(
            "halves of rows",
            "You have a fraction of a row. What is left over when an odd number of rows is halved is dropped: which of "
            "Python's divisions does that?",
            lambda image, padding=0: _sizes(image, padding, half=lambda rows: rows / 2),
        ),
        Mistake(
            "padded at one end",
            "You add the padding once. It stands at both ends: 28 rows with a padding of 2 are 32.",
            lambda image, padding=0: _sizes(image + padding, 0),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def parameters(table: Array) -> list[int]:
    """C1, S2, C3, S4, C5 and F6."""
    return _counts(table, int(np.sum(table)))


def _counts(table: Array, connections: int, biases: int = 1, a_map: int = 2) -> list[int]:
    """The same with other connections, without biases, with another number for each map of S2 and S4."""
    first, second = table.shape
    return [
        first * (25 + biases), a_map * first, 25 * connections + biases * second, a_map * second,
        120 * (25 * second + biases), 84 * (120 + biases),
    ]  # fmt: skip


def tables(rng: Generator) -> list[Case]:
    """A small one, the paper's, all connected, a random one."""
    drawn = rng.random((6, 16)) < 0.5
    drawn[0, :2] = True, False
    return [
        Case((np.array([[True, False, True], [True, True, False]]),), note="2 maps, 3 maps, 4 connections"),
        Case((paper_table(),), note="the paper's table"),
        Case((np.ones((6, 16), bool),), note="all connected"),
        Case((drawn,), note="a random table"),
    ]


PARAMETERS = Exercise(
    "parameters", "How many weights?", 8, parameters, tables, parts=("C1", "S2", "C3", "S4", "C5", "F6"),
    mistakes=(
        Mistake(
            "all connected",
            "Your C3 looks at all maps of S2. Only the connections of the table have weights: how many are there?",
            lambda table: _counts(table, table.size),
        ),
        Mistake(
            "a bias for each connection",
            "Your C3 has a bias for each connection. What the connections bring is added up first; a map has one bias "
            "for the sum.",
            lambda table: [
                26 * int(table.sum()) if i == 2 else count for i, count in enumerate(parameters(table))
            ],
        ),
        Mistake(
            "no biases",
            "The biases are missing. Each map of a convolution has one, and so has each unit of F6.",
            lambda table: _counts(table, int(table.sum()), biases=0),
        ),
        Mistake(
            "pools without weights",
            "Your S2 and S4 have no weights, as pools have none today. LeNet's learn: which two numbers does each of "
            "their maps have?",
            lambda table: _counts(table, int(table.sum()), a_map=0),
        ),
        Mistake(
            "rows and columns swapped",
            "You took the rows of the table for C3's maps. A row stands for a map of S2, a column for one of C3.",
            lambda table: parameters(table.T),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def connect(x: Array, w: Array, b: Array, table: Array) -> Array:
    """A convolution whose kernel k sees the channels c with table[c, k]."""
    return naive.conv2d(x, w * table.T[:, :, None, None], b)


def connections(rng: Generator) -> list[Case]:
    """As many maps as channels, more, the paper's, a batch."""

    def case(x: tuple[int, ...], maps: int, kernel: int, table: Any, note: str) -> Case:
        arrays = (whole(rng, *x), whole(rng, maps, x[1], kernel, kernel), whole(rng, maps), np.array(table, bool))
        return Case(arrays, note=note)

    last = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]], bool)
    random = (rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 2, 2)), rng.normal(size=4), last)
    return [
        case((1, 2, 2, 3), 2, 2, [[0, 1], [1, 1]], "2 channels, 2 maps, the first map sees channel 1 alone"),
        case((1, 2, 3, 3), 2, 2, [[1, 1], [0, 1]], "2 channels, 2 maps, the first map sees channel 0 alone"),
        case((1, 3, 3, 3), 2, 2, [[1, 0], [0, 1], [1, 1]], "3 channels, 2 maps"),
        case((1, 6, 6, 5), 16, 5, paper_table(), "C3: 6 channels, 16 maps, the paper's table"),
        Case(random, note="random numbers, two images"),
    ]


def first_channels(x: Array, w: Array, b: Array, table: Array) -> Array:
    """The mistake of as many channels as the table says, but the first ones."""
    return connect(x, w, b, np.arange(x.shape[1])[:, None] < table.sum(0))


def last_channel(x: Array, w: Array, b: Array, table: Array) -> Array:
    """The mistake of a sum that begins anew with each channel."""
    last = len(table) - 1 - np.argmax(table[::-1], axis=0)
    return connect(x, w, b, table & (np.arange(len(table))[:, None] == last))


def rows_for_columns(x: Array, w: Array, b: Array, table: Array) -> Array:
    """The mistake of table[k, c]; where there are more maps than channels it begins anew."""
    turned = np.resize(table.T, table.shape) if table.shape[0] != table.shape[1] else table.T
    return connect(x, w, b, turned)


CONNECT = Exercise(
    "connect", "Not every map sees every map", 14, connect, connections,
    mistakes=(
        Mistake(
            "all connected",
            "Each of your maps sees all channels: that is the ordinary convolution. The table says which of them count "
            "for map `k`: those in its column.",
            lambda x, w, b, table: naive.conv2d(x, w, b),
        ),
        Mistake(
            "first channels",
            "Your map sees the right number of channels, but always the first ones. Which ones they are stands in the "
            "column of the table, and the weights of channel `c` are `w[k, c]`.",
            first_channels,
        ),
        Mistake(
            "rows for columns",
            "You read the table along its rows. `table[c, k]` says whether map `k` sees channel `c`: the channels of a "
            "map stand in a column.",
            rows_for_columns,
        ),
        Mistake(
            "the others",
            "Your map sees just the channels that it is not to see. Where `table[c, k]` is true, channel `c` counts.",
            lambda x, w, b, table: connect(x, w, b, ~table),
        ),
        Mistake(
            "last channel alone",
            "Your map holds the share of the last channel that it sees. Those of the others have been overwritten: "
            "what does one do with several contributions to the same number?",
            last_channel,
        ),
        Mistake(
            "kernels turned",
            "Your kernels are turned by half a circle. They slide as they are: `w[k, c, 0, 0]` meets the first number "
            "of the window.",
            lambda x, w, b, table: connect(x, w[:, :, ::-1, ::-1], b, table),
        ),
        Mistake(
            "bias for each connection",
            "You add the bias once for each channel that a map sees. It belongs to the sum, once.",
            lambda x, w, b, table: connect(x, w, b * table.sum(0), table),
        ),
        Mistake(
            "no bias",
            "The bias is missing: all numbers of a map are off by the same amount. How much does map `k` add?",
            lambda x, w, b, table: connect(x, w, 0 * b, table),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── what comes out ──────────────────────────────────────────────────────────────────────────────────────────────


def rbf(x: Array, codes: Array) -> Array:
    """Squared distances (N, K) of x (N, D) from each code (K, D)."""
    return ((x[:, None] - codes) ** 2).sum(2)


def looks(rng: Generator) -> list[Case]:
    """Three numbers, several examples, as many as F6 has."""
    codes = rng.choice([-1.0, 1.0], (10, 84))
    return [
        Case((np.array([[1.0, 4.0, -1.0]]), np.array([[1.0, 1, -1], [-1, 1, 1]])), note="one example, two codes"),
        Case((whole(rng, 3, 4), rng.choice([-1.0, 1.0], (2, 4))), note="three examples"),
        Case((np.tanh(rng.normal(size=(4, 84))), codes), note="84 units, ten codes"),
    ]


RBF = Exercise(
    "rbf", "How far from a perfect digit?", 6, rbf, looks,
    mistakes=(
        Mistake(
            "root",
            "You took the root at the end. The paper leaves the squared distance as it is, as a Gaussian does in its "
            "exponent.",
            lambda x, codes: np.sqrt(rbf(x, codes)),
        ),
        Mistake(
            "product",
            "You multiply and add up, as a fully connected layer does. Here it is the difference that counts: for a "
            "perfect digit the answer is 0.",
            lambda x, codes: x @ codes.T,
        ),
        Mistake(
            "mean",
            "You take the mean of the squares. The distance is their sum.",
            lambda x, codes: rbf(x, codes) / x.shape[1],
        ),
        Mistake(
            "absolute values",
            "You add absolute values. Each difference is squared, so that a large one counts more than two of half its "
            "size.",
            lambda x, codes: np.abs(x[:, None] - codes).sum(2),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def confusion(truth: Array, predicted: Array, classes: int) -> Array:
    """matrix[t, p] counts the examples of class t that were called p."""
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def tests_taken(rng: Generator) -> list[Case]:
    """A few examples, a class that nobody names, then ten classes."""
    truth = rng.integers(0, 10, 200)
    named = np.where(rng.random(200) < 0.7, truth, rng.integers(0, 10, 200))
    return [
        Case((np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1]), 2), note="five examples, two classes"),
        Case((np.array([2, 0, 2, 2]), np.array([0, 0, 0, 2]), 4), note="four classes, two of them empty"),
        Case((truth, named, 10), note="200 examples, ten classes"),
    ]


def counted_once(truth: Array, predicted: Array, classes: int) -> Array:
    """The mistake of `matrix[truth, predicted] += 1`."""
    return (confusion(truth, predicted, classes) > 0).astype(int)


def smaller(truth: Array, predicted: Array, classes: int) -> Array:
    """The mistake of a matrix for the classes that occur."""
    seen = max(truth.max(), predicted.max()) + 1
    return confusion(truth, predicted, classes)[:seen, :seen]


CONFUSION = Exercise(
    "confusion", "Who is taken for whom?", 6, confusion, tests_taken,
    mistakes=(
        Mistake(
            "counted once",
            "Your matrix holds nothing but 0 and 1. `matrix[truth, predicted] += 1` adds once to each place, however "
            "often it is named. Count one example after the other.",
            counted_once,
        ),
        Mistake(
            "turned",
            "Rows and columns have changed places. The row says what an example is, the column what it was taken for.",
            lambda truth, predicted, classes: confusion(predicted, truth, classes),
        ),
        Mistake(
            "shares",
            "You divided by the number of examples. The matrix is to hold counts: all of them together are the number "
            "of examples.",
            lambda truth, predicted, classes: confusion(truth, predicted, classes) / len(truth),
        ),
        Mistake(
            "classes left out",
            "Your matrix is too small: it ends with the largest class that occurs. A class that nobody belongs to has "
            "a row and a column too.",
            smaller,
        ),
    ),
    forbidden=("sklearn", *LIBRARY),
)  # fmt: skip


def scores(matrix: Array) -> tuple[float, Array, Array]:
    """Accuracy, recall and precision."""
    right = np.diag(matrix)
    return float(right.sum() / matrix.sum()), right / matrix.sum(1), right / matrix.sum(0)


def matrices(rng: Generator) -> list[Case]:
    """Two classes, three, ten; each class occurs and is named."""
    drawn = rng.integers(0, 9, (10, 10)) + 20 * np.eye(10, dtype=int)
    return [
        Case((np.array([[8, 2], [1, 1]]),), note="two classes, 12 examples"),
        Case((np.array([[5, 3, 2], [0, 4, 0], [1, 1, 9]]),), note="three classes"),
        Case((drawn,), note="ten classes"),
    ]


SCORES = Exercise(
    "scores", "How to read it", 6, scores, matrices, parts=("accuracy", "recall", "precision"),
    mistakes=(
        Mistake(
            "swapped",
            "Recall and precision have changed places. Recall asks: of all that are a 7 (a row), how many were found? "
            "Precision: of all that were called a 7 (a column), how many are one?",
            lambda matrix: (scores(matrix)[0], scores(matrix)[2], scores(matrix)[1]),
        ),
        Mistake(
            "mean of the recalls",
            "Your accuracy is the mean of the recalls. It would be right if all classes were equally large; a class of "
            "two examples would count as much as one of ten.",
            lambda matrix: (float(scores(matrix)[1].mean()), *scores(matrix)[1:]),
        ),
        Mistake(
            "shares of all",
            "You divide by all examples. Recall and precision are about one class: which examples are to be counted?",
            lambda matrix: (scores(matrix)[0], np.diag(matrix) / matrix.sum(), np.diag(matrix) / matrix.sum()),
        ),
    ),
    forbidden=("sklearn", *LIBRARY),
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def lenet(
    pool: str = "avg", squash: str = "tanh", c5: bool = True, f6: bool = True, last: bool = False, early: bool = False
) -> Callable[[int], Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(classes: int = 10) -> Any:
        import torch
        from torch import nn
        from torch.nn import functional as F

        f, p = getattr(torch, squash), getattr(F, f"{pool}_pool2d")

        class LeNet(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.c1, self.c3, self.c5 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5), nn.Conv2d(16, 120, 5)
                self.f6, self.output = nn.Linear(120, 84), nn.Linear(84, classes)

            def forward(self, x: Any) -> Any:
                for layer in (self.c1, self.c3):
                    x = f(p(layer(x), 2)) if early else p(f(layer(x)), 2)
                x = self.c5(x).flatten(1)
                x = self.f6(f(x) if c5 else x)
                x = self.output(f(x) if f6 else x)
                return f(x) if last else x

        return LeNet()

    return build


def states(rng: Generator) -> list[Case]:
    """Weights from outside; a classifier of digits, and one of three classes."""
    return [_module_case(rng, classes) for classes in (10, 3)]


def _module_case(rng: Generator, classes: int) -> Case:
    shapes: dict[str, tuple[int, ...]] = {
        "c1": (6, 1, 5, 5), "c3": (16, 6, 5, 5), "c5": (120, 16, 5, 5), "f6": (84, 120), "output": (classes, 84),
    }  # fmt: skip
    state: dict[str, Array] = {}
    for name, shape in shapes.items():
        deviation = 1.5 / np.sqrt(np.prod(shape[1:]))
        state[f"{name}.weight"] = rng.normal(0, deviation, shape).astype(np.float32)
        state[f"{name}.bias"] = rng.normal(0, 0.5, shape[0]).astype(np.float32)
    inputs = (rng.normal(size=(2, 1, 32, 32)).astype(np.float32),)
    return Case((classes,), {"state": state, "inputs": inputs}, note=f"two images, {classes} classes")


LENET = Exercise(
    "LeNet", "LeNet as a module", 12, lenet(), states, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "largest of four",
            "Your pools take the largest of the four. That is the modern variant; here S2 and S4 take the mean.",
            lenet(pool="max"),
        ),
        Mistake(
            "ReLU",
            "You squash with a ReLU. That is the modern variant; here it is the tanh.",
            lenet(squash="relu"),
        ),
        Mistake(
            "pooled first",
            "You pool first and squash then. The order makes no difference to a maximum, but it does to a mean: first "
            "the tanh of each number, then the mean of four.",
            lenet(early=True),
        ),
        Mistake(
            "no tanh behind C5",
            "There is no tanh between C5 and F6. Without it the two are one linear map.",
            lenet(c5=False),
        ),
        Mistake(
            "no tanh behind F6",
            "There is no tanh between F6 and the output. Without it the two are one linear map, which a single layer "
            "could compute.",
            lenet(f6=False),
        ),
        Mistake(
            "squashed scores",
            "Your scores never leave -1 to 1: there is a tanh behind the output too. Scores stay as they are; the loss "
            "turns them into probabilities.",
            lenet(last=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


@cache
def every_digit() -> tuple[Array, Array]:
    """The pictures and labels of the embedded part of MNIST, those for training first."""
    from twice.data import load

    digits = load("mnist_5k")
    pictures, labels = np.concatenate([digits.train_x, digits.test_x]), np.concatenate([digits.train_y, digits.test_y])
    return pictures, labels.astype(np.int64)


@cache
def labels_by_picture() -> dict[bytes, int]:
    """What each of those pictures is."""
    return {picture.tobytes(): int(label) for picture, label in zip(*every_digit())}


def truth(x: Any, y: Any, new_x: Any, seed: int) -> Array:
    """What the new pictures are: nobody can do better."""
    return np.array([labels_by_picture()[picture.tobytes()] for picture in new_x.cpu().numpy()])


def schools(rng: Generator) -> list[Case]:
    """A small one, where errors are found within seconds, and the one that counts."""
    pictures, labels = every_digit()
    cases = []
    for seed, (old, new) in enumerate(((300, 200), (2000, 1000))):
        order = rng.permutation(len(labels))[: old + new]
        arrays = (pictures[order[:old]], labels[order[:old]], pictures[order[old:]])
        cases.append(Case((*arrays, seed), note=f"{old:,} pictures to learn from, {new:,} new ones"))
    return cases


REQUIRED = {200: 0.7, 1000: 0.9}  # by the number of new pictures


def enough(case: Case, expected: Any, got: Any) -> str | None:
    """An objection where there are too few right answers."""
    count = len(expected)
    if not isinstance(got, np.ndarray) or got.shape != (count,):
        came = f"an array of shape {got.shape}" if isinstance(got, np.ndarray) else f"a {type(got).__name__}"
        return f"the answer is {came}, expected {count} numbers: the digit in each of the new pictures"
    right, required = float(np.mean(got == expected)), REQUIRED[count]
    if right >= required:
        return None
    guessed = ", which is what guessing gives" if right < 0.2 else ""
    return f"{right:.1%} of the {count} new pictures were told right{guessed}; expected {required:.0%} or more"


LEARN = Exercise(
    "learn", "Train it", 14, truth, schools, engine="torch", accept=enough, seconds=120.0,
    mistakes=(
        Mistake(
            "not numbers any more",
            "All your answers are 0. That is what `argmax` finds in scores that are not numbers (NaN): print the loss "
            "while it trains. A rate that is too large lets it grow beyond all bounds.",
            lambda x, y, new_x, seed: np.zeros(len(new_x), int),
        ),
        Mistake(
            "the old pictures",
            "Your network knows its digits, but those that you asked it are the ones it has learned from. The answers "
            "are to be about `new_x`.",
            lambda x, y, new_x, seed: y,
        ),
    ),
    forbidden=("twice.data", "sklearn", "mlxtend", *LIBRARY),
)  # fmt: skip

LAB = Lab(
    "lenet", 5, "LeNet",
    (
        SCALED_TANH, SUBSAMPLE, SUBSAMPLE_BACKWARD, MAP_SIZES, PARAMETERS, CONNECT, RBF, CONFUSION, SCORES, LENET,
        LEARN, Text("moved", "How far may a digit move?", 4),
    ),
)  # fmt: skip
