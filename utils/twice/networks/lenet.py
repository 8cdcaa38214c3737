"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998): two stages of convolution and subsampling."""

from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from twice.blocks import Concat, chain, engine_of
from twice.networks.options import at_least, one_of, widener

VARIANTS = {  # activation, subsampling, connections of C3, output
    "1998": ("ScaledTanh", "trainable", "table", "rbf"),
    "tanh": ("Tanh", "average", "full", "linear"),
    "modern": ("ReLU", "max", "full", "linear"),
}
ACTIVATIONS = ("ScaledTanh", "Tanh", "Sigmoid", "ReLU")

# The paper's table I: a column for each of C3's 16 maps, a row for each of the 6 maps of S2 that it may look at.
CONNECTIONS = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""

# What F6 should look like for each digit: 84 units are an image of 12 rows by 7. Drawn anew in the manner of figure 3.
DIGITS = """
..###.. ...##.. .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..###.. ##...## ##...## ...###. ##..... .##.... ##...## ##...## ##...##
##...## .####.. ##...## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...##.. .....## .....## .##.##. ##..... ##..... ....##. ##...## ##...##
##...## ...##.. ....##. .....## .##.##. ######. ##..... ....##. .##.##. ##...##
##...## ...##.. ...##.. ..####. ##..##. .....## ######. ...##.. ..###.. .######
##...## ...##.. ..##... .....## ##..##. .....## ##...## ...##.. .##.##. .....##
##...## ...##.. .##.... .....## ####### .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. .....## ##...## ..##... ##...## .....##
##...## ...##.. ##..... .....## ....##. ##...## ##...## ..##... ##...## ....##.
.##.##. ...##.. ##..... ##...## ....##. ##...## ##...## ..##... ##...## ...##..
..###.. .###### ####### .#####. ....##. .#####. .#####. ..##... .#####. .###...
"""


def lenet(
    nn: Any,
    variant: str = "1998",
    *,
    activation: str | None = None,
    classes: int = 10,
    channels: int = 1,
    width: float = 1.0,
    image: int = 32,
) -> Any:
    """C1 S2 C3 S4 C5 F6 output; from 32×32, or from 28×28 with a padding of 2, C5 gives a vector of 120.

    "1998" is the paper: S2 and S4 learn a coefficient and a bias a map, C3 is connected by table I, 1.7159 tanh(2a/3)
    follows every layer, and the output compares F6 with fixed images of the digits. Its 60,000 parameters are
    156 + 12 + 1,516 + 32 + 48,120 + 10,164, all that is trained; the 840 pixels of the digits are not. `width` is a
    whole number there, since each map of table I becomes a block of maps.
    "tanh" is what lecture slides draw, with plain averages, full connections and a linear output; "modern" is the same
    with ReLU and max pooling: 61,706 parameters. `activation` replaces the variant's own (slides also say Sigmoid).
    """
    usual, subsampling, connections, output = VARIANTS[one_of("lenet", "variant", variant, VARIANTS)]
    chosen = one_of("lenet", "activation", usual if activation is None else activation, ACTIVATIONS)
    squash = getattr(_parts(nn) if chosen == "ScaledTanh" else nn, chosen)
    wide = widener("lenet", width)
    if connections == "table" and width != int(width):
        raise ValueError(f"lenet: width is {width!r}, expected a whole number for the variant {variant!r}")
    padding = 2 if at_least("lenet", "image", image, 28) < 32 else 0
    side = ((image + 2 * padding - 4) // 2 - 4) // 2 - 4  # 1, unless the image is larger than the paper's
    c1, c3, c5, f6 = wide(6), wide(16), wide(120), 84 if output == "rbf" else wide(84)
    return chain(
        nn,
        c1=nn.Sequential(nn.Conv2d(channels, c1, 5, padding=padding), squash()),
        s2=_subsampling(nn, subsampling, c1, squash),
        c3=nn.Sequential(_connected(nn, c1, c3) if connections == "table" else nn.Conv2d(c1, c3, 5), squash()),
        s4=_subsampling(nn, subsampling, c3, squash),
        c5=nn.Sequential(nn.Conv2d(c3, c5, 5), squash(), nn.Flatten()),
        f6=nn.Sequential(nn.Linear(c5 * side * side, f6), squash()),
        output=_output(nn, output, f6, classes),
    )


def lenet_init(nn: Any, network: Any) -> Any:
    """The paper's start: weights and biases from U(−2.4/F, 2.4/F), F the inputs of a unit; answers `network`."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            inputs = module.weight[0].numel()
            bound = 2.4 / (inputs if inputs > 1 else 4)  # the one coefficient of a subsampling unit serves 4 inputs
            nn.init.uniform_(module.weight, -bound, bound)
            nn.init.uniform_(module.bias, -bound, bound)
    return network


def _subsampling(nn: Any, kind: str, c: int, squash: Any) -> Any:
    """Half the size. Trainable: f(coefficient · sum of the four + bias), two parameters a map."""
    if kind == "trainable":
        return nn.Sequential(nn.AvgPool2d(2, divisor_override=1), nn.Conv2d(c, c, 1, groups=c), squash())
    return {"average": nn.AvgPool2d, "max": nn.MaxPool2d}[kind](2)


def _connected(nn: Any, c1: int, c3: int) -> Any:
    """C3 with the connections of table I and no other weights: a grouped convolution for each number of inputs."""
    rows = [line.split() for line in CONNECTIONS.split("\n") if line]
    columns = [[i for i, mark in enumerate(column) if mark == "X"] for column in zip(*rows)]
    branches, block = [], c1 // len(rows)
    for size in (3, 4, 6):
        maps = [i for column in columns if len(column) == size for i in column]
        sources = [i * block + j for i in maps for j in range(block)]
        groups = len(maps) // size
        convolution = nn.Conv2d(len(sources), groups * c3 // len(columns), 5, groups=groups)
        branches.append(nn.Sequential(_parts(nn).Pick(sources), convolution))
    return Concat(nn, *branches)


def _output(nn: Any, kind: str, c: int, classes: int) -> Any:
    if kind == "linear":
        return nn.Linear(c, at_least("lenet", "classes", classes, 1))
    return _parts(nn).RBF(digit_codes()[: one_of("lenet", "classes", classes, range(1, 11))])


def digit_codes() -> list[list[float]]:
    """Ten rows of 84 pixels: 1 in the stroke, −1 beside it."""
    lines = [line.split() for line in DIGITS.strip().split("\n")]
    return [[1.0 if pixel == "#" else -1.0 for row in digit for pixel in row] for digit in zip(*lines)]


@cache
def _parts(nn: ModuleType) -> SimpleNamespace:
    """What torch.nn lacks, made once for each engine."""
    top = engine_of(nn)

    class ScaledTanh(nn.Module):  # type: ignore[name-defined, misc]
        def forward(self, x: Any) -> Any:
            return 1.7159 * top.tanh(x * (2 / 3))

    class Pick(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self, maps: list[int]):
            super().__init__()
            self.maps = maps

        def forward(self, x: Any) -> Any:
            return x[:, self.maps]

    class RBF(nn.Module):  # type: ignore[name-defined, misc]
        """−Σ (x − w)² for each code w: the paper's Gaussian units, negated so that the best is the largest.

        Cross-entropy on it is the paper's equation 9 without its constant j.
        """

        def __init__(self, codes: list[list[float]]):
            super().__init__()
            self.register_buffer("codes", top.tensor(codes))

        def forward(self, x: Any) -> Any:
            return -(x.unsqueeze(1) - self.codes).square().sum(2)

    return SimpleNamespace(ScaledTanh=ScaledTanh, Pick=Pick, RBF=RBF)
