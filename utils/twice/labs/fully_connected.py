"""Lab 3, fully connected layers and losses: its exercises, and what people get wrong in them."""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator
Shape = tuple[int, ...]

WEIGHTS = np.array([[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0, -0.45, -0.2, 0.03]])
BIASES = np.array([0, 0.2, -0.3])
PIXELS = np.array([[-15.0, 22, -44, 56]])
SCORES = np.array([[-2.85, 0.86, 0.28]])  # of cat, dog and ship
SORTED = np.array([[0.28, 0.86, -2.85]])

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "scipy")


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape, p=[0.2, 0.8])


def classes(rng: Generator, f: Array) -> Array:
    """A label for each row of scores, not all the same where there are two or more."""
    return (np.arange(len(f)) + rng.integers(f.shape[1])) % f.shape[1]


def right(f: Array, labels: Array) -> Array:
    """The score of the right class of each row, as a column."""
    return f[np.arange(len(f)), labels][:, None]


def one_hot(f: Array, labels: Array) -> Array:
    """1 at the right class of each row, 0 elsewhere."""
    return np.eye(f.shape[1])[labels]


# ── scores ──────────────────────────────────────────────────────────────────────────────────────────────────────


def linear(x: Array, w: Array, b: Array) -> Array:
    """x (N, D), w (K, D) and b (K,) to the scores (N, K)."""
    return x @ w.T + b


def stretched(rng: Generator) -> list[Case]:
    """The worked picture, then a batch, then a matrix that is square."""
    return [
        Case((PIXELS, WEIGHTS, BIASES), note="the picture of the text"),
        Case((whole(rng, 2, 3), whole(rng, 2, 3), whole(rng, 2)), note="two pictures of 3 pixels, two classes"),
        Case((whole(rng, 2, 3), whole(rng, 3, 3), whole(rng, 3)), note="as many classes as pixels"),
        Case((rng.normal(size=(5, 12)), rng.normal(size=(7, 12)), rng.normal(size=7)), note="random numbers"),
    ]


LINEAR = Exercise(
    "linear", "Scores", 8, linear, stretched,
    mistakes=(
        Mistake(
            "no bias",
            "The bias is missing. Each class has one number that is added to its score, whatever the picture is.",
            lambda x, w, b: x @ w.T,
        ),
        Mistake(
            "bias for each pixel",
            "You add the bias once for each pixel. The products of a row are summed into one score first; the bias "
            "belongs to that score.",
            lambda x, w, b: x @ w.T + b * x.shape[1],
        ),
        Mistake(
            "reshaped",
            "Your shapes fit, your numbers do not: `reshape` breaks the same list of numbers into other rows, so "
            "pixels meet weights of other classes. What exchanges rows and columns?",
            lambda x, w, b: x @ w.reshape(w.shape[1], w.shape[0]) + b,
        ),
        Mistake(
            "first picture only",
            "All your rows are equal: they are the scores of the first picture. Each picture of the batch has its own "
            "row.",
            lambda x, w, b: np.tile(x[0] @ w.T + b, (len(x), 1)),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def parameters(sizes: list[int]) -> int:
    """Σ D·K + K over the layers from D to K."""
    return sum(d * k + k for d, k in pairwise(sizes))


def stacks(rng: Generator) -> list[Case]:
    """One layer, two, and the three of VGG."""
    drawn = [int(n) for n in rng.integers(5, 90, 5)]
    known = [[4, 3], [3072, 10], [784, 300, 10], [25088, 4096, 4096, 1000]]
    return [Case((sizes,), note=" to ".join(map(str, sizes))) for sizes in [*known, drawn]]


PARAMETERS = Exercise(
    "parameters", "How many numbers to learn", 4, parameters, stacks,
    mistakes=(
        Mistake(
            "no biases",
            "You count the weights alone. Each output of a layer has a bias as well.",
            lambda sizes: sum(d * k for d, k in pairwise(sizes)),
        ),
        Mistake(
            "biases of the inputs",
            "You count a bias for each input of a layer. It is added to an output: of which there are how many?",
            lambda sizes: sum(d * k + d for d, k in pairwise(sizes)),
        ),
        Mistake(
            "one bias for a layer",
            "You count one bias for each layer. Then all outputs of a layer would share it, but each has its own.",
            lambda sizes: sum(d * k + 1 for d, k in pairwise(sizes)),
        ),
        Mistake(
            "first and last",
            "You count a single layer from the first size to the last. The layers between have weights of their own: "
            "each pair of neighbours in the list is a layer.",
            lambda sizes: sizes[0] * sizes[-1] + sizes[-1],
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── losses ──────────────────────────────────────────────────────────────────────────────────────────────────────


def softmax(f: Array) -> Array:
    """Probabilities in each row; the largest exponential is 1."""
    e = np.exp(f - f.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def defined(f: Array) -> Array:
    """The softmax as it is defined, which overflows."""
    return np.exp(f) / np.exp(f).sum(1, keepdims=True)


def scores(rng: Generator) -> list[Case]:
    """One row, several, then scores whose exponentials are too large or too small for a number."""
    return [
        Case((SCORES,), note="the scores of the text"),
        Case((np.concatenate([SORTED, whole(rng, 1, 3)]),), note="two pictures"),
        Case((np.array([[1000.0, 999, 997]]),), note="scores of about 1000"),
        Case((np.array([[1000.0, 998], [-1000, -1001]]),), note="about 1000 and about -1000"),
        Case((np.array([[1000.0, 998, -100]]),), note="two scores near each other, one far below"),
        Case((np.array([[3000.0, 0, 0]]),), note="one score far above the others"),
        Case((rng.normal(size=(4, 6)) * 3,), note="random numbers"),
    ]


SOFTMAX = Exercise(
    "softmax", "Probabilities", 8, softmax, scores,
    mistakes=(
        Mistake(
            "all rows together",
            "Your numbers add up to 1 over the whole batch. Each picture has probabilities of its own: it is each row "
            "that adds up to 1.",
            lambda f: np.exp(f - f.max()) / np.exp(f - f.max()).sum(),
        ),
        Mistake(
            "columns",
            "Your columns add up to 1: the pictures compete with each other for a class. The classes are to compete "
            "for a picture. Along which axis do they lie?",
            lambda f: softmax(f.T).T,
        ),
        Mistake(
            "as defined",
            "The formula is right and the computer is too small for it: `exp(1000)` is infinite to it, and infinity "
            "divided by itself is `nan`. What may you take away from all scores of a row without changing a "
            "probability?",
            defined,
        ),
        Mistake(
            "smallest taken away",
            "You take away the smallest score of each row. Then the others may still lie a thousand above 0, and "
            "their exponentials are infinite. Which number leaves no score above 0?",
            lambda f: defined(f - f.min(1, keepdims=True)),
        ),
        Mistake(
            "mean taken away",
            "You take away the mean of each row. One score may still lie thousands above it, and its exponential is "
            "infinite. Which number leaves no score above 0?",
            lambda f: defined(f - f.mean(1, keepdims=True)),
        ),
        Mistake(
            "one largest for all",
            "You take away the largest score of the whole batch. For a row whose scores are much lower, every "
            "exponential then becomes 0, and 0 divided by 0 is `nan`. Which largest score does a row need?",
            lambda f: np.exp(f - f.max()) / np.exp(f - f.max()).sum(1, keepdims=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def log_softmax(f: Array) -> Array:
    """ln p without a logarithm of 0."""
    shifted = f - f.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def cross_entropy(f: Array, labels: Array) -> float:
    """The mean of −ln p of the right class."""
    return float(-right(log_softmax(f), labels).mean())


def judged(rng: Generator) -> list[Case]:
    """The worked loss, a mean, then probabilities that round to 0 and 1."""
    few, many = whole(rng, 3, 4) / 4, rng.normal(size=(6, 5)) * 2
    return [
        Case((SCORES, np.array([2])), note="the scores of the text, the right class is 2"),
        Case((few, classes(rng, few)), note="three pictures"),
        Case((np.array([[1000.0, 999, -1000]]), np.array([0])), note="a score of 1000 for the right class"),
        Case((np.array([[1000.0, 0, -1000]]), np.array([1])), note="a score of 1000 for a wrong class"),
        Case((many, classes(rng, many)), note="random numbers"),
    ]


CROSS_ENTROPY = Exercise(
    "cross_entropy", "Cross-entropy", 8, cross_entropy, judged,
    mistakes=(
        Mistake(
            "to the base 10",
            "You took the logarithm to the base 10. Here it is the natural one: which of NumPy's is it?",
            lambda f, labels: cross_entropy(f, labels) / np.log(10),
        ),
        Mistake(
            "all classes",
            "You average the logarithms of all classes. Only the probability of the right class counts: which element "
            "of each row is it?",
            lambda f, labels: float(-log_softmax(f).mean()),
        ),
        Mistake(
            "sum",
            "You add up the losses of the pictures. The loss of a batch is their mean, so that it does not grow with "
            "the batch.",
            lambda f, labels: cross_entropy(f, labels) * len(f),
        ),
        Mistake(
            "labels of others",
            "You take the scores of all labels in every row: an index `[:, labels]` takes whole columns. Row 0 has only "
            "its own label, row 1 its own. Which row numbers belong to the labels?",
            lambda f, labels: float(-log_softmax(f)[:, labels].mean()),
        ),
        Mistake(
            "sign",
            "Your loss is negative. A probability is below 1 and its logarithm below 0: the minus in front makes a "
            "loss of it that grows with the mistake.",
            lambda f, labels: -cross_entropy(f, labels),
        ),
        Mistake(
            "exponential of 1000",
            "You compute the exponential of a score of 1000, which no number can hold. Use the trick of the softmax "
            "here too.",
            lambda f, labels: float(-np.log(right(defined(f), labels)).mean()),
        ),
        Mistake(
            "logarithm of 0",
            "A probability was so small that it became 0, and its logarithm is infinite. The true loss is 1000. Write "
            "the logarithm of p as a formula of scores before you compute anything: the fraction becomes a "
            "difference, and the logarithm meets a sum that is never 0.",
            lambda f, labels: float(-np.log(right(softmax(f), labels)).mean()),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def missing(f: Array, labels: Array) -> Array:
    """How much each wrong class is too close to the right one; negative where it is far enough."""
    return np.where(one_hot(f, labels) == 1, 0, 1 + f - right(f, labels))


def hinge(f: Array, labels: Array) -> float:
    """The mean over the pictures of Σ max(0, 1 + f_k − f_c) over the wrong classes k."""
    return float(np.maximum(missing(f, labels), 0).sum() / len(f))


def turned_round(f: Array, labels: Array) -> float:
    """The mistake of max(0, 1 + f_c − f_k)."""
    wrong = np.where(one_hot(f, labels) == 1, 0, np.maximum(2 - missing(f, labels), 0))
    return float(wrong.sum() / len(f))


def distances(rng: Generator) -> list[Case]:
    """The worked loss, two classes that are too close, then a mean."""
    few, many = whole(rng, 3, 4) / 4, rng.normal(size=(6, 5))
    return [
        Case((SCORES, np.array([2])), note="the scores of the text, the right class is 2"),
        Case((np.array([[2, 1.5, 1.25, 0]]), np.array([0])), note="two of four are too close"),
        Case((few, classes(rng, few)), note="three pictures"),
        Case((many, classes(rng, many)), note="random numbers"),
    ]


HINGE = Exercise(
    "hinge", "The hinge", 8, hinge, distances,
    mistakes=(
        Mistake(
            "right class counts too",
            "Your loss is 1 too large for each picture: the right class is compared with itself, and is not 1 above "
            "itself. The sum runs over the wrong classes.",
            lambda f, labels: hinge(f, labels) + 1,
        ),
        Mistake(
            "no floor",
            "A class that is far enough below the right one lowers your loss. It is to cost nothing, and to earn "
            "nothing either: what does the maximum in the formula do?",
            lambda f, labels: float(missing(f, labels).sum() / len(f)),
        ),
        Mistake(
            "no margin",
            "In your loss a class costs nothing once it is below the right one. It has to be at least 1 below.",
            lambda f, labels: float(np.maximum(missing(f, labels) - 1, 0).sum() / len(f)),
        ),
        Mistake(
            "the wrong way round",
            "You ask how far the right class is above the others, and count that as loss. Look at the signs in the "
            "formula: a wrong class that is high is to cost, and the right one that is high is to save.",
            turned_round,
        ),
        Mistake(
            "mean over classes",
            "You divide by the number of classes as well. Over the classes it is a sum, over the pictures a mean.",
            lambda f, labels: hinge(f, labels) / f.shape[1],
        ),
        Mistake(
            "sum over pictures",
            "You add up the losses of the pictures. Over the classes it is a sum, over the pictures a mean.",
            lambda f, labels: hinge(f, labels) * len(f),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── the way back ────────────────────────────────────────────────────────────────────────────────────────────────


def cross_entropy_backward(f: Array, labels: Array) -> Array:
    """(p − y)/N"""
    return (softmax(f) - one_hot(f, labels)) / len(f)


def all_labels_in_all_rows(f: Array, labels: Array) -> Array:
    """The mistake of p[:, labels] −= 1."""
    p = softmax(f)
    p[:, labels] -= 1
    return p / len(f)


def slopes(rng: Generator) -> list[Case]:
    """One picture, then a mean of several."""
    few, many = whole(rng, 3, 4) / 4, rng.normal(size=(6, 5)) * 2
    return [
        Case((SCORES, np.array([2])), note="the scores of the text, the right class is 2"),
        Case((few, classes(rng, few)), note="three pictures"),
        Case((np.array([[1000.0, 0, -1000]]), np.array([1])), note="a score of 1000"),
        Case((many, classes(rng, many)), note="random numbers"),
    ]


CROSS_ENTROPY_BACKWARD = Exercise(
    "cross_entropy_backward", "The gradient of the cross-entropy", 8, cross_entropy_backward, slopes,
    mistakes=(
        Mistake(
            "probabilities only",
            "These are the probabilities. At the right class the gradient is to be negative: if that score grows, the "
            "loss falls. What is `y` in the formula?",
            lambda f, labels: softmax(f) / len(f),
        ),
        Mistake(
            "sign",
            "Your signs are reversed: that is the direction in which the loss falls. The gradient points to where it "
            "grows; the step of the training takes the minus.",
            lambda f, labels: -cross_entropy_backward(f, labels),
        ),
        Mistake(
            "labels of others",
            "You took 1 from the columns of all labels in every row. Row 0 has only its own label, row 1 its own: an "
            "index `[:, labels]` takes whole columns. Which row numbers belong to the labels?",
            all_labels_in_all_rows,
        ),
        Mistake(
            "not divided",
            "Each of your rows is the gradient of that picture's own loss. The loss of the batch is a mean: by how "
            "much does it change if one of the losses changes by 1?",
            lambda f, labels: cross_entropy_backward(f, labels) * len(f),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def hinge_backward(f: Array, labels: Array) -> Array:
    """1 for each wrong class that is too close, −1 at the right class for each of these; divided by N."""
    close = (missing(f, labels) > 0).astype(float)
    return (close - one_hot(f, labels) * close.sum(1, keepdims=True)) / len(f)


def _with(close: Callable[[Array], Array], at_right: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """The gradient with other numbers at the wrong classes, and at the right one."""

    def answer(f: Array, labels: Array) -> Array:
        wrong = np.where(one_hot(f, labels) == 1, 0, close(missing(f, labels)))
        return (wrong + one_hot(f, labels) * at_right(wrong)) / len(f)

    return answer


def _count(wrong: Array) -> Array:
    return -wrong.sum(1, keepdims=True)


def edges(rng: Generator) -> list[Case]:
    """Two that are too close, none, then several pictures; no class is exactly 1 away."""
    few, many = whole(rng, 3, 4) / 4 + np.arange(4) / 64, rng.normal(size=(6, 5))
    return [
        Case((np.array([[2, 1.5, 1.25, 0]]), np.array([0])), note="two of four are too close"),
        Case((np.array([[0.5, 4, 1]]), np.array([1])), note="none is too close"),
        Case((SCORES, np.array([2])), note="the scores of the text, the right class is 2"),
        Case((few, classes(rng, few)), note="three pictures"),
        Case((many, classes(rng, many)), note="random numbers"),
    ]


HINGE_BACKWARD = Exercise(
    "hinge_backward", "The gradient of the hinge", 8, hinge_backward, edges,
    mistakes=(
        Mistake(
            "right class forgotten",
            "At the right class your gradient is 0. Its score stands in the formula too, with a minus: in how many "
            "terms of the sum?",
            _with(lambda m: (m > 0) * 1.0, lambda wrong: np.zeros((len(wrong), 1))),
        ),
        Mistake(
            "minus one",
            "At the right class you have −1. Its score stands in every term of the sum that is not 0: how many are "
            "there in this case?",
            _with(lambda m: (m > 0) * 1.0, lambda wrong: -wrong.max(1, keepdims=True)),
        ),
        Mistake(
            "counts itself",
            "At the right class you count one too many. It is 1 too close to itself, so it is in your sum: set it to 0 "
            "before you count.",
            _with(lambda m: (m > 0) * 1.0, lambda wrong: -1 - wrong.sum(1, keepdims=True)),
        ),
        Mistake(
            "true and false",
            "At the right class you have 1. A comparison gives an array of True and False, which can hold no −2: make "
            "numbers of it first (`.astype(float)`).",
            _with(lambda m: (m > 0) * 1.0, lambda wrong: (wrong.sum(1, keepdims=True) > 0) * 1.0),
        ),
        Mistake(
            "far ones too",
            "Classes that are far enough away have a gradient of yours. If such a score moves a little, its term stays "
            "0: where is the slope of `max(0, a)` not 0?",
            _with(np.ones_like, _count),
        ),
        Mistake(
            "amounts",
            "Your numbers say how much is missing. The slope does not ask how much: while a class is too close, its "
            "term grows by exactly as much as its score.",
            _with(lambda m: np.maximum(m, 0), _count),
        ),
        Mistake(
            "not divided",
            "Each of your rows is the gradient of that picture's own loss. The loss of the batch is their mean.",
            lambda f, labels: hinge_backward(f, labels) * len(f),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def linear_backward(dy: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    """dx, dw and db of the layer."""
    return dy @ w, dy.T @ x, dy.sum(0)


def ways_back(rng: Generator) -> list[Case]:
    """One picture, two, a square matrix."""

    def case(n: int, d: int, k: int, note: str) -> Case:
        return Case((whole(rng, n, k), whole(rng, n, d), whole(rng, k, d)), note=note)

    return [
        case(1, 2, 3, "one picture of 2 pixels, three classes"),
        case(2, 3, 2, "two pictures of 3 pixels, two classes"),
        case(2, 3, 3, "as many classes as pixels"),
        Case((rng.normal(size=(5, 7)), rng.normal(size=(5, 12)), rng.normal(size=(7, 12))), note="random numbers"),
    ]


LINEAR_BACKWARD = Exercise(
    "linear_backward", "The way back through the layer", 10, linear_backward, ways_back, parts=("dx", "dw", "db"),
    mistakes=(
        Mistake(
            "dw on its side",
            "Your `dw` lies on its side: it has a row for each pixel. A gradient has the shape of what it belongs to, "
            "and `w` has a row for each class.",
            lambda dy, x, w: (dy @ w, x.T @ dy, dy.sum(0)),
        ),
        Mistake(
            "db for each picture",
            "Your `db` has a row for each picture. There is one bias for each class, and it is added in every picture: "
            "what becomes of the contributions?",
            lambda dy, x, w: (dy @ w, dy.T @ x, dy),
        ),
        Mistake(
            "means",
            "Your `dw` and `db` are means over the pictures. The division by N belongs to the loss, and is in `dy` "
            "already; what arrives here from several pictures adds up.",
            lambda dy, x, w: (dy @ w, dy.T @ x / len(x), dy.mean(0)),
        ),
        Mistake(
            "last picture only",
            "Your `dw` and `db` know the last picture alone. Each picture has moved the same weights, so their "
            "contributions add up; look at what your loop does with those of the pictures before.",
            lambda dy, x, w: (dy @ w, np.outer(dy[-1], x[-1]), dy[-1]),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def two_layers(
    x: Array, labels: Array, w1: Array, b1: Array, w2: Array, b2: Array,
    gate: Callable[[Array, Array], Array] = lambda a, dh: a > 0, bent: bool = True,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """dw1, db1, dw2 and db2; `gate(a, dh)` is what the ReLU multiplies by on the way back."""
    a = linear(x, w1, b1)
    h = np.maximum(a, 0) if bent else a
    dh, dw2, db2 = linear_backward(cross_entropy_backward(linear(h, w2, b2), labels), h, w2)
    _, dw1, db1 = linear_backward(dh * gate(a, dh), x, w1)
    return dw1, db1, dw2, db2


def two_layers_backward(
    x: Array, labels: Array, w1: Array, b1: Array, w2: Array, b2: Array
) -> tuple[Array, Array, Array, Array]:
    """dw1, db1, dw2 and db2 of the mean cross-entropy."""
    return two_layers(x, labels, w1, b1, w2, b2)


def networks(rng: Generator) -> list[Case]:
    """One picture with units open and closed, gradients up and down; then more of everything."""
    return [
        _signed_network(rng),
        _network(rng, 3, 2, 4, 3, "three pictures"),
        _network(rng, 5, 6, 8, 4, "more pixels, units and classes"),
    ]


def _network(rng: Generator, n: int, d: int, h: int, k: int, note: str) -> Case:
    drawn = [rng.normal(size=shape).round(2) for shape in ((n, d), (h, d), (h,), (k, h), (k,))]
    return Case((drawn[0], classes(rng, np.zeros((n, k))), *drawn[1:]), note=note)


def _signed_network(rng: Generator) -> Case:
    """Four units: two with a > 0, and of these and of the others one each whose gradient is positive."""
    x, w1 = rng.integers(1, 4, (1, 2)) / 2, rng.integers(-3, 4, (4, 2)) / 2
    b1 = np.array([1, 1.5, -1, -0.5]) - (x @ w1.T)[0]
    up = rng.integers(1, 4, 4) / 2
    w2 = np.array([up, up + np.array([1, -1, 0.5, -0.5])])
    return Case((x, np.array([0]), w1, b1, w2, np.array([0.5, 0])), note="one picture, two of four units are closed")


TWO_LAYERS_BACKWARD = Exercise(
    "two_layers_backward", "Backwards through two layers", 12, two_layers_backward, networks,
    parts=("dw1", "db1", "dw2", "db2"),
    mistakes=(
        Mistake(
            "no ReLU on the way back",
            "Your gradient passes through units that were closed. Where `a` was negative the ReLU gave 0, whatever `a` "
            "was exactly: how much does the loss depend on it?",
            lambda x, labels, w1, b1, w2, b2: two_layers(x, labels, w1, b1, w2, b2, lambda a, dh: np.ones_like(a)),
        ),
        Mistake(
            "ReLU of the gradient",
            "You set negative gradients to 0. The ReLU on the way back does not look at the gradient, but at what came "
            "in on the way there: it lets through what it let through before.",
            lambda x, labels, w1, b1, w2, b2: two_layers(x, labels, w1, b1, w2, b2, lambda a, dh: dh > 0),
        ),
        Mistake(
            "no ReLU at all",
            "There is no ReLU in your network, on neither way. Then both layers are one, and `dw2` has been computed "
            "with `a` in place of `h`.",
            lambda x, labels, w1, b1, w2, b2: two_layers(
                x, labels, w1, b1, w2, b2, lambda a, dh: np.ones_like(a), bent=False
            ),
        ),
        Mistake(
            "not divided",
            "All your gradients are too large by the number of pictures: they belong to the sum of the losses. The "
            "loss is their mean.",
            lambda x, labels, w1, b1, w2, b2: tuple(
                g * len(x) for g in two_layers_backward(x, labels, w1, b1, w2, b2)
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── a layer that slides ─────────────────────────────────────────────────────────────────────────────────────────


def map_of_answers(x: Array, w: Array, b: Array, shape: Shape) -> Array:
    """The layer for inputs of this shape at each place of larger ones: x (N, C, H, W) to (N, K, OH, OW)."""
    return naive.conv2d(x, w.reshape(len(w), *shape), b)


def larger(rng: Generator) -> list[Case]:
    """One place first, then several, then channels."""

    def case(n: int, high: int, wide: int, k: int, shape: Shape, note: str) -> Case:
        return Case((whole(rng, n, shape[0], high, wide), whole(rng, k, prod(shape)), whole(rng, k), shape), note=note)

    return [
        case(1, 2, 3, 2, (1, 2, 3), "one place: the picture is as large as the layer's"),
        case(1, 3, 5, 2, (1, 2, 3), "2×3 places"),
        case(1, 2, 4, 2, (2, 2, 3), "two channels"),
        case(2, 3, 4, 3, (1, 2, 2), "two pictures"),
        Case(
            (rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(4, 60)), rng.normal(size=4), (3, 5, 4)),
            note="random numbers",
        ),
    ]


def channels_last(x: Array, w: Array, b: Array, shape: Shape) -> Array:
    """The mistake of weights in another order than the pixels."""
    depth, high, wide = shape
    return naive.conv2d(x, w.reshape(len(w), high, wide, depth).transpose(0, 3, 1, 2), b)


def by_columns(x: Array, w: Array, b: Array, shape: Shape) -> Array:
    """The mistake of a plane that is read column by column."""
    depth, high, wide = shape
    return naive.conv2d(x, w.reshape(len(w), depth, wide, high).transpose(0, 1, 3, 2), b)


def side_by_side(x: Array, w: Array, b: Array, shape: Shape) -> Array:
    """The mistake of windows that do not overlap."""
    return map_of_answers(x, w, b, shape)[:, :, :: shape[1], :: shape[2]]


MAP_OF_ANSWERS = Exercise(
    "map_of_answers", "A layer that slides", 8, map_of_answers, larger,
    mistakes=(
        Mistake(
            "no bias",
            "The bias is missing. Each class adds its own, at every place.",
            lambda x, w, b, shape: map_of_answers(x, w, 0 * b, shape),
        ),
        Mistake(
            "column by column",
            "You read the pixels column by column. A picture is flattened row by row, and the weights stand in that "
            "order.",
            by_columns,
        ),
        Mistake(
            "side by side",
            "Your windows lie side by side. The layer is to answer at every place where it fits, so the next window "
            "begins one pixel further.",
            side_by_side,
        ),
        Mistake(
            "channels last",
            "With one channel you are right, with two you are not: you read the weights as if the channels of each "
            "pixel stood together. Here the whole first channel comes first, then the second.",
            channels_last,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def found_by(loss: Callable[[Any, Any], Any], times: int = 1, bent: bool = True) -> Callable[..., Any]:
    """The four gradients as PyTorch finds them, for this loss of scores and labels."""

    def answer(x: Any, labels: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        from torch.nn.functional import linear

        weights = [value.clone().requires_grad_() for value in (w1, b1, w2, b2)]
        for _ in range(times):
            a = linear(x, *weights[:2])
            loss(linear(a.relu() if bent else a, *weights[2:]), labels).backward()
        return tuple(value.grad for value in weights)

    return answer


def torch_loss(f: Any, labels: Any, reduction: str = "mean") -> Any:
    """PyTorch's own cross-entropy."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(f, labels, reduction=reduction)


def torch_gradients(x: Any, labels: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """dw1, db1, dw2 and db2, found by PyTorch."""
    return found_by(torch_loss)(x, labels, w1, b1, w2, b2)


TORCH_GRADIENTS = Exercise(
    "torch_gradients", "The way back, found by PyTorch", 6, torch_gradients, networks, engine="torch",
    parts=("dw1", "db1", "dw2", "db2"),
    mistakes=(
        Mistake(
            "softmax twice",
            "Your gradients are too small. PyTorch's cross-entropy takes scores and contains the softmax; you give it "
            "probabilities, so there are two.",
            found_by(lambda f, labels: torch_loss(f.softmax(1), labels)),
        ),
        Mistake(
            "twice",
            "Your gradients are twice too large. Each `backward` adds to what `.grad` holds already: how often did the "
            "loss go back?",
            found_by(torch_loss, times=2),
        ),
        Mistake(
            "sum",
            "All your gradients are too large by the number of pictures: they belong to the sum of the losses. What "
            "does `reduction` say?",
            found_by(lambda f, labels: torch_loss(f, labels, "sum")),
        ),
        Mistake(
            "no ReLU",
            "There is no ReLU between your layers, so the first one has gradients where its units should be closed.",
            found_by(torch_loss, bent=False),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def classifier(between: bool = True, after: bool = False, sure: bool = False) -> Callable[[int, int, int], Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(pixels: int, units: int, classes: int) -> Any:
        from torch import nn

        class Classifier(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.hidden = nn.Linear(pixels, units)
                self.scores = nn.Linear(units, classes)

            def forward(self, x: Any) -> Any:
                y = self.hidden(x.flatten(1))
                y = self.scores(y.relu() if between else y)
                y = y.relu() if after else y
                return y.softmax(1) if sure else y

        return Classifier()

    return build


def states(rng: Generator) -> list[Case]:
    """Weights from outside, and pictures with one channel and with three."""
    return [_module_case(rng, *sizes) for sizes in (((1, 2, 3), 4, 3), ((3, 4, 5), 8, 10))]


def _module_case(rng: Generator, shape: Shape, units: int, classes: int) -> Case:
    shapes: dict[str, Shape] = {
        "hidden.weight": (units, prod(shape)),
        "hidden.bias": (units,),
        "scores.weight": (classes, units),
        "scores.bias": (classes,),
    }
    state = {name: rng.normal(size=size).astype(np.float32) for name, size in shapes.items()}
    inputs = (rng.normal(size=(6, *shape)).astype(np.float32),)
    note = f"pictures of {'×'.join(map(str, shape))}, {units} units, {classes} classes"
    return Case((prod(shape), units, classes), {"state": state, "inputs": inputs}, note=note)


CLASSIFIER = Exercise(
    "Classifier", "Two layers as a module", 6, classifier(), states, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "nothing in between",
            "There is no ReLU between your layers. Without it the two are one linear map, however many units there "
            "are.",
            classifier(between=False),
        ),
        Mistake(
            "probabilities",
            "Your rows add up to 1: there is a softmax at the end. The module is to give scores, since PyTorch's "
            "cross-entropy contains the softmax.",
            classifier(sure=True),
        ),
        Mistake(
            "nothing negative",
            "Your scores are never negative: there is a ReLU after the second layer too. A score must be able to speak "
            "against a class.",
            classifier(after=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

LAB = Lab(
    "fully_connected", 3, "Fully connected layers and losses",
    (
        LINEAR, PARAMETERS, SOFTMAX, CROSS_ENTROPY, HINGE, CROSS_ENTROPY_BACKWARD, HINGE_BACKWARD, LINEAR_BACKWARD,
        TWO_LAYERS_BACKWARD, MAP_OF_ANSWERS, TORCH_GRADIENTS, CLASSIFIER, Text("start", "Where to begin?", 6),
    ),
)  # fmt: skip
