"""The claims of the first part: data sets, the contest and its winners, a linear classifier and its losses."""

from functools import partial

import numpy as np

from twice.claims.ledger import Claim, numbers_in
from twice.kernels.activation import softmax
from twice.kernels.linear import linear
from twice.kernels.loss import cross_entropy, multi_margin_loss

row = partial(Claim, "start")

# ── data sets: what their papers say ────────────────────────────────────────────────────────────────────────────

ILSVRC_2012 = {"train": 1_281_167, "validation": 50_000, "test": 100_000}
MNIST = {"train": 60_000, "test": 10_000}
CHALLENGE = "Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge"
IMAGENET = "Deng et al. 2009 and the project's statistics: 14,197,122 images in 21,841 synsets"
TRAINING_SET = "the training set itself: recomputing needs its 1.28 million files"
DIGITS = "LeCun, Bottou, Bengio and Haffner 1998"

DATA = (
    row("visual-cortex", "D", "1959", "visual cortex, year of the study", "cited", source="Hubel and Wiesel 1959"),
    row("ilsvrc-train", "C", "1,281,167", "ImageNet table, training images of 2012", "cited", source=CHALLENGE),
    row("ilsvrc-validation", "C", "50,000", "ImageNet table, validation images", "cited", source=CHALLENGE),
    row(
        "ilsvrc-test", "C", "150,000", "ImageNet table, test images", "differs", lambda: ILSVRC_2012["test"],
        why="the table is of 2012, whose test set has fewer: 150,000 was the one of 2010",
    ),
    row(
        "ilsvrc-total", "C", "1,481,167", "ImageNet table, images in all", "differs",
        lambda: sum(ILSVRC_2012.values()), why="it adds the test set of 2010",
    ),
    row("ilsvrc-classes", "C", "1,000", "ImageNet table, classes of the contest", "cited", source=CHALLENGE),
    row("imagenet-images", "C", "14 M", "ImageNet table, images of the whole set", "cited", source=IMAGENET),
    row("imagenet-classes", "C", "22,000", "ImageNet table, classes of the whole set", "cited", source=IMAGENET),
    row("imagenet-sizes", "C", "75×56 to 4288×2848", "ImageNet table, image sizes", "cited", source=TRAINING_SET),
    row("imagenet-mean-size", "C", "469×387", "ImageNet table, mean image size", "cited", source=TRAINING_SET),
    row(
        "ilsvrc-editions", "C", "8", "page on the contest: editions from 2010 to 2017", "agrees",
        lambda: len(range(2010, 2017 + 1)),
    ),
    row("mnist-train", "C", "60,000", "ImageNet table, MNIST beside it: training images", "cited", source=DIGITS),
    row("mnist-test", "C", "10,000", "ImageNet table, MNIST beside it: test images", "cited", source=DIGITS),
    row("mnist-total", "C", "70,000", "ImageNet table, MNIST: images in all", "agrees", lambda: sum(MNIST.values())),
)  # fmt: skip

# ── the contest: top-5 error in per cent ────────────────────────────────────────────────────────────────────────

KRIZHEVSKY = "Krizhevsky, Sutskever and Hinton 2012"
ZEILER = "Zeiler and Fergus 2013"
VGG = "Simonyan and Zisserman 2014"
GOOGLENET = "Szegedy et al. 2014"
RESNET = "He, Zhang, Ren and Sun 2015"
RESULTS_2013 = "ILSVRC 2013, the contest's table of results"

WINNERS = {  # id: documents, error, where, source
    "2010": ("BC", "28.2", "chart of winners, Lin et al.", "Lin et al. 2011"),
    "2011": ("BC", "25.8", "chart of winners, Sánchez and Perronnin", "Sánchez and Perronnin 2011"),
    "2012": ("BC", "16.4", "chart of winners, AlexNet (an ensemble on the contest's data alone)", KRIZHEVSKY),
    "2012-best": ("CD", "15.3", "AlexNet's winning entry: 7 networks, with more data", KRIZHEVSKY),
    "2012-table": ("C", "15.32", "table of winners, AlexNet", "ILSVRC 2012, the contest's table of results"),
    "2012-second": ("C", "26.2", "text on AlexNet, the second place", KRIZHEVSKY),
    "2013": ("BC", "11.7", "chart of winners; the chart says Zeiler and Fergus: Clarifai's entry", RESULTS_2013),
    "2013-zfnet": ("C", "13.51", "table of winners, ZFNet", RESULTS_2013),
    "2013-overfeat": ("C", "14.18", "table of winners, Overfeat", RESULTS_2013),
    "2013-clarifai": ("C", "11.20", "table of winners, Clarifai", RESULTS_2013),
    "2014-vgg": ("BC", "7.32", "table of winners, VGG", VGG),
    "2014-googlenet": ("C", "6.67", "table of winners, GoogLeNet", GOOGLENET),
    "2015": ("ABC", "3.57", "table of winners, ResNet", RESNET),
    "2016": ("C", "2.99", "table of winners, Trimps-Soushen", "ILSVRC 2016, the contest's table of results"),
    "2016-resnext": ("C", "3.03", "table of winners, ResNeXt", "Xie et al. 2017"),
    "2017": ("C", "2.25", "table of winners, SENet", "Hu, Shen and Sun 2018"),
    "human": ("BC", "5.1", "chart of winners, a human", CHALLENGE),
}
CHART = {  # what charts and texts print of the same numbers: documents, error, verdict, why
    "2014-vgg": ("ABC", "7.3", "rounds", ""),
    "2014-googlenet": ("ABC", "6.7", "rounds", ""),
    "2015": ("B", "3.6", "rounds", ""),
    "2016": ("B", "3", "rounds", ""),
    "2017": ("B", "2.3", "rounds", ""),
}


def error(year: str) -> float:
    """A winner's error, read from its own row."""
    return numbers_in(WINNERS[year][1])[0][0]


def charted(year: str) -> str:
    """Where the chart prints what the table prints, too."""
    return f"{WINNERS[year][2].replace('table', 'chart')}: the table's number"


CONTEST = (
    *(row(f"top5-{name}", *entry[:3], "cited", source=entry[3]) for name, entry in WINNERS.items()),
    *(
        row(f"chart-{name}", documents, said, charted(name), verdict, partial(error, name), why=why)
        for name, (documents, said, verdict, why) in CHART.items()
    ),
    row(
        "top5-2015-korean", "D", "3.5 %", "grades in the contest, ResNet", "differs", lambda: error("2015"),
        why="the last digit is cut off: rounded it is 3.6",
    ),
    row("alexnet-ensemble", "B", "18.2 → 15.4", "AlexNet, 7 networks against one", "cited", source=KRIZHEVSKY),
    row("ensemble-gain", "D", "2 ~ 3 %", "AlexNet, what its ensemble gains", "cited", source=KRIZHEVSKY),
    row("zfnet-gain", "A", "16.4 → 14.8", "ZFNet page, top-5 error", "cited", source=ZEILER),
    row("vgg-gain", "A", "11.7 → 7.3", "VGG page, top-5 error", "cited", source=f"{RESULTS_2013}; {VGG}"),
)  # fmt: skip

# ── a linear classifier ─────────────────────────────────────────────────────────────────────────────────────────

W = np.array([[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0, -0.45, -0.2, 0.03]])
PIXELS = np.array([[-15.0, 22, -44, 56]])
BIAS = np.array([0, 0.2, -0.3])
CLASS = np.array([2])


def scores() -> np.ndarray:
    """Wx + b of the picture."""
    return linear(PIXELS, W, BIAS)[0]


PAPER_FIGURE = "not legible there; the numbers are those of the figure's source"
CLASSIFIER = (
    row("linear-scores", "AC", "[-2.85, 0.86, 0.28]", "linear classifier, scores", "agrees", scores),
    row(
        "linear-softmax", "A", "[0.016, 0.631, 0.353]", "linear classifier, softmax", "differs",
        lambda: softmax(scores(), 1)[0][0], why="the first is nearer to 0.015: the slide rounds up",
    ),
    row(
        "inference-powers", "C", "[1.32, 2.36, 0.058]", "inference, powers of the scores .28, .86, −2.85", "rounds",
        lambda: np.exp(scores()[0, ::-1]),
    ),
    row(
        "inference-softmax", "C", "[0.353, 0.631, 0.016]", "inference, softmax", "differs",
        lambda: softmax(scores()[:, ::-1].copy(), 1)[0][0], why="the last is nearer to 0.015: rounded up, as in A",
    ),
    row(
        "hinge", "A", "1.58", f"linear classifier, multi-class hinge loss ({PAPER_FIGURE})", "agrees",
        lambda: float(multi_margin_loss(scores(), CLASS, reduction="sum")[0] * len(W)),
    ),
    row(
        "cross-entropy", "A", "1.04", f"linear classifier, cross-entropy ({PAPER_FIGURE})", "rounds",
        lambda: float(cross_entropy(scores(), CLASS)[0]),
    ),
    row(
        "cross-entropy-log10", "A", "0.452", f"linear classifier, the same to base 10 ({PAPER_FIGURE})", "rounds",
        lambda: float(cross_entropy(scores(), CLASS)[0]) / np.log(10),
    ),
)  # fmt: skip

CLAIMS = (*DATA, *CONTEST, *CLASSIFIER)
