"""Lab 4, training: its exercises, and what people get wrong in them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from twice.kernels import naive, norm
from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

Array = np.ndarray
Generator = np.random.Generator
Axes = tuple[int, ...]

VALLEY = np.array([1.0, 50.0])  # how steep the valley of the text is along each axis
START = np.array([-4.0, 1.0])
BATCH = (0, 2, 3)  # the axes that a channel's statistics are taken over

LIBRARY = ("twice.kernels", "twice.nn", "twice.functions", "twice.optim", "scipy", "torch.optim")


def whole(rng: Generator, *shape: int) -> Array:
    """Small whole numbers, none of them 0: a case that can be followed by hand."""
    return rng.integers(1, 10, shape) * rng.choice([-1.0, 1.0], shape)


# ── downhill ────────────────────────────────────────────────────────────────────────────────────────────────────


def descend(h: Array, w: Array, rate: float, steps: int, uphill: bool = False, once: bool = False) -> Array:
    """The path of w ← w − ε h w, start included; `uphill` and `once` (the start's gradient for ever) are mistakes."""
    path, slope = [w], h * w
    for _ in range(steps):
        path.append(path[-1] - (-rate if uphill else rate) * (slope if once else h * path[-1]))
    return np.array(path)


def walks(rng: Generator) -> list[Case]:
    """One weight, two, the valley, a rate that is too large for it."""
    return [
        Case((np.array([2.0]), np.array([8.0]), 0.25, 2), note="one weight, two steps"),
        Case((np.array([1.0, 4.0]), np.array([8.0, -16.0]), 0.125, 3), note="two weights, three steps"),
        Case((VALLEY, START, 0.035, 5), note="the valley of the text"),
        Case((VALLEY, START, 0.05, 4), note="a rate that is too large for it"),
        Case((rng.uniform(0.5, 9, 6), rng.normal(size=6), 0.1, 7), note="random numbers"),
    ]


DESCEND = Exercise(
    "descend", "Down into a valley", 6, descend, walks,
    mistakes=(
        Mistake(
            "uphill",
            "Your path climbs. The gradient points to where the loss grows fastest, and training wants the opposite: "
            "look at the sign of your step.",
            lambda h, w, rate, steps: descend(h, w, rate, steps, uphill=True),
        ),
        Mistake(
            "start missing",
            "The place where the path begins is missing. After `steps` steps you have been at `steps + 1` places.",
            lambda h, w, rate, steps: descend(h, w, rate, steps)[1:],
        ),
        Mistake(
            "one place",
            "All rows of your path are the last place. If a step changes `w` in place (`w -= …`), every entry of your "
            "list is the same array under another name. Keep copies, or make a new array at each step.",
            lambda h, w, rate, steps: np.repeat(descend(h, w, rate, steps)[-1:], steps + 1, axis=0),
        ),
        Mistake(
            "one gradient",
            "All your steps are equally long: you took the gradient at the start and kept it. The slope is another one "
            "at each new place.",
            lambda h, w, rate, steps: descend(h, w, rate, steps, once=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def momentum_step(
    w: Array, v: Array, g: Array, rate: float, mu: float = 0.9, decay: float = 0.0
) -> tuple[Array, Array]:
    """v ← μ v + g + λ w, w ← w − ε v"""
    v = mu * v + g + decay * w
    return w - rate * v, v


def pushes(rng: Generator) -> list[Case]:
    """At rest, already moving, then with decay."""
    w, v, g = whole(rng, 3), whole(rng, 3), whole(rng, 3)
    return [
        Case((np.array([2.0, -1.0]), np.zeros(2), np.array([4.0, 2.0]), 0.5, 0.5), note="from rest"),
        Case((np.array([0.0, -2.0]), np.array([4.0, 2.0]), np.array([4.0, -2.0]), 0.5, 0.5), note="already moving"),
        Case((w, v, g, 0.1, 0.9), note="μ = 0.9"),
        Case((w, v, g, 0.1, 0.9, 0.25), note="weight decay"),
        Case((*rng.normal(size=(3, 2, 4)), 0.03, 0.8, 0.01), note="random numbers, arrays with two axes"),
    ]


def other_momentum(change: Callable[..., tuple[Array, Array]]) -> Callable[..., tuple[Array, Array]]:
    """A mistake with the signature of the step."""
    return lambda w, v, g, rate, mu=0.9, decay=0.0: change(w, v, g, rate, mu, decay)


MOMENTUM_STEP = Exercise(
    "momentum_step", "Momentum and weight decay", 8, momentum_step, pushes, parts=("w", "v"), keeps=True,
    mistakes=(
        Mistake(
            "old velocity",
            "You stepped with the velocity from before this gradient. First the velocity changes, then the weights "
            "move by the new one.",
            other_momentum(lambda w, v, g, rate, mu, decay: (w - rate * v, mu * v + g + decay * w)),
        ),
        Mistake(
            "plain step",
            "Your velocity is right, but your weights do not follow it: they take the step of plain descent, by the "
            "gradient alone. What is the velocity for?",
            other_momentum(lambda w, v, g, rate, mu, decay: (w - rate * (g + decay * w), mu * v + g + decay * w)),
        ),
        Mistake(
            "uphill",
            "You step along the velocity. It is a sum of gradients, and they point to where the loss grows: the step "
            "goes the other way.",
            other_momentum(lambda w, v, g, rate, mu, decay: (
                w + rate * (mu * v + g + decay * w), mu * v + g + decay * w,
            )),
        ),
        Mistake(
            "decay beside the velocity",
            "Your decay goes straight to the weights and past the velocity. Here `decay` times the weight is added to "
            "the gradient, before the velocity takes it up.",
            other_momentum(lambda w, v, g, rate, mu, decay: (
                w - rate * (mu * v + g) - rate * decay * w, mu * v + g,
            )),
        ),
        Mistake(
            "average",
            "You weigh the new gradient with `1 - mu`, which makes an average of the gradients. That is a velocity "
            "too (Adam has one), but here it is a sum: the new gradient counts in full.",
            other_momentum(
                lambda w, v, g, rate, mu, decay: momentum_step(w, v, (1 - mu) * (g + decay * w), rate, mu)
            ),
        ),
        Mistake(
            "rate in the velocity",
            "Your weights are right, but your velocity holds the rate and the sign already: that is how AlexNet wrote "
            "it, the next exercise. Here the velocity is a sum of gradients, and the rate comes in with the step.",
            other_momentum(
                lambda w, v, g, rate, mu, decay: (
                    momentum_step(w, v, g, rate, mu, decay)[0], -rate * momentum_step(w, v, g, rate, mu, decay)[1],
                )
            ),
        ),
        Mistake(
            "no decay",
            "`decay` has no effect in your answer. It adds `decay` times the weight to each gradient, before the "
            "velocity takes it up.",
            other_momentum(lambda w, v, g, rate, mu, decay: momentum_step(w, v, g, rate, mu)),
        ),
        Mistake(
            "growth",
            "Your weight decay makes weights grow. The step goes against the gradient: with which sign must the "
            "weight stand in the gradient, so that the step takes it towards 0?",
            other_momentum(lambda w, v, g, rate, mu, decay: momentum_step(w, v, g, rate, mu, -decay)),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def alexnet_step(w: Array, v: Array, g: Array, rate: float) -> tuple[Array, Array]:
    """v ← 0.9 v − 0.0005 ε w − ε g, w ← w + v"""
    v = 0.9 * v - 0.0005 * rate * w - rate * g
    return w + v, v


def recipes(rng: Generator) -> list[Case]:
    """Each term alone, then all."""
    return [
        Case((np.array([1.0, -2.0]), np.array([10.0, 20.0]), np.zeros(2), 0.0), note="a rate of 0: the velocity alone"),
        Case((np.zeros(2), np.zeros(2), np.array([3.0, -1.0]), 0.01), note="the gradient alone"),
        Case((np.array([2000.0, -4000.0]), np.zeros(2), np.zeros(2), 0.1), note="the decay alone, of large weights"),
        Case((whole(rng, 3), whole(rng, 3), whole(rng, 3), 0.1), note="all three"),
        Case((*rng.normal(size=(3, 2, 4)), 0.01), note="random numbers, arrays with two axes"),
    ]


def undiminished(w: Array, v: Array, g: Array, rate: float) -> tuple[Array, Array]:
    """The mistake of a decay that does not know the rate."""
    v = 0.9 * v - 0.0005 * w - rate * g
    return w + v, v


def twice_rated(w: Array, v: Array, g: Array, rate: float) -> tuple[Array, Array]:
    """The mistake of the rate in the velocity and in the step."""
    v = alexnet_step(w, v, g, rate)[1]
    return w + rate * v, v


ALEXNET_STEP = Exercise(
    "alexnet_step", "AlexNet's recipe", 6, alexnet_step, recipes, parts=("w", "v"), keeps=True,
    mistakes=(
        Mistake(
            "decay without the rate",
            "Your decay does not know the rate. In the formula it is multiplied by `rate`, as the gradient is: with "
            "smaller steps weights decay more slowly too.",
            undiminished,
        ),
        Mistake(
            "rate twice",
            "The rate is in your velocity, and you multiply by it once more in the step. Here the weights move by the "
            "velocity as it is.",
            twice_rated,
        ),
        Mistake(
            "against the velocity",
            "You move against the velocity. Today's form subtracts; here the minus signs are in the velocity already, "
            "and the weights follow it.",
            lambda w, v, g, rate: (w - alexnet_step(w, v, g, rate)[1], alexnet_step(w, v, g, rate)[1]),
        ),
        Mistake(
            "old velocity",
            "You stepped with the velocity from before. First the velocity changes, then the weights move by the "
            "new one.",
            lambda w, v, g, rate: (w + v, alexnet_step(w, v, g, rate)[1]),
        ),
        Mistake(
            "no decay",
            "The decay is missing: where velocity and gradient are 0 your weights stand still, but a large weight is "
            "to shrink by itself.",
            lambda w, v, g, rate: alexnet_step(w, v, g - 0.0005 * w, rate),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def adam_step(
    w: Array, m: Array, s: Array, g: Array, t: int,
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, tiny: float = 1e-8,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Kingma and Ba 2015, algorithm 1."""
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    return w - rate * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + tiny), m, s


def adaptations(rng: Generator) -> list[Case]:
    """The first step, whose length does not depend on the gradient's, a later one, other options."""
    ones, zeros, (w, m, s, g) = np.ones(2), np.zeros(2), whole(rng, 4, 3)
    drawn = (*rng.normal(size=(2, 2, 4)), rng.random((2, 4)), rng.normal(size=(2, 4)))
    return [
        Case((ones, zeros, zeros, np.array([1000.0, 0.001]), 1, 0.1), note="first step, gradients 1000 and 0.001"),
        Case((ones, zeros, zeros, np.array([-3.0, 2.0]), 1, 0.1), note="first step, a negative gradient"),
        Case((w, m, np.abs(s), g, 2, 0.1), note="second step"),
        Case((w, m, np.abs(s), g, 3, 0.1, 0.5, 0.75), note="other betas"),
        Case((w, m, np.abs(s), g, 4), note="the usual rate"),
        Case((*drawn, 9, 0.01), note="random numbers"),
    ]


def other_adam(
    correct: bool = True, root: bool = True, square: bool = True, inside: bool = False, kept: bool = False
) -> Callable[..., tuple[Array, Array, Array]]:
    """Adam with one thing changed."""

    def step(w, m, s, g, t, rate=0.001, beta1=0.9, beta2=0.999, tiny=1e-8):  # type: ignore[no-untyped-def]
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g**2 if square else g)
        first, second = (m / (1 - beta1**t), s / (1 - beta2**t)) if correct else (m, s)
        size = np.sqrt(second + tiny) if inside else (np.sqrt(second) if root else second) + tiny
        return w - rate * first / size, *((first, second) if kept else (m, s))

    return step


ADAM_STEP = Exercise(
    "adam_step", "Adam", 10, adam_step, adaptations, parts=("w", "m", "s"), keeps=True,
    mistakes=(
        Mistake(
            "not corrected",
            "Your first steps have the wrong length: `m` and `s` begin at 0 and are still far too small. The formula "
            "divides each by what is missing, `1 - beta**t`, before it uses them.",
            other_adam(correct=False),
        ),
        Mistake(
            "correction kept",
            "Your weights are right, but you hand on the corrected `m` and `s`. They would be corrected again at the "
            "next step. Keep the plain averages; the correction is for the step alone.",
            other_adam(kept=True),
        ),
        Mistake(
            "no root",
            "You divide by the mean square itself. A gradient of 1000 has the square 1,000,000; what has the size of a "
            "gradient again is its root.",
            other_adam(root=False),
        ),
        Mistake(
            "no square",
            "Your `s` averages the gradients, not their squares: with positive and negative ones it cancels, and may "
            "fall below 0, where there is no root.",
            other_adam(square=False),
        ),
        Mistake(
            "tiny missing",
            "Your step lacks `tiny`. With a gradient of 0.001 it shows in the seventh digit, and with one of 0 you "
            "would divide by zero.",
            lambda w, m, s, g, t, rate=0.001, beta1=0.9, beta2=0.999, tiny=1e-8: adam_step(
                w, m, s, g, t, rate, beta1, beta2, 0.0
            ),
        ),
        Mistake(
            "tiny inside the root",
            "Your `tiny` stands under the root. There it counts as its own root, 0.0001, which a small gradient "
            "notices. In the formula it is added after the root.",
            other_adam(inside=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── dropout ─────────────────────────────────────────────────────────────────────────────────────────────────────


def dropout(x: Array, u: Array, p: float, training: bool = True) -> Array:
    """x/(1 − p) where u ≥ p, else 0; x itself outside training."""
    return x * (u >= p) / (1 - p) if training else x


def thinnings(rng: Generator) -> list[Case]:
    """A half first, then another share, then test time."""
    x, u = np.array([4.0, 8, 1, 2]), np.array([0.1, 0.7, 0.6, 0.4])
    return [
        Case((x, u, 0.5), note="p = 0.5"),
        Case((np.array([3.0, 6, 9, 12]), u, 0.25), note="p = 0.25"),
        Case((x, u, 0.5, False), note="test time"),
        Case((x, u, 0.0), note="p = 0"),
        Case((rng.normal(size=(3, 5)), rng.random((3, 5)), 0.3), note="random numbers, a batch of three"),
    ]


DROPOUT = Exercise(
    "dropout", "Dropout", 7, dropout, thinnings, keeps=True,
    mistakes=(
        Mistake(
            "not scaled",
            "The units that stay keep their size. Then the next layer gets less in training than at test time, where "
            "all units are there. By how much must those that stay grow, so that the mean over all masks is `x`?",
            lambda x, u, p, training=True: x * (u >= p) if training else x,
        ),
        Mistake(
            "the others",
            "You kept the units that were to be dropped. `p` is the probability of being dropped, and a number `u` "
            "from 0 to 1 lies below `p` with just that probability.",
            lambda x, u, p, training=True: x * (u < p) / (1 - p) if training else x,
        ),
        Mistake(
            "scaled by p",
            "You divide by `p`. With one half nobody notices, but with `p = 0.25` three quarters of the units stay, "
            "and each must grow by a third only. Which share of the units is there?",
            lambda x, u, p, training=True: x * (u >= p) / p if training else x,
        ),
        Mistake(
            "at test time too",
            "You drop units at test time too, so the answer to a picture would depend on chance. Look at `training`.",
            lambda x, u, p, training=True: dropout(x, u, p),
        ),
        Mistake(
            "test time scaled",
            "At test time you still multiply. You have made up for the missing units in training already, so there is "
            "nothing left to do.",
            lambda x, u, p, training=True: dropout(x, u, p) if training else x * (1 - p),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── normalisation ───────────────────────────────────────────────────────────────────────────────────────────────


def lrn(x: Array, k: float = 2, n: int = 5, alpha: float = 1e-4, beta: float = 0.75) -> Array:
    """The paper's formula: α is not divided by n."""
    return naive.local_response_norm(x, n, alpha * n, beta, k)


def neighbourhoods(rng: Generator) -> list[Case]:
    """Numbers along the channels of one place, then more places, then AlexNet's own constants."""

    def column(*values: float) -> Array:
        return np.array(values, float).reshape(1, -1, 1, 1)

    return [
        Case((column(1, 2, 3, 4), 1, 3, 1.0, 1.0), note="four channels, k = 1, n = 3, α = 1, β = 1"),
        Case((column(1, 2, 3), 2, 5, 1.0, 1.0), note="n = 5 and three channels only"),
        Case((whole(rng, 1, 7, 1, 1), 2, 5, 1.0, 0.5), note="n = 5 and seven channels, β = 0.5"),
        Case((whole(rng, 1, 4, 2, 3), 2, 3, 1.0, 0.75), note="2×3 places"),
        Case((50 * rng.normal(size=(2, 8, 3, 2)),), note="two images, AlexNet's constants"),
    ]


def other_lrn(neighbours: Callable[[int, int, int], list[int]]) -> Callable[..., Array]:
    """The same with other neighbours of channel c among so many."""

    def answer(x: Array, k: float = 2, n: int = 5, alpha: float = 1e-4, beta: float = 0.75) -> Array:
        near = [neighbours(c, n // 2, x.shape[1]) for c in range(x.shape[1])]
        sums = np.stack([sum(x[:, j] ** 2 for j in channels) for channels in near], axis=1)
        return x / (k + alpha * sums) ** beta

    return answer


LRN = Exercise(
    "lrn", "Local response normalisation", 8, lrn, neighbourhoods, keeps=True,
    mistakes=(
        Mistake(
            "alpha divided",
            "You divide `alpha` by `n`. PyTorch and Caffe do; the paper, and this exercise, do not: the sum is "
            "multiplied by `alpha` as it is.",
            lambda x, k=2, n=5, alpha=1e-4, beta=0.75: naive.local_response_norm(x, n, alpha, beta, k),
        ),
        Mistake(
            "wraps around",
            "Your first channel knows the last one. In Python `x[:, -1]` is the last channel, not one that lies before "
            "the first. At the ends there are fewer neighbours.",
            other_lrn(lambda c, half, channels: [j % channels for j in range(c - half, c + half + 1)]),
        ),
        Mistake(
            "one neighbour short",
            "On the upper side you miss one neighbour. A slice ends before its second number: with `n = 3` the "
            "neighbours of channel 1 are 0, 1 and 2.",
            other_lrn(lambda c, half, channels: list(range(max(0, c - half), min(channels, c + half)))),
        ),
        Mistake(
            "itself alone",
            "You divide each number by its own size alone. What makes it local is the sum: the squares of the "
            "neighbouring channels at the same place count too.",
            other_lrn(lambda c, half, channels: [c]),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def other_norm(
    axes: Axes = BATCH, ddof: int = 0, inside: bool = True, learned: bool = True
) -> Callable[[Array, Array, Array, float], Array]:
    """Batch normalisation with one thing changed."""

    def answer(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, ddof=ddof, keepdims=True)
        deviation = np.sqrt(variance + eps) if inside else np.sqrt(variance) + eps
        scaled = (x - mean) / deviation
        return scaled * gamma[:, None, None] + beta[:, None, None] if learned else scaled

    return answer


FOUR = np.array([1.0, 3, 5, 7]).reshape(2, 1, 1, 2)  # mean 4, variance 5


def batches(rng: Generator) -> list[Case]:
    """Four numbers with a whole mean and root, two channels of different size, then more."""
    two = np.stack([whole(rng, 2, 3, 2), 100 + 10 * whole(rng, 2, 3, 2)], axis=1)
    shape = (4, 3, 2, 5)
    return [
        Case((FOUR, np.array([2.0]), np.array([1.0]), 4.0), note="one channel: mean 4, variance 5, ε = 4"),
        Case((two, np.array([1.0, 2.0]), np.array([0.0, -1.0])), note="two channels"),
        Case((rng.normal(3, 2, shape), rng.normal(size=3), rng.normal(size=3)), note="random numbers"),
    ]


BATCH_NORM = Exercise(
    "batch_norm", "Batch normalisation", 8, naive.batch_norm, batches, keeps=True,
    mistakes=(
        Mistake(
            "each image alone",
            "You normalise each image by itself. A channel has one mean and one variance for the whole batch: over "
            "which axes of (N, C, H, W) are they taken?",
            other_norm((2, 3)),
        ),
        Mistake(
            "each place alone",
            "You take means over the images alone, so each place has its own. A convolution is the same everywhere, "
            "and so are its statistics: over which axes of (N, C, H, W) are they taken?",
            other_norm((0,)),
        ),
        Mistake(
            "all channels together",
            "You take one mean over everything. Channels mean different things and have different sizes; each gets "
            "its own mean and variance.",
            other_norm((0, 1, 2, 3)),
        ),
        Mistake(
            "divided by m - 1",
            "Your variance is divided by one less than the count. That estimate is for the running variance, in the "
            "next exercise; for normalising it is the mean of the squares, divided by the count.",
            other_norm(ddof=1),
        ),
        Mistake(
            "variance",
            "You divide by the variance itself. It has the square of the numbers' unit; what makes their spread 1 is "
            "its root.",
            lambda x, gamma, beta, eps=1e-5: (
                (x - batch_mean(x)) / (x.var(BATCH, keepdims=True) + eps) * gamma[:, None, None] + beta[:, None, None]
            ),
        ),
        Mistake(
            "epsilon missing",
            "Your `eps` has no effect. It is added to the variance, under the root, so that a channel whose numbers "
            "are all equal is not divided by zero.",
            lambda x, gamma, beta, eps=1e-5: other_norm()(x, gamma, beta, 0.0),
        ),
        Mistake(
            "epsilon outside",
            "You add `eps` to the deviation. In the formula it stands under the root, with the variance.",
            other_norm(inside=False),
        ),
        Mistake(
            "gamma and beta missing",
            "Your numbers are normalised, but the network's own scale and shift are missing: each channel is then "
            "multiplied by its `gamma`, and its `beta` is added.",
            other_norm(learned=False),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def track(mean: Array, var: Array, x: Array, momentum: float = 0.1, ddof: int = 1) -> tuple[Array, Array]:
    """running ← (1 − momentum) running + momentum · the batch's; of the variance the estimate, divided by m − 1."""
    kept = 1 - momentum
    return kept * mean + momentum * x.mean(BATCH), kept * var + momentum * x.var(BATCH, ddof=ddof)


def histories(rng: Generator) -> list[Case]:
    """A half first, then a tenth."""
    x = rng.normal(3, 2, (4, 3, 2, 5))
    return [
        Case((np.zeros(1), np.ones(1), FOUR, 0.5), note="one channel, momentum 0.5"),
        Case((np.zeros(1), np.ones(1), FOUR), note="one channel, momentum 0.1"),
        Case((np.zeros(2), np.ones(2), whole(rng, 2, 2, 3, 2), 0.1), note="two channels"),
        Case((rng.normal(size=3), rng.random(3), x, 0.2), note="random numbers"),
    ]


TRACK = Exercise(
    "track", "What is remembered for the test", 5, track, histories, parts=("mean", "var"), keeps=True,
    mistakes=(
        Mistake(
            "divided by m",
            "Your mean is right, your variance a little too small: a batch varies less around its own mean than around "
            "the true one. What is remembered is the estimate that is divided by one less than the count.",
            lambda mean, var, x, momentum=0.1: track(mean, var, x, momentum, ddof=0),
        ),
        Mistake(
            "momentum reversed",
            "You keep a tenth of the past and take nine tenths of this batch. `momentum` is the share of the new one "
            "(the opposite of an optimiser's momentum, and a trap).",
            lambda mean, var, x, momentum=0.1: track(mean, var, x, 1 - momentum),
        ),
        Mistake(
            "forgets",
            "Your answer holds the statistics of this batch alone. What was remembered before counts too, by its "
            "share.",
            lambda mean, var, x, momentum=0.1: track(mean, var, x, 1.0),
        ),
        Mistake(
            "deviation",
            "You remember the standard deviation. `var` is its square, and stays so: the root is taken when it is "
            "used.",
            lambda mean, var, x, momentum=0.1: (
                track(mean, var, x, momentum)[0], (1 - momentum) * var + momentum * x.std(BATCH, ddof=1),
            ),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def batch_norm_backward(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """dx, dγ and dβ, by the library's pullback."""
    return norm.batch_norm(x, gamma, np.zeros_like(gamma), eps=eps)[1](dy)


def other_back(change: Callable[[Array, Array, Array, Array], Any]) -> Callable[..., Any]:
    """The way back where dx is `change(d, x̂, deviation, γ)`, d being γ·dy."""

    def answer(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
        column = gamma[:, None, None]
        deviation = np.sqrt(x.var(BATCH, keepdims=True) + eps)
        scaled = (x - x.mean(BATCH, keepdims=True)) / deviation
        _, dgamma, dbeta = batch_norm_backward(dy, x, gamma, eps)
        return change(column * dy, scaled, deviation, column), dgamma, dbeta

    return answer


def batch_mean(x: Array) -> Array:
    """A channel's mean over batch and places."""
    return x.mean(BATCH, keepdims=True)


def numbers(x: Array) -> int:
    """How many numbers a channel has."""
    return x.size // x.shape[1]


def scaled_gamma(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """The mistake of dγ with γ·dy in the place of dy."""
    dx, dgamma, dbeta = batch_norm_backward(dy, x, gamma, eps)
    return dx, gamma * dgamma, dbeta


def unscaled_gamma(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """The mistake of dγ with x in the place of x̂."""
    dx, _, dbeta = batch_norm_backward(dy, x, gamma, eps)
    return dx, (dy * x).sum(BATCH), dbeta


def averaged(dy: Array, x: Array, gamma: Array, eps: float = 1e-5) -> tuple[Array, Array, Array]:
    """The mistake of a mean over the batch."""
    dx, dgamma, dbeta = batch_norm_backward(dy, x, gamma, eps)
    count = dy.size // len(gamma)
    return dx, dgamma / count, dbeta / count


def ways_back(rng: Generator) -> list[Case]:
    """One channel that can be followed by hand, then more."""
    shape = (4, 3, 2, 5)
    return [
        Case(
            (np.array([0.0, 4, 0, 0]).reshape(FOUR.shape), FOUR, np.array([2.0]), 4.0), note="one output moves, ε = 4"
        ),
        Case((whole(rng, 2, 1, 2, 3), whole(rng, 2, 1, 2, 3), np.array([3.0])), note="one channel"),
        Case((whole(rng, 2, 2, 3, 2), whole(rng, 2, 2, 3, 2), np.array([1.0, -2.0])), note="two channels"),
        Case((rng.normal(size=shape), rng.normal(3, 2, shape), rng.normal(size=3)), note="random numbers"),
    ]


BATCH_NORM_BACKWARD = Exercise(
    "batch_norm_backward", "The way back through it", 12, batch_norm_backward, ways_back,
    parts=("dx", "dgamma", "dbeta"), keeps=True,
    mistakes=(
        Mistake(
            "fixed statistics",
            "Your `dx` treats mean and deviation as fixed numbers. But each `x` moves them, and they move every output "
            "of the channel: that is what the two means in the formula take away.",
            other_back(lambda d, scaled, deviation, gamma: d / deviation),
        ),
        Mistake(
            "fixed deviation",
            "Your `dx` knows that the mean moves, but not the deviation: the last term of the formula is missing.",
            other_back(lambda d, scaled, deviation, gamma: (d - batch_mean(d)) / deviation),
        ),
        Mistake(
            "gamma missing in dx",
            "Your `dx` is right up to a factor for each channel. On its way there the signal was multiplied by "
            "`gamma`, and so is the gradient on its way back, before anything else.",
            other_back(
                lambda d, scaled, deviation, gamma: (
                    (d - batch_mean(d) - scaled * batch_mean(d * scaled)) / deviation / gamma
                )
            ),
        ),
        Mistake(
            "last term for all alike",
            "Your last term takes the same from every number of a channel. A number far from the mean stretches the "
            "deviation more, so it loses more: the mean of the products is multiplied by its own normalised number.",
            other_back(
                lambda d, scaled, deviation, gamma: (d - batch_mean(d) - batch_mean(d * scaled)) / deviation,
            ),
        ),
        Mistake(
            "sums for means",
            "In your `dx` the two terms that are taken away are sums. A bar in the formula is the mean over the "
            "channel's numbers.",
            other_back(
                lambda d, scaled, deviation, gamma: (
                    (d - numbers(d) * batch_mean(d) - scaled * numbers(d) * batch_mean(d * scaled)) / deviation
                )
            ),
        ),
        Mistake(
            "gamma in dgamma",
            "Your `dgamma` has been multiplied by `gamma`. What `gamma` met on the way there was the normalised "
            "number, and what comes back to it is that number times `dy` as it arrived.",
            scaled_gamma,
        ),
        Mistake(
            "dgamma of x",
            "Your `dgamma` multiplies by `x`. What `gamma` met on the way there was the normalised number, not `x` "
            "itself.",
            unscaled_gamma,
        ),
        Mistake(
            "mean",
            "Your `dgamma` and `dbeta` are means. Each took part in every number of its channel, in every image: "
            "the derivatives add up.",
            averaged,
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip

# ── more pictures ───────────────────────────────────────────────────────────────────────────────────────────────


def crop_and_flip(images: Array, top: Array, left: Array, flip: Array, size: int) -> Array:
    """A window of each image (N, H, W, C), mirrored where `flip` says so."""
    windows = [x[i : i + size, j : j + size] for x, i, j in zip(images, top, left)]
    return np.stack([window[:, ::-1] if f else window for window, f in zip(windows, flip)])


def views(rng: Generator) -> list[Case]:
    """One image, its mirror image, two images, then a batch."""

    def case(shape: tuple[int, ...], size: int, top: list[int], left: list[int], flip: list[bool], note: str) -> Case:
        pixels = rng.permutation(int(np.prod(shape))).reshape(shape) + 1.0
        return Case((pixels, np.array(top), np.array(left), np.array(flip), size), note=note)

    tops, lefts = rng.integers(0, 4, 5), rng.integers(0, 6, 5)
    return [
        case((1, 4, 5, 1), 2, [2], [1], [False], "one image, a window of 2×2"),
        case((1, 4, 5, 3), 2, [1], [0], [True], "one image in colour, mirrored"),
        case((2, 4, 4, 1), 3, [0, 1], [1, 0], [False, False], "two images"),
        case((5, 7, 9, 3), 4, [*tops], [*lefts], [True, False, True, True, False], "five images"),
    ]


def turned(turn: Callable[[Array], Array]) -> Callable[..., Array]:
    """The same with another way to mirror a window."""

    def answer(images: Array, top: Array, left: Array, flip: Array, size: int) -> Array:
        windows = crop_and_flip(images, top, left, np.zeros(len(images), bool), size)
        return np.stack([turn(window) if f else window for window, f in zip(windows, flip)])

    return answer


def mirrored_first(images: Array, top: Array, left: Array, flip: Array, size: int) -> Array:
    """The mistake of cutting the window from the mirrored image."""
    images = np.stack([image[:, ::-1] if f else image for image, f in zip(images, flip)])
    return crop_and_flip(images, top, left, np.zeros(len(images), bool), size)


CROP_AND_FLIP = Exercise(
    "crop_and_flip", "Windows and mirror images", 8, crop_and_flip, views, keeps=True,
    mistakes=(
        Mistake(
            "top and left swapped",
            "`top` counts rows and `left` columns; in your answer they have changed places. Axis 1 of the images is "
            "the rows.",
            lambda images, top, left, flip, size: crop_and_flip(images, left, top, flip, size),
        ),
        Mistake(
            "upside down",
            "Your mirrored windows stand on their heads. In a mirror left and right change places: which axis of a "
            "window (rows, columns, channels) is that?",
            turned(lambda window: window[::-1]),
        ),
        Mistake(
            "colours reversed",
            "You reversed the channels: red became blue. In a mirror left and right change places: which axis of a "
            "window (rows, columns, channels) is that?",
            turned(lambda window: window[..., ::-1]),
        ),
        Mistake(
            "mirrored first",
            "You mirrored the whole image and cut the window then, so it comes from the other side of the image. Cut "
            "first, at `left` of the image as it is, and mirror the window.",
            mirrored_first,
        ),
        Mistake(
            "never mirrored",
            "You cut the right windows and mirror none of them. `flip` says for each image whether its window is to "
            "be.",
            lambda images, top, left, flip, size: crop_and_flip(images, top, left, np.zeros(len(images), bool), size),
        ),
        Mistake(
            "the others mirrored",
            "You mirrored the windows that were to stay as they are. Where `flip` is true the window is mirrored.",
            lambda images, top, left, flip, size: crop_and_flip(images, top, left, ~flip, size),
        ),
        Mistake(
            "one place for all",
            "All your windows stand where the first one does. Each image of the batch has its own `top` and `left`.",
            lambda images, top, left, flip, size: crop_and_flip(
                images, np.full_like(top, top[0]), np.full_like(left, left[0]), flip, size
            ),
        ),
    ),
    forbidden=("twice.data", *LIBRARY),
)  # fmt: skip


def fancy_pca(image: Array, values: Array, vectors: Array, alpha: Array) -> Array:
    """Every pixel moved by Σ αᵢ λᵢ pᵢ, pᵢ the columns of `vectors`."""
    return image + vectors @ (alpha * values)


def lamps(rng: Generator) -> list[Case]:
    """One axis with whole numbers, then a full turn of the axes."""
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    values, orthogonal = np.array([4.0, 2.0, 1.0]), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return [
        Case((np.zeros((1, 2, 3)), values, turn, np.array([0.5, 0.0, 0.0])), note="two black pixels, the first axis"),
        Case((np.ones((2, 1, 3)), values, turn, np.array([0.25, -0.5, 1.0])), note="all three axes"),
        Case((rng.random((3, 4, 3)), rng.random(3), orthogonal, rng.normal(size=3)), note="random numbers"),
    ]


FANCY_PCA = Exercise(
    "fancy_pca", "Another lamp", 6, fancy_pca, lamps, keeps=True,
    mistakes=(
        Mistake(
            "rows",
            "You took the rows of `vectors` for the axes. They are its columns: `vectors[:, 0]` is the first.",
            lambda image, values, vectors, alpha: image + (alpha * values) @ vectors,
        ),
        Mistake(
            "no variances",
            "You push as far along each axis as `alpha` says. It is to be `alpha` times the variance of that axis: "
            "far where photographs vary much, hardly at all where they do not.",
            lambda image, values, vectors, alpha: image + vectors @ alpha,
        ),
        Mistake(
            "deviations",
            "You took the root of the variances. That would be a natural choice, but the paper multiplies by the "
            "variances themselves, and so does this exercise.",
            lambda image, values, vectors, alpha: image + vectors @ (alpha * np.sqrt(values)),
        ),
    ),
    forbidden=("twice.data", *LIBRARY),
)  # fmt: skip

# ── in PyTorch ──────────────────────────────────────────────────────────────────────────────────────────────────


def trained(
    kept: float = 0.0, reduction: str = "mean", early: bool = False, without: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """The loop, or one of its mistakes: gradients that are kept, a loss that is a sum, a step before the velocity."""

    def train(w: Any, b: Any, x: Any, y: Any, rate: float, mu: float, steps: int) -> tuple[Any, Any]:
        import torch
        from torch.nn.functional import cross_entropy

        weights = [w, b]
        velocities, sums = [[torch.zeros_like(p) for p in weights] for _ in range(2)]
        for _ in range(steps):
            weights = [p.detach().requires_grad_() for p in weights]
            loss = cross_entropy(x @ weights[0].T + weights[1], y, reduction=reduction)
            slopes = torch.autograd.grad(loss, weights)
            sums = [kept * s + g for s, g in zip(sums, slopes)]
            old = velocities
            velocities = [(0 if without else mu) * v + s for v, s in zip(velocities, sums)]
            weights = [p.detach() - rate * v for p, v in zip(weights, old if early else velocities)]
        return weights[0], weights[1]

    return train


def lessons(rng: Generator) -> list[Case]:
    """One step, two, momentum, then all with random numbers."""

    def case(examples: int, features: int, classes: int, rate: float, mu: float, steps: int, note: str) -> Case:
        w, b = rng.normal(size=(classes, features)), rng.normal(size=classes)
        x, y = rng.normal(size=(examples, features)), rng.integers(0, classes, examples)
        return Case((w, b, x, y, rate, mu, steps), note=note)

    zeros = (np.zeros((2, 2)), np.zeros(2), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 1]))
    return [
        Case((*zeros, 1.0, 0.0, 1), note="one step from zeros, two examples"),
        case(3, 2, 2, 0.5, 0.0, 2, "two steps"),
        case(3, 2, 3, 0.5, 0.5, 3, "momentum 0.5"),
        case(20, 5, 4, 0.1, 0.9, 10, "ten steps, momentum 0.9"),
    ]


TRAIN = Exercise(
    "train", "A training loop", 7, trained(), lessons, engine="torch", parts=("w", "b"), keeps=True,
    mistakes=(
        Mistake(
            "gradients pile up",
            "Your second step uses the first gradient once more. `backward()` adds to `.grad` what is there already: "
            "what has to happen to it before the next step?",
            trained(kept=1.0),
        ),
        Mistake(
            "sum",
            "Your steps are longer by the number of examples: your loss is their sum. With a mean, the rate does not "
            "depend on how many there are.",
            trained(reduction="sum"),
        ),
        Mistake(
            "no momentum",
            "`mu` has no effect in your answer. The velocity has to live on from one step to the next: where do you "
            "set it to zero?",
            trained(without=True),
        ),
        Mistake(
            "a step behind",
            "Your weights lag by one step: they move by the velocity from before this gradient.",
            trained(early=True),
        ),
    ),
    forbidden=LIBRARY,
)  # fmt: skip


def block(
    after: bool = False, relu: bool = True, statistics: str = "running", drop: str = "training"
) -> Callable[[int, int, float], Any]:
    """A builder of the module, or of one of its mistakes."""

    def build(channels: int, maps: int, p: float) -> Any:
        from torch import nn
        from torch.nn import functional as F

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = nn.Conv2d(channels, maps, 3, padding=1, bias=False)
                self.norm = nn.BatchNorm2d(maps)

            def normalised(self, x: Any) -> Any:
                n, batch = self.norm, self.training or statistics == "batch"
                return F.batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, training=batch)

            def forward(self, x: Any) -> Any:
                y = self.conv(x)
                y = self.normalised(y.relu()) if after else self.normalised(y)
                y = y.relu() if relu and not after else y
                return F.dropout(y, p, training=drop != "never" and (self.training or drop == "always"))

        return Block()

    return build


def states(rng: Generator) -> list[Case]:
    """Weights and statistics from outside. With p = 1, a unit that is dropped at test time is seen for certain, and
    that units are dropped in training too."""
    return [
        _block_case(rng, 1, 2, 1.0),
        _block_case(rng, 3, 4, 1.0),
        _block_case(rng, 2, 2, 0.0, training=True),
        _block_case(rng, 1, 2, 1.0, training=True),
    ]


def _block_case(rng: Generator, channels: int, maps: int, p: float, training: bool = False) -> Case:
    drawn: dict[str, Array] = {
        "conv.weight": rng.normal(size=(maps, channels, 3, 3)),
        "norm.weight": rng.uniform(0.5, 2, maps) * rng.choice([-1, 1], maps),
        "norm.bias": rng.normal(size=maps),
        "norm.running_mean": rng.normal(size=maps),
        "norm.running_var": rng.uniform(0.5, 4, maps),
    }
    state = {name: value.astype(np.float32) for name, value in drawn.items()}
    state["norm.num_batches_tracked"] = np.array(int(rng.integers(1, 100)))
    inputs = (rng.normal(size=(2, channels, 4, 5)).astype(np.float32),)
    note = f"{channels} to {maps} channels {'in training' if training else 'at test time'}, p = {p:g}"
    options = {"state": state, "inputs": inputs, **({"training": True} if training else {})}
    return Case((channels, maps, p), options, note=note)


BLOCK = Exercise(
    "Block", "Three remedies in a module", 5, block(), states, engine="torch", kind="module",
    mistakes=(
        Mistake(
            "dropped at test time",
            "Units are dropped although the module is in evaluation mode. `F.dropout` does so unless it is told "
            "`training=self.training`; the layer `nn.Dropout` looks by itself.",
            block(drop="always"),
        ),
        Mistake(
            "no dropout",
            "Your module drops nothing in training. With p = 1 every number is dropped, and nothing but zeros is left.",
            block(drop="never"),
        ),
        Mistake(
            "batch's own statistics",
            "Your outputs depend on which other images are in the batch: they are normalised by its own statistics. In "
            "evaluation mode the running ones are used; the layer `nn.BatchNorm2d` does so by itself.",
            block(statistics="batch"),
        ),
        Mistake(
            "normalised last",
            "You normalise behind the ReLU. Here it comes before: first mean 0 and variance 1, then what is negative "
            "is cut off.",
            block(after=True),
        ),
        Mistake(
            "no ReLU",
            "Some of your outputs are negative: the ReLU behind the normalisation is missing.",
            block(relu=False),
        ),
    ),
    forbidden=("twice.kernels", "twice.nn", "twice.functions", "scipy"),
)  # fmt: skip

LAB = Lab(
    "training", 4, "Training",
    (
        DESCEND, MOMENTUM_STEP, ALEXNET_STEP, ADAM_STEP, DROPOUT, LRN, BATCH_NORM, TRACK, BATCH_NORM_BACKWARD,
        CROP_AND_FLIP, FANCY_PCA, TRAIN, BLOCK, Text("never", "Why does this one never arrive?", 4),
    ),
)  # fmt: skip
