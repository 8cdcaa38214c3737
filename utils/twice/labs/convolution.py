"""Lab 1, convolution: its exercises, and what people get wrong in them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.kernels.geometry import output_size
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator

LINE = np.array([3, 2, 4, 5, 1, 20, 2, 2], float)
SMOOTH = np.array([0.3, 0.4, 0.3])
BINARY = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]], float)
CROSS = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], float)
FOUR = np.array([[0, 3, 2, 1], [2, 1, 0, 2], [1, 3, 2, 0], [2, 0, 3, 3]], float)
STEPS = np.array([[2, 2, 2, 2, 2, 1, 1, 1]] * 4 + [[2, 2, 2, 9, 9, 9, 9, 9]] * 4, float)
RAMP = np.array([[-1, 0, 1]] * 3, float)  # Prewitt's kernel: right column minus left
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "scipy")


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape, p=[0.2, 0.8])


# ── along a line ────────────────────────────────────────────────────────────────────────────────────────────────


def slides(rng: Generator) -> list[Case]:
    """Signals and kernels that are not their own mirror image."""
    return [
        Case((np.array([1.0, 2, 4, 8]), np.array([1.0, 0, -1])), note="two windows"),
        Case((whole(rng, 5), whole(rng, 2)), note="a kernel of 2"),
        Case((LINE, SMOOTH), note="the signal of the text"),
        Case((rng.normal(size=12), rng.normal(size=5)), note="random numbers"),
    ]


def padded_slide(x: Array, w: Array) -> Array:
    """The output as long as the input."""
    before = (len(w) - 1) // 2
    return naive.correlate1d(np.pad(x, (before, len(w) - 1 - before)), w)


CORRELATE1D = Exercise(
    "correlate1d", "A kernel slides along a line", 8, naive.correlate1d, slides,
    mistakes=(
        Mistake(
            "flipped",
            "You read the kernel backwards: `w[0]` meets the last number of the window. That is the convolution of "
            "signal processing, and the next exercise. Here `w[0]` meets the first number of the window. Compare "
            "what stands over what in the first window.",
            lambda x, w: naive.correlate1d(x, w[::-1]),
        ),
        Mistake(
            "last window missing",
            "Your output is one number short: the last window is missing. Count by hand in how many places a kernel "
            "of 3 fits into a line of 4, then look at the end of your loop.",
            lambda x, w: naive.correlate1d(x, w)[:-1],
        ),
        Mistake(
            "padded",
            "Your output is as long as the input, so the kernel hangs over the ends, where it meets zeros that are "
            "not in the signal. Here it stays inside: padding comes later.",
            padded_slide,
        ),
    ),
    forbidden=("numpy.correlate", "numpy.convolve", *LIBRARY),
)  # fmt: skip


def remember(x: Array, w: Array, turn: int = -1, wrap: bool = False) -> Array:
    """y[t] = Σ_k w[k] x[t − k], with x[t + k] for `turn` 1; what lies outside is 0, or the other end for `wrap`."""
    y = np.zeros(len(x))
    for t in range(len(x)):
        for k in range(len(w)):
            if wrap or 0 <= t + turn * k < len(x):
                y[t] += w[k] * x[(t + turn * k) % len(x)]
    return y


def memories(rng: Generator) -> list[Case]:
    """Impulses first: they show the kernel itself."""
    decay = np.array([1.0, 0.5, 0.25])
    return [
        Case((np.array([1.0, 0, 0, 2]), np.array([1.0, 0.5])), note="two impulses, short memory"),
        Case((np.array([0.0, 0, 1, 0, 0, 0]), decay), note="one impulse"),
        Case((LINE, decay), note="the signal of the text"),
        Case((rng.normal(size=10), rng.normal(size=4)), note="random numbers"),
    ]


CONVOLVE1D = Exercise(
    "convolve1d", "A memory that fades", 8, remember, memories,
    mistakes=(
        Mistake(
            "looks ahead",
            "Your output knows the future: the answer to an impulse comes before the impulse. You add what comes "
            "after `t`, but a memory holds what came before. Look at the sign of `k` in your index.",
            lambda x, w: remember(x, w, turn=1),
        ),
        Mistake(
            "wraps around",
            "At the beginning your output already knows the end of the signal. In Python `x[-1]` is the last number, "
            "not one that lies before the first. What should the signal be before it began?",
            lambda x, w: remember(x, w, wrap=True),
        ),
        Mistake(
            "rings on",
            "Your output goes on after the signal has ended. Those numbers are right as such, but the exercise asks "
            "for one `y` for each `x`. Where should it stop?",
            lambda x, w: np.convolve(x, w),
        ),
        Mistake(
            "centred",
            "Your numbers stand too far to the left: you put the kernel's middle at `t`. A memory has its first "
            "weight at `t` itself. Find the place of the impulse in your output.",
            lambda x, w: np.convolve(x, w)[len(w) // 2 :][: len(x)],
        ),
    ),
    forbidden=("numpy.correlate", "numpy.convolve", *LIBRARY),
)  # fmt: skip


def pad1d(x: Array, p: int, mode: str) -> Array:
    """p more numbers at each end: zeros, or copies of the first and the last."""
    return np.pad(x, p, mode="edge" if mode == "replicate" else "constant")


def ends(rng: Generator) -> list[Case]:
    """Both modes; nothing to add, too."""
    return [
        Case((np.array([3.0, 2, 4]), 1, "zero"), note="one zero at each end"),
        Case((np.array([3.0, 2, 4]), 1, "replicate"), note="one copy at each end"),
        Case((np.array([3.0, 2, 4, 5]), 2, "replicate"), note="two copies at each end"),
        Case((np.array([3.0, 2, 4]), 0, "zero"), note="nothing to add"),
        Case((rng.normal(size=7), 3, "replicate"), note="random numbers"),
        Case((rng.normal(size=7), 3, "zero"), note="random numbers, zeros"),
    ]


def mirrored(x: Array, p: int, mode: str) -> Array:
    """The mistake of a mirror that stands on the last number."""
    return np.pad(x, p, mode="reflect" if mode == "replicate" else "constant")


def crossed(x: Array, p: int, mode: str) -> Array:
    """The mistake of taking each copy from the other end."""
    first, last = (x[-1], x[0]) if mode == "replicate" else (0, 0)
    return np.concatenate([np.full(p, first), x, np.full(p, last)])


PAD1D = Exercise(
    "pad1d", "What lies beyond the ends", 6, pad1d, ends,
    mistakes=(
        Mistake(
            "always zeros",
            "You add zeros for both modes. With `replicate`, what lies beyond an end is a copy of the number at that "
            "end. Look at what your function does with `mode`.",
            lambda x, p, mode: np.pad(x, p),
        ),
        Mistake(
            "mirrored",
            "You mirror the signal at its ends: beyond the 3 comes the 2 that stands beside it. To replicate is "
            "simpler: the number at the end itself comes again, however often.",
            mirrored,
        ),
        Mistake(
            "ends swapped",
            "Your copies come from the wrong ends: on the left stands the last number, on the right the first. "
            "Continue the curve in your mind: which number is near each end?",
            crossed,
        ),
        Mistake(
            "one end",
            "You add only on the left. Padding `p` means `p` numbers at each end, so the line grows by `2p`.",
            lambda x, p, mode: pad1d(x, p, mode)[: len(x) + p],
        ),
    ),
    forbidden=("numpy.pad", *LIBRARY),
)  # fmt: skip

# ── sizes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def size(n: int, f: int, s: int = 1, p: int = 0) -> int:
    """⌊(n + 2p − f)/s⌋ + 1"""
    return output_size(n, f, s, p)


def fits(rng: Generator) -> list[Case]:
    """The worked sizes, then layers of known networks."""
    drawn = [tuple(map(int, (rng.integers(20, 90), rng.integers(2, 8), rng.integers(2, 5), p))) for p in (1, 2)]
    return [
        Case((n, f, s, p), note=f"N = {n}, F = {f}, S = {s}, P = {p}")
        for n, f, s, p in [(7, 3, 1, 0), (7, 3, 2, 0), (7, 3, 3, 0), (8, 3, 3, 0), (7, 3, 1, 1), (227, 11, 4, 0), *drawn]
    ]


OUTPUT_SIZE = Exercise(
    "output_size", "How many numbers come out", 6, size, fits,
    mistakes=(
        Mistake(
            "no first window",
            "Your answer is one too small. You counted the steps that the kernel takes, but it also stands somewhere "
            "before its first step. How many places are there for a kernel that is as wide as the image?",
            lambda n, f, s=1, p=0: (n + 2 * p - f) // s,
        ),
        Mistake(
            "fraction",
            "You divide and keep the fraction, but no layer has 2.33 outputs. A window that would hang over the end "
            "is left out: what does that do to the number of steps?",
            lambda n, f, s=1, p=0: (n + 2 * p - f) / s + 1,
        ),
        Mistake(
            "rounded to the nearest",
            "You round to the nearest whole number. A window that has two thirds of the room it needs does not fit: "
            "what is left over is always dropped.",
            lambda n, f, s=1, p=0: round((n + 2 * p - f) / s) + 1,
        ),
        Mistake(
            "rounded up",
            "You count a last window that does not fit any more. With N = 7, F = 3 and S = 3 write down where each "
            "window begins and ends.",
            lambda n, f, s=1, p=0: -(-(n + 2 * p - f) // s) + 1,
        ),
        Mistake(
            "padded once",
            "You add the padding once. It stands at both ends: with P = 1 a line of 7 becomes one of 9.",
            lambda n, f, s=1, p=0: (n + p - f) // s + 1,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def unfits(rng: Generator) -> list[Case]:
    """One window first, then more."""
    drawn = [tuple(map(int, (rng.integers(5, 60), rng.integers(3, 8), rng.integers(2, 5), p))) for p in (0, 1)]
    return [
        Case((o, f, s, p), note=f"O = {o}, F = {f}, S = {s}, P = {p}")
        for o, f, s, p in [(1, 3, 2, 0), (3, 3, 2, 0), (5, 3, 1, 0), (7, 3, 1, 1), (55, 11, 4, 0), *drawn]
    ]


INPUT_SIZE = Exercise(
    "input_size", "The way back", 4, lambda o, f, s=1, p=0: (o - 1) * s + f - 2 * p, unfits,
    mistakes=(
        Mistake(
            "a step too many",
            "Your answer is one stride too large. Between O windows lie fewer than O steps: draw two windows and "
            "count.",
            lambda o, f, s=1, p=0: o * s + f - 2 * p,
        ),
        Mistake(
            "padding kept",
            "That is the size of the padded line. N is the size before the padding was added: how much of what you "
            "counted is padding?",
            lambda o, f, s=1, p=0: (o - 1) * s + f,
        ),
        Mistake(
            "stride ignored",
            "Your answer does not depend on the stride. Two neighbouring windows begin S apart: how far apart do the "
            "first and the last begin?",
            lambda o, f, s=1, p=0: o - 1 + f - 2 * p,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in a plane ──────────────────────────────────────────────────────────────────────────────────────────────────


def planes(rng: Generator) -> list[Case]:
    """Kernels without symmetry, images that are not square."""
    return [
        Case((np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[1.0, 2], [0, -1]])), note="two windows"),
        Case((whole(rng, 3, 4), whole(rng, 2, 2)), note="wider than high"),
        Case((whole(rng, 4, 3), whole(rng, 2, 3)), note="higher than wide, a kernel of 2 rows and 3 columns"),
        Case((FOUR, CROSS), note="the 4×4 image of the text"),
        Case((BINARY, CROSS), note="the 5×5 image of the text"),
        Case((rng.normal(size=(7, 9)), rng.normal(size=(3, 4))), note="random numbers"),
    ]


def as_if_square(x: Array, w: Array) -> Array:
    """The mistake of as many columns as rows."""
    y, rows = naive.correlate2d(x, w), x.shape[0] - w.shape[0] + 1
    return np.pad(y, ((0, 0), (0, max(0, rows - y.shape[1]))))[:, :rows]


CORRELATE2D = Exercise(
    "correlate2d", "A kernel slides over an image", 10, naive.correlate2d, planes,
    mistakes=(
        Mistake(
            "flipped",
            "You turned the kernel by half a circle: its top left number meets the window's bottom right one. Deep "
            "learning slides the kernel as it is. Work out the first window by hand.",
            lambda x, w: naive.correlate2d(x, w[::-1, ::-1]),
        ),
        Mistake(
            "square",
            "Your map has as many columns as rows, but this image is not square. Height and width each have their "
            "own size of output. Look at which `shape` each loop uses.",
            as_if_square,
        ),
        Mistake(
            "transposed kernel",
            "Rows and columns of your kernel are swapped: the number in row 0, column 1 meets the window's row 1, "
            "column 0. Look at the order of the indices.",
            lambda x, w: naive.correlate2d(x, w.T),
        ),
        Mistake(
            "row and column sums",
            "Your numbers grow too fast: each is a product of sums. Multiply number by number first, and only then "
            "add up. (A `@` between two matrices does something else.)",
            lambda x, w: naive.correlate2d(x, np.ones_like(w)) * w.sum(),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def gradients(image: Array, kernel: Array = RAMP, border: str = "edge", turn: bool = False) -> tuple[Array, Array]:
    """Change from left to right and from top to bottom, each as large as the image."""
    padded = np.pad(image, 1, mode=border)  # type: ignore[call-overload]
    across, down = naive.correlate2d(padded, kernel), naive.correlate2d(padded, kernel.T)
    return (down, across) if turn else (across, down)


def pictures(rng: Generator) -> list[Case]:
    """One edge that runs down, one that runs across, then both."""
    down, corner = np.zeros((3, 4)), np.zeros((4, 4))
    down[:, 2:], corner[2:, 1:] = 1, 5
    return [
        Case((down,), note="dark on the left, bright on the right"),
        Case((np.ascontiguousarray(down.T) + 1,), note="dark above, bright below"),
        Case((corner,), note="a corner"),
        Case((STEPS,), note="the 8×8 image of the text"),
        Case((rng.normal(size=(6, 9)),), note="random numbers"),
    ]


EDGES = Exercise(
    "edges", "Kernels that see edges", 8, gradients, pictures, parts=("across", "down"),
    mistakes=(
        Mistake(
            "frame of zeros",
            "In the middle you are right, at the border you are not: you padded with zeros, so each picture gets a "
            "black frame, and the step from the picture to the frame looks like an edge. What could lie beyond the "
            "border that makes no new edge?",
            lambda image: gradients(image, border="constant"),
        ),
        Mistake(
            "swapped",
            "Your two maps are in each other's place. The first is to answer where the picture changes from left to "
            "right, which happens at edges that run from top to bottom.",
            lambda image: gradients(image, turn=True),
        ),
        Mistake(
            "sign",
            "Your signs are reversed. An edge from dark on the left to bright on the right is to be positive: the "
            "right column counts, the left is taken away.",
            lambda image: gradients(image, -RAMP),
        ),
        Mistake(
            "sobel",
            "You count the middle row twice. That is Sobel's kernel, a good one; Prewitt's gives all three rows the "
            "same weight.",
            lambda image: gradients(image, SOBEL),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── the layer ───────────────────────────────────────────────────────────────────────────────────────────────────


def layers(rng: Generator) -> list[Case]:
    """One thing more in each case; the last has all of them."""

    def case(x: tuple, w: tuple, stride: int, padding: int, note: str) -> Case:
        return Case((whole(rng, *x), whole(rng, *w), whole(rng, w[0]), stride, padding), note=note)

    return [
        Case((FOUR[None, None], CROSS[None, None], np.array([2.0]), 1, 0), note="one channel, one kernel, bias 2"),
        case((1, 2, 3, 3), (1, 2, 2, 2), 1, 0, "two channels"),
        case((1, 1, 3, 4), (2, 1, 2, 2), 1, 0, "two kernels"),
        case((1, 1, 5, 5), (1, 1, 3, 3), 2, 0, "stride 2"),
        case((1, 1, 3, 3), (1, 1, 3, 3), 1, 1, "padding 1"),
        case((2, 1, 3, 3), (1, 1, 2, 2), 1, 0, "two images"),
        case((1, 3, 5, 5), (2, 3, 3, 3), 2, 1, "5×5×3, two kernels of 3×3×3, stride 2, padding 1"),
        case((2, 3, 6, 7), (4, 3, 3, 2), 2, 1, "all at once"),
    ]


def with_bias_of(k: Callable[[Array, Array], Any]) -> Callable[..., Array]:
    """The layer with another bias than its own."""
    return lambda x, w, b, stride=1, padding=0: naive.conv2d(x, w, k(x, b), stride, padding)


CONV2D = Exercise(
    "conv2d", "The convolution layer", 14, naive.conv2d, layers,
    mistakes=(
        Mistake(
            "no bias",
            "The bias is missing: each of your numbers is too small, or too large, by the same amount within a map. "
            "How much does kernel `k` add to every number of its map?",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x, w, None, stride, padding),
        ),
        Mistake(
            "bias for each channel",
            "You add the bias once for each input channel. The channels are summed into one number first; the bias "
            "belongs to that one number.",
            with_bias_of(lambda x, b: b * x.shape[1]),
        ),
        Mistake(
            "stride 1",
            "This is the answer for stride 1: your windows begin next to each other. With stride 2 the second window "
            "begins two places after the first, and there are fewer of them.",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x, w, b, 1, padding),
        ),
        Mistake(
            "no padding",
            "This is the answer without padding: the shape says that no border was added. Which axes of `x` grow, and "
            "by how much?",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x, w, b, stride, 0),
        ),
        Mistake(
            "kernel turned",
            "You turned the kernels by half a circle. Deep learning slides them as they are: `w[k, c, 0, 0]` meets the "
            "first number of the window.",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x, w[:, :, ::-1, ::-1], b, stride, padding),
        ),
        Mistake(
            "last channel only",
            "Only the last channel of the image counts in your answer. If a loop goes over the channels, look at what "
            "it does with the sums of those before: an `=` forgets them.",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x[:, -1:], w[:, -1:], b, stride, padding),
        ),
        Mistake(
            "first channel only",
            "Only the first channel of the image counts in your answer. A kernel is as deep as its input: every "
            "channel meets its own slice of the kernel, and all products are added up.",
            lambda x, w, b, stride=1, padding=0: naive.conv2d(x[:, :1], w[:, :1], b, stride, padding),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def backward(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """dx, dw and db of the layer."""
    return naive.conv2d_back(dy, x, w, stride, padding)


def overwritten(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of assigning where windows overlap: the last one wins."""
    R, S = w.shape[2:]
    padded = np.zeros((len(x), x.shape[1], x.shape[2] + 2 * padding, x.shape[3] + 2 * padding))
    for n, i, j in np.ndindex(len(x), *dy.shape[2:]):
        window = np.einsum("k,kcuv->cuv", dy[n, :, i, j], w)
        padded[n, :, i * stride : i * stride + R, j * stride : j * stride + S] = window
    _, dw, db = backward(dy, x, w, stride, padding)
    return padded[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], dw, db


def uncropped(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of the padded image's gradient."""
    _, dw, db = backward(dy, x, w, stride, padding)
    return naive.conv2d_back(dy, np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2)), w, stride)[0], dw, db


def unturned(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of each dy meeting the kernel turned by half a circle."""
    _, dw, db = backward(dy, x, w, stride, padding)
    return backward(dy, x, w[:, :, ::-1, ::-1], stride, padding)[0], dw, db


def averaged(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of a mean over images and places."""
    dx, dw, db = backward(dy, x, w, stride, padding)
    return dx, dw, db / (dy.size // len(db))


def next_to_each_other(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of windows one place apart."""
    high, wide = (n + f - 1 - 2 * padding for n, f in zip(dy.shape[2:], w.shape[2:]))
    seen = x[:, :, : max(high, 0), : max(wide, 0)]
    part, dw, db = naive.conv2d_back(dy, seen, w, 1, padding)
    dx = np.zeros(x.shape)
    dx[:, :, : part.shape[2], : part.shape[3]] = part
    return dx, dw, db


def last_window(dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0) -> tuple[Array, Array, Array]:
    """The mistake of a dw that is assigned to and not added to."""
    dx, _, db = backward(dy, x, w, stride, padding)
    last = np.zeros_like(dy)
    last[-1, :, -1, -1] = dy[-1, :, -1, -1]
    return dx, backward(last, x, w, stride, padding)[1], db


def ways_back(rng: Generator) -> list[Case]:
    """One window, overlapping ones, then stride, padding and batch."""

    def case(x: tuple, w: tuple, stride: int, padding: int, note: str) -> Case:
        high, wide = (size(n, f, stride, padding) for n, f in zip(x[2:], w[2:]))
        arrays = (whole(rng, x[0], w[0], high, wide), whole(rng, *x), whole(rng, *w))
        return Case((*arrays, stride, padding), note=note)

    return [
        case((1, 1, 2, 2), (1, 1, 2, 2), 1, 0, "one window"),
        case((1, 1, 3, 3), (1, 1, 2, 2), 1, 0, "four windows that overlap"),
        case((1, 2, 3, 3), (2, 2, 2, 2), 1, 0, "two channels, two kernels"),
        case((1, 1, 5, 5), (1, 1, 3, 3), 2, 0, "stride 2"),
        case((1, 1, 3, 3), (1, 1, 3, 3), 1, 1, "padding 1"),
        case((2, 3, 6, 5), (4, 3, 3, 2), 2, 1, "all at once"),
    ]


CONV2D_BACKWARD = Exercise(
    "conv2d_backward", "The way back through the layer", 14, backward, ways_back, parts=("dx", "dw", "db"),
    mistakes=(
        Mistake(
            "overwritten",
            "Where windows overlap, only the last one counts in your `dx`. A pixel that took part in several outputs "
            "gets a gradient from each of them: what does one do with several contributions to the same number?",
            overwritten,
        ),
        Mistake(
            "padding kept",
            "Your `dx` is the gradient of the padded image. The zeros of the border are no input of the layer: which "
            "part of your array belongs to `x`?",
            uncropped,
        ),
        Mistake(
            "turned kernel",
            "Your `dx` uses the kernel turned by half a circle. On the way there `w[u, v]` met pixel `(i + u, j + v)`; "
            "on the way back `dy[i, j]` takes the same road. (The turned kernel appears when one gathers dx from "
            "dy; when one scatters, as here, it does not.)",
            unturned,
        ),
        Mistake(
            "stride 1",
            "Your windows on the way back begin next to each other: this is right for stride 1. `dy[i, j]` belongs to "
            "the window that begins in row `i * stride` of the padded image.",
            next_to_each_other,
        ),
        Mistake(
            "last window only",
            "Your `dw` knows one window alone. The same kernel stood in every window of every image: what does one do "
            "with several contributions to the same number?",
            last_window,
        ),
        Mistake(
            "mean",
            "Your `db` is a mean. The bias was added to every number of its map, in every image, so it moves all of "
            "them: the derivatives add up.",
            averaged,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── the receptive field ─────────────────────────────────────────────────────────────────────────────────────────


def field(stack: list, early: bool = False, strides: bool = True) -> int:
    """1 + Σ (kernel − 1) · the product of the strides before it."""
    reach, step = 1, 1
    for kernel, stride in stack:
        step *= stride if early else 1
        reach += (kernel - 1) * step
        step *= 1 if early or not strides else stride
    return reach


def stacks(rng: Generator) -> list[Case]:
    """One layer, two, then deeper ones."""
    deep = [(int(rng.integers(2, 8)), int(rng.integers(1, 3))) for _ in range(5)]
    return [
        Case(([(3, 1)],), note="one layer of 3"),
        Case(([(3, 1), (3, 1)],), note="two layers of 3"),
        Case(([(3, 2)],), note="one layer with stride 2"),
        Case(([(3, 2), (3, 1)],), note="stride 2, then a layer of 3"),
        Case(([(5, 1), (2, 2), (5, 1), (2, 2)],), note="LeNet: 5, pool 2, 5, pool 2"),
        Case((deep,), note="five layers"),
    ]


RECEPTIVE_FIELD = Exercise(
    "receptive_field", "How far a pixel of a deep map sees", 6, field, stacks,
    mistakes=(
        Mistake(
            "sum of kernels",
            "You add the kernel sizes. Two kernels of 3 on top of each other share pixels: the second adds only what "
            "the first does not see yet. How many new pixels does it bring on each side?",
            lambda stack: sum(kernel for kernel, _ in stack),
        ),
        Mistake(
            "product of kernels",
            "You multiply the kernel sizes. The second kernel of 3 sees three numbers of the map, but their windows in "
            "the image overlap: how many new pixels does it bring?",
            lambda stack: int(np.prod([kernel for kernel, _ in stack])),
        ),
        Mistake(
            "strides ignored",
            "Your answer does not depend on the strides. After a layer with stride 2, neighbours in the map are two "
            "pixels apart in the image, so every kernel after it reaches twice as far.",
            lambda stack: field(stack, strides=False),
        ),
        Mistake(
            "own stride",
            "You let a layer's stride widen its own kernel. The stride says how far apart two outputs are; it "
            "matters to the layers that come after.",
            lambda stack: field(stack, early=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def torch_conv(x: Any, w: Any, b: Any, stride: int = 1, padding: int = 0) -> Any:
    """PyTorch's own layer."""
    from torch.nn.functional import conv2d

    return conv2d(x, w, b, stride, padding)


def misread(x: Any, w: Any, b: Any, stride: int = 1, padding: int = 0) -> Any:
    """The mistake of a map whose height and width change places without its numbers."""
    y = torch_conv(x, w, b, stride, padding)
    return y.reshape(*y.shape[:2], y.shape[3], y.shape[2])


def reordered(x: Any, w: Any, b: Any, stride: int = 1, padding: int = 0) -> Any:
    """The mistake of weights with the channels last, against columns with the channels first."""
    return torch_conv(x, w.permute(0, 2, 3, 1).reshape(w.shape), b, stride, padding)


CONV2D_UNFOLD = Exercise(
    "conv2d_unfold", "One matrix product", 6, torch_conv, layers, engine="torch",
    mistakes=(
        Mistake(
            "no bias",
            "The bias is missing. It has one number for each kernel: which axis of the product are the kernels on?",
            lambda x, w, b, stride=1, padding=0: torch_conv(x, w, None, stride, padding),
        ),
        Mistake(
            "height and width swapped",
            "Your numbers are right, but their rows are broken in the wrong places: height and width of the map are "
            "swapped. `unfold` lists the windows row by row.",
            misread,
        ),
        Mistake(
            "weights in another order",
            "Your weights and your columns are not in the same order. A column of `unfold` holds the window's numbers "
            "channel by channel, each row by row. In which order does `reshape` read `w`?",
            reordered,
        ),
    ),
    forbidden=(
        "torch.nn.functional.conv2d", "torch.conv2d", "torch.convolution", "torch.nn.Conv2d",
        "torch.nn.functional.conv_transpose2d", *LIBRARY,
    ),
)  # fmt: skip


def two_layers(between: bool = True, after: bool = False, stride: int = 2) -> Callable[[int, int, int], Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(channels: int, hidden: int, maps: int) -> Any:
        from torch import nn

        class TwoLayers(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv1 = nn.Conv2d(channels, hidden, 3, padding=1)
                self.conv2 = nn.Conv2d(hidden, maps, 3, stride=stride, padding=1)

            def forward(self, x: Any) -> Any:
                y = self.conv1(x)
                y = self.conv2(y.relu() if between else y)
                return y.relu() if after else y

        return TwoLayers()

    return build


def states(rng: Generator) -> list[Case]:
    """Weights from outside, so that the numbers do not depend on how a module draws its own."""
    return [_module_case(rng, *sizes) for sizes in ((1, 2, 1), (3, 4, 2))]


def _module_case(rng: Generator, channels: int, hidden: int, maps: int) -> Case:
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (hidden, channels, 3, 3),
        "conv1.bias": (hidden,),
        "conv2.weight": (maps, hidden, 3, 3),
        "conv2.bias": (maps,),
    }
    state = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    inputs = (rng.normal(size=(1, channels, 4, 6)).astype(np.float32),)
    note = f"{channels} to {hidden} to {maps} channels"
    return Case((channels, hidden, maps), {"state": state, "inputs": inputs}, note=note)


TWO_LAYERS = Exercise(
    "TwoLayers", "Two layers as a module", 6, two_layers(), states, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "nothing in between",
            "There is no ReLU between your layers. Without it the two are one linear map, which a single layer could "
            "compute.",
            two_layers(between=False),
        ),
        Mistake(
            "nothing negative",
            "Your outputs are never negative: there is a ReLU after the second layer too. It belongs between the "
            "two.",
            two_layers(after=True),
        ),
        Mistake(
            "stride 1",
            "Your output is as large as the input: this is the answer for stride 1 in both layers. The second one "
            "halves height and width.",
            two_layers(stride=1),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

LAB = Lab(
    "convolution", 1, "Convolution",
    (
        CORRELATE1D, CONVOLVE1D, PAD1D, OUTPUT_SIZE, INPUT_SIZE, CORRELATE2D, EDGES, CONV2D, CONV2D_BACKWARD,
        RECEPTIVE_FIELD, CONV2D_UNFOLD, TWO_LAYERS, Text("shift", "Does the map follow the picture?", 4),
    ),
)  # fmt: skip
