"""The claims on training: preparing the data, augmenting it, and AlexNet's recipe."""

from functools import partial
from itertools import product

import numpy as np

from twice.claims.counting import kind, of
from twice.claims.ledger import Claim
from twice.claims.start import KRIZHEVSKY
from twice.kernels.geometry import output_size

row = partial(Claim, "training")

X = np.array([0.1, 2.3, -4.5, 4.2, -2.7, 6])

PREPARING = (
    row(
        "min-max", "C", "[0.438, 0.648, 0, 0.829, 0.171, 1]", "min-max scaling", "rounds",
        lambda: (X - X.min()) / (X.max() - X.min()),
    ),
    row(
        "standardised", "C", "[0, 0.373, 0.746, 0.695, 0.441, 1]", "standardisation, what the snippet prints",
        "differs",
        lambda: (X - X.mean()) / X.std(),
        why="it prints another variable, left from an earlier run with another x",
    ),
    row(
        "image-mean", "C", "40000", "means a channel of an image mean, 200×200", "agrees",
        lambda: np.zeros((9, 3, 200, 200)).mean(0)[0].size,
    ),
    row(
        "channel-mean", "C", "3", "means of a channel mean", "agrees",
        lambda: np.zeros((9, 3, 200, 200)).mean((0, 2, 3)).size,
    ),
    row(
        "imagenet-mean", "C", "[104, 117, 123]", "the usual means of ImageNet's training set", "cited",
        source="Jia et al. 2014, Caffe's mean of ILSVRC 2012", why="in the order B, G, R (Jia et al. 2014, Caffe)",
    ),
)  # fmt: skip

AUGMENTING = (
    row(
        "crops-2048", "CD", "2048", "crops of 224 from 256, and their mirror images", "differs",
        lambda: output_size(256, 224) ** 2 * 2,
        why="(256 − 224)² · 2 forgets that a window of 224 has one place more than 32 along each axis",
    ),
    row(
        "ten-crop", "C", "10", "crops at test time: corners and centre, mirrored", "agrees",
        lambda: len([(crop, mirrored) for crop in ("lt", "rt", "lb", "rb", "centre") for mirrored in (False, True)]),
    ),
)  # fmt: skip

RECIPE = (
    row("batch", "BC", "128", "AlexNet's recipe, batch", "cited", source=KRIZHEVSKY),
    row("momentum", "BC", "0.9", "AlexNet's recipe, momentum", "cited", source=KRIZHEVSKY),
    row("weight-decay", "BC", "0.0005", "AlexNet's recipe, weight decay", "cited", source=KRIZHEVSKY),
    row("learning-rate", "BC", "0.01", "AlexNet's recipe, first learning rate", "cited", source=KRIZHEVSKY),
    row(
        "rate-ladder", "C", "[0.01, 0.001, 0.0001, 0.00001]", "three divisions by 10", "agrees",
        lambda: [0.01 / 10**k for k in range(4)],
    ),
    row("epochs", "C", "90", "AlexNet's recipe, epochs", "cited", source=KRIZHEVSKY),
    row("start-deviation", "C", "0.01", "AlexNet's recipe, standard deviation of the first weights", "cited",
        source=KRIZHEVSKY),
    row("dropout-rate", "B", "0.5", "AlexNet's recipe, dropout", "cited", source=KRIZHEVSKY),
    row(
        "dropout-layers", "C", "2", "fully connected layers of 4096 with dropout", "agrees",
        lambda: len(kind(of("alexnet", size=227), "Dropout")),
    ),
    row(
        "thinned-networks", "A", "2^N", "dropout, thinned networks of N units: here 4", "agrees",
        lambda: len({tuple(mask) for mask in product((0, 1), repeat=4)}), value=2**4,
    ),
    row("relu-6", "C", "6×", "ReLU against tanh: to 25 % training error on CIFAR-10", "cited", source=KRIZHEVSKY),
    row("lrn-gain", "C", "1.4 %, 1.2 %", "local response normalisation: top-1, top-5", "cited", source=KRIZHEVSKY),
    row(
        "lrn-constants", "C", "k = 2, n = 5, α = 0.0001, β = 0.75", "local response normalisation", "cited",
        source=KRIZHEVSKY, why="α is not divided by n here: torch's alpha is 5e-4 (Krizhevsky et al. 2012)",
    ),
)  # fmt: skip

CLAIMS = (*PREPARING, *AUGMENTING, *RECIPE)
