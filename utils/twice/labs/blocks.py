"""Lab 7, blocks: Inception, residual, dense and depthwise; its exercises, and what people get wrong in them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice.kernels import naive
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator
Shapes = dict[str, tuple[int, ...]]

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "twice.networks", "twice.blocks", "scipy", "torchvision")


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers of both signs, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 6, shape) * rng.choice([-1.0, 1.0], shape)


def integer(rng: Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(rng.integers(low, high + 1))


def relu(x: Array) -> Array:
    """Negative numbers become 0."""
    return np.maximum(x, 0)


def same(x: Array, w: Array, stride: int = 1) -> Array:
    """A convolution whose padding keeps the map."""
    return naive.conv2d(x, w, None, stride, w.shape[2] // 2)


def max_pool(x: Array) -> Array:
    """The largest of each 3×3 neighbourhood; the map keeps its size."""
    return naive.max_pool2d(x, 3, 1, 1)[0]


def mean_pool(x: Array) -> Array:
    """The mean of each 3×3 neighbourhood."""
    return naive.avg_pool2d(x, 3, 1, 1)


# ── side by side ────────────────────────────────────────────────────────────────────────────────────────────────


def inception_naive(x: Array, w1: Array, w3: Array, w5: Array) -> Array:
    """Three convolutions and a pooling, one behind the other in the channels."""
    return np.concatenate([*(relu(same(x, w)) for w in (w1, w3, w5)), max_pool(x)], axis=1)


def pooling_first(x: Array, w1: Array, w3: Array, w5: Array) -> Array:
    """The mistake of the branches in another order."""
    return np.roll(inception_naive(x, w1, w3, w5), x.shape[1], axis=1)


def below(x: Array, w1: Array, w3: Array, w5: Array) -> Array:
    """The mistake of maps that are laid below each other; where their numbers differ they do not fit."""
    return np.concatenate([*(relu(same(x, w)) for w in (w1, w3, w5)), max_pool(x)], axis=2)


def branches(rng: Generator) -> list[Case]:
    """One channel and one map a branch; then numbers of maps that differ."""

    def case(x: tuple, maps: tuple[int, int, int], note: str) -> Case:
        kernels = [whole(rng, k, x[1], side, side) for k, side in zip(maps, (1, 3, 5))]
        return Case((whole(rng, *x), *kernels), note=note)

    return [
        case((1, 1, 2, 3), (1, 1, 1), "one channel, one map each"),
        case((1, 2, 3, 4), (1, 2, 3), "two channels; one, two and three maps"),
        case((2, 3, 5, 4), (2, 4, 1), "two images"),
    ]


INCEPTION_NAIVE = Exercise(
    "inception_naive", "Four looks at once", 8, inception_naive, branches,
    mistakes=(
        Mistake(
            "pooling first",
            "Your maps are right and stand in another order: those of the pooling come last, behind those of the 1×1, "
            "the 3×3 and the 5×5 convolution. The next layer must know which is which.",
            pooling_first,
        ),
        Mistake(
            "below each other",
            "You laid the maps below each other, and the result has grown in height. The branches stand one behind "
            "the other: along which axis of (N, C, H, W) do channels lie?",
            below,
        ),
        Mistake(
            "no ReLU",
            "There are negative numbers in your convolutions' maps. A ReLU follows each of the three.",
            lambda x, w1, w3, w5: np.concatenate([*(same(x, w) for w in (w1, w3, w5)), max_pool(x)], axis=1),
        ),
        Mistake(
            "ReLU for all",
            "You set negative numbers to 0 in all branches. The pooling has no ReLU behind it: where all pixels of a "
            "window are negative, so is the largest.",
            lambda x, w1, w3, w5: relu(inception_naive(x, w1, w3, w5)),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def inception_cost(channels: int, places: int, c1: int, r3: int, c3: int, r5: int, c5: int, p1: int) -> tuple[int, int]:
    """Maps and multiply-adds of an Inception module; 0 for a 1×1 layer that is not there."""
    weights = channels * (c1 + r3 + r5 + p1) + 9 * (r3 or channels) * c3 + 25 * (r5 or channels) * c5
    return c1 + c3 + c5 + (p1 or channels), weights * places


def modules(rng: Generator) -> list[Case]:
    """Without 1×1 layers first; then the lecture's, then GoogLeNet's."""
    drawn = tuple(integer(rng, 8, 99) for _ in range(6))
    return [
        Case((2, 6, 1, 0, 3, 0, 2, 0), note="small, naive"),
        Case((2, 6, 3, 1, 4, 1, 5, 2), note="small, with 1×1 layers"),
        Case((256, 28 * 28, 128, 0, 192, 0, 96, 0), note="28×28×256, naive"),
        Case((256, 28 * 28, 128, 64, 192, 64, 96, 64), note="28×28×256, with 1×1 layers of 64"),
        Case((192, 28 * 28, 64, 96, 128, 16, 32, 32), note="GoogLeNet's module 3a"),
        Case((integer(rng, 100, 300), integer(rng, 20, 200), *drawn), note="random numbers"),
    ]


def changed(**replaced: Callable[..., int]) -> Callable[..., tuple[int, int]]:
    """`inception_cost` with the maps or the multiply-adds changed by what a function of its arguments adds."""

    def answer(channels: int, places: int, c1: int, r3: int, c3: int, r5: int, c5: int, p1: int) -> tuple[int, int]:
        given = (channels, places, c1, r3, c3, r5, c5, p1)
        maps, work = inception_cost(*given)
        more = {name: change(*given) for name, change in replaced.items()}
        return maps + more.get("maps", 0), work + more.get("work", 0)

    return answer


INCEPTION_COST = Exercise(
    "inception_cost", "What four looks cost", 8, inception_cost, modules, parts=("maps", "multiply_adds"),
    mistakes=(
        Mistake(
            "one place",
            "You count the work at one place. Every layer of the module does it again at each of the `places`.",
            changed(
                work=lambda channels, places, *sizes: (1 - places) * inception_cost(channels, places, *sizes)[1] // places
            ),
        ),
        Mistake(
            "pooling's maps forgotten",
            "You count the maps of the three convolutions. The pooling has maps too: as many as come in, or `p1` "
            "where a 1×1 layer follows it.",
            changed(maps=lambda channels, places, c1, r3, c3, r5, c5, p1: -(p1 or channels)),
        ),
        Mistake(
            "inner maps counted",
            "You count the maps of the 1×1 layers in front of the 3×3 and the 5×5. They stay inside the module: only "
            "what the last layer of a branch puts out goes on.",
            changed(maps=lambda channels, places, c1, r3, c3, r5, c5, p1: r3 + r5),
        ),
        Mistake(
            "kernels as deep as the input",
            "Your 3×3 and 5×5 kernels are as deep as the module's input. Where a 1×1 layer stands before them, they "
            "see its few maps only: that is what it is for.",
            changed(
                work=lambda channels, places, c1, r3, c3, r5, c5, p1: places
                * (9 * c3 * (channels - (r3 or channels)) + 25 * c5 * (channels - (r5 or channels)))
            ),
        ),
        Mistake(
            "1×1 layers for free",
            "The 1×1 layers inside cost nothing in your count. Each of their kernels multiplies every channel once, "
            "at every place.",
            changed(work=lambda channels, places, c1, r3, c3, r5, c5, p1: -places * channels * (r3 + r5 + p1)),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def inception(
    x: Array, w1: Array, r3: Array, w3: Array, r5: Array, w5: Array, p1: Array, *, inner: Callable = relu
) -> Array:
    """The module with 1×1 layers before the 3×3 and 5×5 and after the pooling; `inner` follows those before."""
    parts = (
        same(x, w1),
        same(inner(same(x, r3)), w3),
        same(inner(same(x, r5)), w5),
        same(max_pool(x), p1),
    )
    return relu(np.concatenate(parts, axis=1))


def replaced_last(x: Array, w1: Array, r3: Array, w3: Array, r5: Array, w5: Array, p1: Array, branch: Array) -> Array:
    """The module with another fourth branch."""
    return np.concatenate([inception(x, w1, r3, w3, r5, w5, p1)[:, : -len(p1)], branch], axis=1)


def narrowed(rng: Generator) -> list[Case]:
    """One map each, then more."""

    def case(x: tuple, c: tuple[int, ...], note: str) -> Case:
        c1, r3, c3, r5, c5, p1 = c
        shapes = [(c1, x[1], 1), (r3, x[1], 1), (c3, r3, 3), (r5, x[1], 1), (c5, r5, 5), (p1, x[1], 1)]
        kernels = [whole(rng, maps, depth, side, side) for maps, depth, side in shapes]
        return Case((whole(rng, *x), *kernels), note=note)

    return [
        case((1, 2, 3, 4), (1, 1, 2, 1, 2, 2), "two channels"),
        case((1, 3, 4, 3), (2, 2, 3, 1, 2, 2), "three channels"),
        case((2, 4, 4, 5), (3, 2, 4, 1, 2, 1), "two images"),
    ]


INCEPTION = Exercise(
    "inception", "The same with bottlenecks", 8, inception, narrowed,
    mistakes=(
        Mistake(
            "no ReLU inside",
            "There is no ReLU between a 1×1 layer and the 3×3 or 5×5 behind it. Without it the two are one linear "
            "layer. Every convolution of the module is followed by one.",
            lambda x, w1, r3, w3, r5, w5, p1: inception(x, w1, r3, w3, r5, w5, p1, inner=lambda y: y),
        ),
        Mistake(
            "1×1 before the pooling",
            "In your last branch the 1×1 layer comes before the pooling. It is the other way round here: the pooling "
            "sees the module's input, and the 1×1 layer mixes what it gives.",
            lambda x, w1, r3, w3, r5, w5, p1: replaced_last(
                x, w1, r3, w3, r5, w5, p1, max_pool(relu(same(x, p1)))
            ),
        ),
        Mistake(
            "no pooling",
            "Your last branch is a 1×1 layer on the input. The pooling before it is missing.",
            lambda x, w1, r3, w3, r5, w5, p1: replaced_last(x, w1, r3, w3, r5, w5, p1, relu(same(x, p1))),
        ),
        Mistake(
            "no ReLU at the end",
            "There are negative numbers in your result. Every convolution is followed by a ReLU, the last of a branch "
            "too.",
            lambda x, w1, r3, w3, r5, w5, p1: np.concatenate(
                [same(x, w1), same(relu(same(x, r3)), w3), same(relu(same(x, r5)), w5), same(max_pool(x), p1)], axis=1
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── past each other ─────────────────────────────────────────────────────────────────────────────────────────────


def residual(x: Array, w1: Array, w2: Array) -> Array:
    """relu(F(x) + x), F two convolutions with a ReLU between."""
    return relu(same(relu(same(x, w1)), w2) + x)


def pairs(rng: Generator) -> list[Case]:
    """One channel, then several."""

    def case(n: int, c: int, middle: int, height: int, width: int, note: str) -> Case:
        x = whole(rng, n, c, height, width)
        return Case((x, whole(rng, middle, c, 3, 3), whole(rng, c, middle, 3, 3)), note=note)

    nothing = np.zeros((1, 1, 3, 3))
    return [
        Case((np.abs(whole(rng, 1, 1, 2, 3)), nothing, nothing), note="kernels of zeros: only the shortcut is left"),
        case(1, 1, 1, 3, 4, "one channel"),
        case(1, 2, 3, 4, 3, "two channels, three inside"),
        case(2, 3, 2, 4, 5, "two images"),
    ]


RESIDUAL = Exercise(
    "residual", "A way past the layers", 8, residual, pairs,
    mistakes=(
        Mistake(
            "no shortcut",
            "With kernels of zeros your block gives zeros: `x` itself is missing in the sum at the end. With the "
            "shortcut it would pass as it came.",
            lambda x, w1, w2: relu(same(relu(same(x, w1)), w2)),
        ),
        Mistake(
            "ReLU before the sum",
            "Your ReLU stands before the sum. What the layers add is then never negative: they could only push "
            "numbers up. First add, then the ReLU.",
            lambda x, w1, w2: relu(same(relu(same(x, w1)), w2)) + x,
        ),
        Mistake(
            "no ReLU at the end",
            "There are negative numbers in your result: the ReLU after the sum is missing.",
            lambda x, w1, w2: same(relu(same(x, w1)), w2) + x,
        ),
        Mistake(
            "no ReLU inside",
            "There is no ReLU between your two convolutions, so that they are one linear layer.",
            lambda x, w1, w2: relu(same(same(x, w1), w2) + x),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def bottleneck_cost(wide: int, narrow: int) -> tuple[int, int]:
    """Weights of a 3×3 layer on `wide` channels, and of 1×1, 3×3, 1×1 through `narrow` ones."""
    return 9 * wide**2, 2 * wide * narrow + 9 * narrow**2


def widths(rng: Generator) -> list[Case]:
    """Small ones, then the lecture's."""
    return [
        Case((4, 2), note="4 channels through 2"),
        Case((8, 2), note="8 channels through 2"),
        Case((256, 64), note="256 channels through 64"),
        Case((integer(rng, 100, 900), integer(rng, 10, 99)), note="random numbers"),
    ]


BOTTLENECK_COST = Exercise(
    "bottleneck_cost", "Through a bottleneck", 4, bottleneck_cost, widths, parts=("direct", "bottleneck"),
    mistakes=(
        Mistake(
            "no way back",
            "Your bottleneck stays narrow: the second 1×1 layer, which widens again, is missing. Without it the "
            "shortcut would have nothing of its size to be added to.",
            lambda wide, narrow: (9 * wide**2, wide * narrow + 9 * narrow**2),
        ),
        Mistake(
            "3×3 on all channels",
            "Your 3×3 layer in the middle still sees all channels. It stands behind the layer that narrows: how many "
            "come in there, and how many go out?",
            lambda wide, narrow: (9 * wide**2, 2 * wide * narrow + 9 * wide * narrow),
        ),
        Mistake(
            "one slice",
            "Your 3×3 kernels have one slice each. A kernel is as deep as its input, in both versions.",
            lambda wide, narrow: (9 * wide, 2 * wide * narrow + 9 * narrow),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def unit_backward(d: Array, h: Array, w: Array, shortcut: bool) -> tuple[Array, Array]:
    """dh and dw of relu(h w), plus h with a shortcut."""
    dz = d * (h @ w > 0)
    return dz @ w.T + (d if shortcut else 0), h.T @ dz


def through(d: Array, h: Array, w: Array, shortcut: bool, asked: Array) -> tuple[Array, Array]:
    """The mistake of a ReLU that asks other numbers than it saw."""
    dz = d * (asked > 0)
    return dz @ w.T + (d if shortcut else 0), h.T @ dz


def unmasked(d: Array, h: Array, w: Array, shortcut: bool) -> tuple[Array, Array]:
    """The mistake of a ReLU that lets every gradient pass."""
    return d @ w.T + (d if shortcut else 0), h.T @ d


def all_masked(d: Array, h: Array, w: Array, shortcut: bool) -> tuple[Array, Array]:
    """The mistake of a ReLU that lies on the shortcut too."""
    dz = d * (h @ w > 0)
    return dz @ w.T + (dz if shortcut else 0), h.T @ dz


def untransposed(d: Array, h: Array, w: Array, shortcut: bool) -> tuple[Array, Array]:
    """The mistake of going back through w as one came."""
    dz = d * (h @ w > 0)
    return dz @ w + (d if shortcut else 0), h.T @ dz


def units(rng: Generator) -> list[Case]:
    """Positive numbers, so that the ReLU passes all; then both signs; then no shortcut."""
    positive = (rng.integers(1, 5, (1, 2)).astype(float), np.array([[1.0, 2], [3, 1]]))
    return [
        Case((np.array([[1.0, 2]]), *positive, True), note="all numbers positive"),
        Case((np.array([[1.0, 2]]), np.array([[2.0, -1]]), np.array([[1.0, -1], [5, -3]]), True), note="both signs"),
        Case((whole(rng, 1, 3), whole(rng, 1, 3), whole(rng, 3, 3), False), note="no shortcut"),
        Case((whole(rng, 4, 3), whole(rng, 4, 3), whole(rng, 3, 3), True), note="four vectors"),
        Case((rng.normal(size=(6, 5)), rng.normal(size=(6, 5)), rng.normal(size=(5, 5)), True), note="random numbers"),
        Case((rng.normal(size=(6, 5)), rng.normal(size=(6, 5)), rng.normal(size=(5, 5)), False), note="… no shortcut"),
    ]


UNIT_BACKWARD = Exercise(
    "unit_backward", "The way back, with and without a shortcut", 12, unit_backward, units, parts=("dh", "dw"),
    mistakes=(
        Mistake(
            "shortcut forgotten",
            "Your `dh` comes through the weights alone. With a shortcut `h` is also added to the result: what does "
            "that path send back?",
            lambda d, h, w, shortcut: unit_backward(d, h, w, False),
        ),
        Mistake(
            "shortcut always",
            "You add the shortcut's gradient even when there is none: look at `shortcut`.",
            lambda d, h, w, shortcut: unit_backward(d, h, w, True),
        ),
        Mistake(
            "ReLU lets all pass",
            "You send the gradient back through the ReLU unchanged. Where `h @ w` was not positive the ReLU gave 0, "
            "whatever came in, so nothing goes back there.",
            unmasked,
        ),
        Mistake(
            "asks the input",
            "You ask whether `h` was positive. What went through the ReLU was `h @ w`: where that was not positive, "
            "nothing goes back.",
            lambda d, h, w, shortcut: through(d, h, w, shortcut, h),
        ),
        Mistake(
            "asks the sum",
            "You ask whether the result was positive, shortcut and all. The ReLU lies before the sum: what went "
            "through it was `h @ w` alone.",
            lambda d, h, w, shortcut: through(d, h, w, shortcut, h @ w + (h if shortcut else 0)),
        ),
        Mistake(
            "dw on its side",
            "Your `dw` lies on its side. `w[i, j]` led from number i of `h` to number j, so row i of `dw` belongs to "
            "number i of `h`.",
            lambda d, h, w, shortcut: (unit_backward(d, h, w, shortcut)[0], unit_backward(d, h, w, shortcut)[1].T),
        ),
        Mistake(
            "ReLU on the shortcut",
            "Your shortcut's gradient has gone through the ReLU. `h` is added after the ReLU: on its way no number is "
            "set to 0, which is why it helps.",
            all_masked,
        ),
        Mistake(
            "weights not transposed",
            "Your `dh` goes back through `w` in the direction in which `h` came. `w[i, j]` led from number i to number "
            "j: the way back leads from j to i.",
            untransposed,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── everything that was before ──────────────────────────────────────────────────────────────────────────────────


def dense_block(x: Array, weights: Sequence[Array]) -> Array:
    """Each layer adds its maps to all that are there."""
    for w in weights:
        x = np.concatenate([x, same(relu(x), w)], axis=1)
    return x


def newest_first(x: Array, weights: Sequence[Array]) -> Array:
    """The mistake of new maps in front of the old."""
    for w in weights:
        x = np.concatenate([same(relu(x), w), x], axis=1)
    return x


def without_relu(x: Array, weights: Sequence[Array]) -> Array:
    """The mistake of layers that see the maps as they are."""
    for w in weights:
        x = np.concatenate([x, same(x, w)], axis=1)
    return x


def relu_after(x: Array, weights: Sequence[Array]) -> Array:
    """The mistake of a ReLU behind the convolution."""
    for w in weights:
        x = np.concatenate([x, relu(same(x, w))], axis=1)
    return x


def kept_activated(x: Array, weights: Sequence[Array]) -> Array:
    """The mistake of passing on what went through a ReLU."""
    for w in weights:
        x = np.concatenate([relu(x), same(relu(x), w)], axis=1)
    return x


def growing(rng: Generator) -> list[Case]:
    """One layer, then more."""

    def case(x: tuple, growth: int, layers: int, note: str) -> Case:
        weights = [whole(rng, growth, x[1] + i * growth, 3, 3) for i in range(layers)]
        return Case((whole(rng, *x), weights), note=note)

    return [
        case((1, 1, 2, 3), 1, 1, "one layer, one new map"),
        case((1, 2, 3, 2), 2, 1, "one layer, two new maps"),
        case((1, 2, 2, 3), 2, 2, "two layers"),
        case((2, 3, 4, 5), 2, 3, "three layers, two images"),
    ]


DENSE_BLOCK = Exercise(
    "dense_block", "Everything that was before", 8, dense_block, growing,
    mistakes=(
        Mistake(
            "input left out",
            "The block's input is missing in your result: it holds the new maps alone. Who comes after the block sees "
            "all that went before, the input too.",
            lambda x, weights: dense_block(x, weights)[:, x.shape[1] :],
        ),
        Mistake(
            "no ReLU",
            "There is no ReLU in your block. Each layer sees the ReLU of all maps so far.",
            without_relu,
        ),
        Mistake(
            "newest first",
            "Your new maps stand before the old ones. They are put behind what is there, so that a channel keeps its "
            "number from layer to layer.",
            newest_first,
        ),
        Mistake(
            "ReLU behind",
            "Your ReLU stands behind the convolution. Here it stands before: the layer sees the ReLU of all maps, and "
            "what it puts out may be negative.",
            relu_after,
        ),
        Mistake(
            "activated maps kept",
            "You pass on the maps after their ReLU. Each layer takes the ReLU for itself; what is kept, and goes into "
            "the result, are the maps as they were made.",
            kept_activated,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def dense_channels(
    start: int, growth: int, counts: Sequence[int], *, end: bool = False, kept: float = 0.5, once: bool = False
) -> list[float]:
    """Channels after each block, and after the transition that halves them; `end`: one after the last block, too."""
    found: list[float] = []
    c: float = start
    for count in counts:
        c += growth * (1 if once else count)
        found.append(c)
        c = c // 2 if kept == 0.5 else c * kept
        found.append(c)
    return found if end else found[:-1]


def halves(start: int, growth: int, counts: Sequence[int]) -> list[float]:
    """The mistake of half a map."""
    found: list[float] = []
    c: float = start
    for count in counts:
        found += [c + growth * count, (c + growth * count) / 2]
        c = found[-1]
    return found[:-1]


def dense_networks(rng: Generator) -> list[Case]:
    """One block, two, then the networks of the paper."""
    counts = [integer(rng, 2, 9) for _ in range(3)]
    return [
        Case((4, 2, [3]), note="one block"),
        Case((4, 2, [3, 1]), note="two blocks"),
        Case((5, 2, [3, 2]), note="an odd number to halve"),
        Case((64, 32, [6, 12, 24, 16]), note="DenseNet-121"),
        Case((96, 48, [6, 12, 36, 24]), note="DenseNet-161"),
        Case((integer(rng, 10, 40), integer(rng, 4, 40), counts), note="random numbers"),
    ]


DENSE_CHANNELS = Exercise(
    "dense_channels", "How a dense network grows", 6,
    lambda start, growth, counts: dense_channels(start, growth, counts), dense_networks,
    mistakes=(
        Mistake(
            "transition at the end",
            "Your list ends with a transition. It stands between two blocks, and nothing follows the last one.",
            lambda start, growth, counts: dense_channels(start, growth, counts, end=True),
        ),
        Mistake(
            "once a block",
            "Your channels grow once a block. Every layer of a block adds its own new maps.",
            lambda start, growth, counts: dense_channels(start, growth, counts, once=True),
        ),
        Mistake(
            "never halved",
            "Your transitions keep all channels. They halve them: otherwise the last layers would see thousands.",
            lambda start, growth, counts: dense_channels(start, growth, counts, kept=1.0),
        ),
        Mistake(
            "half a map",
            "You have halves of maps. Channels are counted in whole numbers; what is left over when an odd number is "
            "halved is dropped.",
            halves,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── one channel at a time ───────────────────────────────────────────────────────────────────────────────────────


def depthwise(x: Array, w: Array, stride: int = 1) -> Array:
    """Each channel with a kernel of its own, w (C, 3, 3)."""
    return naive.conv2d(x, w[:, None], None, stride, 1, groups=len(w))


def mixed(x: Array, w: Array, stride: int = 1) -> Array:
    """The mistake of kernels that see all channels."""
    return same(x, np.repeat(w[:, None], x.shape[1], axis=1), stride)


def channels_alone(rng: Generator) -> list[Case]:
    """One channel, two, then stride and batch."""

    def case(x: tuple, stride: int, note: str) -> Case:
        return Case((whole(rng, *x), whole(rng, x[1], 3, 3), stride), note=note)

    return [
        case((1, 1, 2, 3), 1, "one channel"),
        case((1, 2, 3, 3), 1, "two channels"),
        case((1, 2, 5, 4), 2, "stride 2"),
        case((2, 4, 5, 6), 2, "two images, four channels"),
    ]


DEPTHWISE = Exercise(
    "depthwise", "One channel at a time", 8, depthwise, channels_alone,
    mistakes=(
        Mistake(
            "channels added up",
            "You add up all channels, as an ordinary convolution does. Here map c comes from channel c alone; mixing "
            "channels is left to the 1×1 layer that follows.",
            mixed,
        ),
        Mistake(
            "one kernel for all",
            "You use the first kernel for every channel. Each channel has its own: channel c goes with `w[c]`.",
            lambda x, w, stride=1: depthwise(x, np.broadcast_to(w[:1], w.shape), stride),
        ),
        Mistake(
            "stride 1",
            "This is the answer for stride 1. With stride 2 the windows begin two places apart, in both directions.",
            lambda x, w, stride=1: depthwise(x, w),
        ),
        Mistake(
            "kernel turned",
            "Your kernels are turned by half a circle. They slide as they are.",
            lambda x, w, stride=1: depthwise(x, w[:, ::-1, ::-1], stride),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def separable_cost(channels: int, maps: int, places: int) -> tuple[int, int]:
    """Multiply-adds of a 3×3 convolution, and of a depthwise one and a 1×1 one in its place."""
    return 9 * channels * maps * places, (9 * channels + channels * maps) * places


def separations(rng: Generator) -> list[Case]:
    """Small numbers, then MobileNet's."""
    return [
        Case((2, 3, 1), note="two channels, three maps, one place"),
        Case((2, 3, 6), note="six places"),
        Case((512, 512, 14 * 14), note="MobileNet's 14×14×512"),
        Case((integer(rng, 20, 99), integer(rng, 100, 200), integer(rng, 50, 400)), note="random numbers"),
    ]


SEPARABLE_COST = Exercise(
    "separable_cost", "What it saves", 4, separable_cost, separations, parts=("full", "separable"),
    mistakes=(
        Mistake(
            "depthwise alone",
            "You count the depthwise layer alone. It cannot mix channels, so a 1×1 layer follows, and that one has "
            "most of the work.",
            lambda channels, maps, places: (9 * channels * maps * places, 9 * channels * places),
        ),
        Mistake(
            "depthwise for each map",
            "Your depthwise layer has a kernel for each of the maps. It has one for each channel: the number of maps "
            "matters to the 1×1 layer only.",
            lambda channels, maps, places: (
                9 * channels * maps * places,
                (9 * maps + channels * maps) * places,
            ),
        ),
        Mistake(
            "multiplied",
            "You multiply the costs of the two layers. They work one after the other: what they do adds up.",
            lambda channels, maps, places: (
                9 * channels * maps * places,
                9 * channels * places * channels * maps * places,
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def drawn_state(rng: Generator, convolutions: Shapes, norms: dict[str, int] | None = None) -> dict[str, Array]:
    """Weights from outside, so that the numbers do not depend on how a module draws its own."""
    state: dict[str, Array] = {}
    for name, shape in convolutions.items():
        state[name] = rng.normal(scale=1 / np.sqrt(np.prod(shape[1:])), size=shape).astype(np.float32)
    for name, maps in (norms or {}).items():
        state[f"{name}.weight"] = rng.uniform(0.5, 1.5, maps).astype(np.float32)
        state[f"{name}.bias"] = rng.normal(scale=0.3, size=maps).astype(np.float32)
        state[f"{name}.running_mean"] = rng.normal(scale=0.3, size=maps).astype(np.float32)
        state[f"{name}.running_var"] = rng.uniform(0.5, 2, maps).astype(np.float32)
        state[f"{name}.num_batches_tracked"] = np.array(1)
    return state


def block(
    last: str = "sum, relu", first_stride: bool = True, heed: bool = True, inside: bool = True
) -> Callable[..., Any]:
    """A builder of the residual block, or of one of its mistakes."""

    def build(channels: int, maps: int, stride: int = 1, shortcut: bool = True) -> Any:
        from torch import nn

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                one, two = (stride, 1) if first_stride else (1, stride)
                self.conv1 = nn.Conv2d(channels, maps, 3, one, 1, bias=False)
                self.bn1 = nn.BatchNorm2d(maps)
                self.conv2 = nn.Conv2d(maps, maps, 3, two, 1, bias=False)
                self.bn2 = nn.BatchNorm2d(maps)
                changes = shortcut and (stride != 1 or channels != maps)
                self.project = nn.Conv2d(channels, maps, 1, stride, bias=False) if changes else nn.Identity()

            def forward(self, x: Any) -> Any:
                y = self.bn1(self.conv1(x))
                y = self.bn2(self.conv2(y.relu() if inside else y))
                past = self.project(x) if shortcut or not heed else 0
                return {
                    "sum, relu": lambda: (y + past).relu(),
                    "sum": lambda: y + past,
                    "relu, sum": lambda: y.relu() + past,
                    "relu": lambda: y.relu(),
                }[last]()

        return Block()

    return build


def blocks(rng: Generator) -> list[Case]:
    """Same shape, fewer places and more maps, and no shortcut."""
    return [
        _block_case(rng, 2, 2, 1, True, "two maps, as many as channels"),
        _block_case(rng, 2, 4, 2, True, "two channels to four maps, stride 2"),
        _block_case(rng, 3, 5, 1, True, "three channels to five maps"),
        _block_case(rng, 3, 3, 1, False, "no shortcut"),
        _block_case(rng, 2, 4, 2, False, "no shortcut, stride 2"),
    ]


def _block_case(rng: Generator, channels: int, maps: int, stride: int, shortcut: bool, note: str) -> Case:
    shapes: Shapes = {"conv1.weight": (maps, channels, 3, 3), "conv2.weight": (maps, maps, 3, 3)}
    if shortcut and (stride != 1 or channels != maps):
        shapes["project.weight"] = (maps, channels, 1, 1)
    state = drawn_state(rng, shapes, {"bn1": maps, "bn2": maps})
    inputs = (rng.normal(size=(2, channels, 4, 6)).astype(np.float32),)
    return Case((channels, maps, stride, shortcut), {"state": state, "inputs": inputs}, note=note)


BLOCK = Exercise(
    "Block", "A residual block as a module", 8, block(), blocks, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "no shortcut",
            "Your block has layers and no way past them. Where does `x` come in again?",
            block(last="relu"),
        ),
        Mistake(
            "ReLU before the sum",
            "Your last ReLU stands before the sum: what the layers contribute is never negative, and `x` passes "
            "without one. First add, then the ReLU.",
            block(last="relu, sum"),
        ),
        Mistake(
            "no ReLU at the end",
            "There are negative numbers in your result: the ReLU after the sum is missing.",
            block(last="sum"),
        ),
        Mistake(
            "no ReLU inside",
            "There is no ReLU between your two convolutions. It follows `bn1`.",
            block(inside=False),
        ),
        Mistake(
            "stride in the second",
            "Your second convolution takes the stride. The shapes fit, the numbers do not: here the first one takes "
            "it, so that the second has less to do.",
            block(first_stride=False),
        ),
        Mistake(
            "shortcut always",
            "Your block has its shortcut even with `shortcut=False`. The plain block is there to be compared with.",
            lambda channels, maps, stride=1, shortcut=True: block(heed=stride != 1)(channels, maps, stride, shortcut),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def inception_module(
    pool: str = "MaxPool2d", inner: bool = True, late: bool = False, last: bool = True
) -> Callable[..., Any]:
    """A builder of the Inception module, or of one of its mistakes."""

    def build(channels: int, c1: int, r3: int, c3: int, r5: int, c5: int, p1: int) -> Any:
        import torch
        from torch import nn

        class Inception(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.one = nn.Conv2d(channels, c1, 1)
                self.reduce3, self.three = nn.Conv2d(channels, r3, 1), nn.Conv2d(r3, c3, 3, padding=1)
                self.reduce5, self.five = nn.Conv2d(channels, r5, 1), nn.Conv2d(r5, c5, 5, padding=2)
                self.pool, self.project = getattr(nn, pool)(3, 1, 1), nn.Conv2d(channels, p1, 1)

            def forward(self, x: Any) -> Any:
                inside = [reduce(x).relu() if inner else reduce(x) for reduce in (self.reduce3, self.reduce5)]
                fourth = self.pool(self.project(x)) if late else self.project(self.pool(x))
                y = torch.cat([self.one(x), self.three(inside[0]), self.five(inside[1]), fourth], 1)
                return y.relu() if last else y

        return Inception()

    return build


def inceptions(rng: Generator) -> list[Case]:
    """A small module and a larger one."""
    return [_inception_case(rng, 2, 1, 1, 2, 1, 2, 1), _inception_case(rng, 6, 4, 3, 6, 2, 3, 2)]


def _inception_case(rng: Generator, channels: int, c1: int, r3: int, c3: int, r5: int, c5: int, p1: int) -> Case:
    layers = {
        "one": (c1, channels, 1, 1), "reduce3": (r3, channels, 1, 1), "three": (c3, r3, 3, 3),
        "reduce5": (r5, channels, 1, 1), "five": (c5, r5, 5, 5), "project": (p1, channels, 1, 1),
    }  # fmt: skip
    state = drawn_state(rng, {f"{name}.weight": shape for name, shape in layers.items()})
    for name, shape in layers.items():
        state[f"{name}.bias"] = rng.normal(scale=0.5, size=shape[0]).astype(np.float32)
    inputs = (rng.normal(size=(2, channels, 5, 4)).astype(np.float32),)
    note = f"{channels} channels to {c1}, {c3}, {c5} and {p1} maps"
    return Case((channels, c1, r3, c3, r5, c5, p1), {"state": state, "inputs": inputs}, note=note)


INCEPTION_MODULE = Exercise(
    "Inception", "An Inception module", 6, inception_module(), inceptions, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "no ReLU inside",
            "There is no ReLU between your 1×1 layers and the 3×3 and 5×5 behind them. Every convolution of the module "
            "is followed by one.",
            inception_module(inner=False),
        ),
        Mistake(
            "no ReLU at the end",
            "There are negative numbers in your result. The last convolution of each branch is followed by a ReLU too.",
            inception_module(last=False),
        ),
        Mistake(
            "1×1 before the pooling",
            "In your last branch the 1×1 layer comes before the pooling. The pooling sees the module's input.",
            inception_module(late=True),
        ),
        Mistake(
            "mean",
            "Your pooling takes the mean of each window; this one takes the largest number.",
            inception_module(pool="AvgPool2d"),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def separable(between: bool = True, last: bool = True, bend: str = "relu") -> Callable[..., Any]:
    """A builder of the separable convolution, or of one of its mistakes."""

    def build(channels: int, maps: int, stride: int = 1) -> Any:
        from torch import nn

        relu = getattr(nn.functional, bend)

        class Separable(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
                self.bn1 = nn.BatchNorm2d(channels)
                self.pointwise = nn.Conv2d(channels, maps, 1, bias=False)
                self.bn2 = nn.BatchNorm2d(maps)

            def forward(self, x: Any) -> Any:
                x = self.bn1(self.depthwise(x))
                x = self.bn2(self.pointwise(relu(x) if between else x))
                return relu(x) if last else x

        return Separable()

    return build


def separables(rng: Generator) -> list[Case]:
    """Stride 1, then 2."""
    return [_separable_case(rng, 2, 3, 1), _separable_case(rng, 4, 6, 2)]


def _separable_case(rng: Generator, channels: int, maps: int, stride: int) -> Case:
    shapes: Shapes = {"depthwise.weight": (channels, 1, 3, 3), "pointwise.weight": (maps, channels, 1, 1)}
    state = drawn_state(rng, shapes, {"bn1": channels, "bn2": maps})
    for name in ("bn1.weight", "bn2.weight"):
        state[name] *= 8  # some numbers lie above 6, where a ReLU6 ends
    inputs = (rng.normal(size=(2, channels, 5, 6)).astype(np.float32),)
    note = f"{channels} channels to {maps} maps, stride {stride}"
    return Case((channels, maps, stride), {"state": state, "inputs": inputs}, note=note)


def fully_bare(channels: int, maps: int, stride: int = 1) -> Any:
    """The mistake of BatchNorms that are made and not used."""
    from torch import nn

    module = separable()(channels, maps, stride)
    module.forward = lambda x: nn.functional.relu(module.pointwise(nn.functional.relu(module.depthwise(x))))
    return module


SEPARABLE = Exercise(
    "Separable", "A separable convolution", 6, separable(), separables, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "no ReLU between",
            "There is no ReLU between your two convolutions. Each has its BatchNorm and its ReLU.",
            separable(between=False),
        ),
        Mistake(
            "no ReLU at the end",
            "There are negative numbers in your result: the ReLU after the second BatchNorm is missing.",
            separable(last=False),
        ),
        Mistake(
            "cut off at 6",
            "Your numbers end at 6: that is the ReLU6 of later MobileNets. Here it is the plain ReLU.",
            separable(bend="relu6"),
        ),
        Mistake(
            "BatchNorm not used",
            "Your BatchNorms have parameters and are never called. One stands between each convolution and its ReLU.",
            fully_bare,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

LAB = Lab(
    "blocks", 7, "Blocks",
    (
        INCEPTION_NAIVE, INCEPTION_COST, INCEPTION, RESIDUAL, BOTTLENECK_COST, UNIT_BACKWARD, DENSE_BLOCK,
        DENSE_CHANNELS, DEPTHWISE, SEPARABLE_COST, BLOCK, INCEPTION_MODULE, SEPARABLE,
        Text("depth", "What do shortcuts change?", 6),
    ),
)  # fmt: skip
