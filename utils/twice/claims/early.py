"""The claims on LeNet-5, AlexNet and ZFNet."""

from functools import partial

import numpy as np

from twice.claims.counting import kind, named, of, parameters, shape, units, weighted, weights
from twice.claims.ledger import Claim
from twice.claims.start import KRIZHEVSKY
from twice.summary import Row, Summary

row = partial(Claim, "classic")

# ── LeNet-5 ─────────────────────────────────────────────────────────────────────────────────────────────────────


def lenet(*arguments: str, size: int = 32) -> Summary:
    """LeNet-5 on one grey image."""
    return of("lenet", *arguments, size=size, channels=1, image=size)


def lenet_map(name: str) -> tuple[int, ...]:
    """Maps and size after a stage, as the figure labels it."""
    (stage,) = named(lenet(), name)
    assert stage.output is not None
    return stage.output[1:]


STAGES = {"c1": "6@28x28", "s2": "6@14x14", "c3": "16@10x10", "s4": "16@5x5", "c5": "120", "f6": "84", "output": "10"}

LENET = (
    *(
        row(f"lenet-{name}", "B", said, f"LeNet-5's figure, {name}", "agrees", partial(lenet_map, name))
        for name, said in STAGES.items()
    ),
    row("lenet-s2-parameters", "B", "12", "LeNet-5, parameters of S2", "agrees", lambda: parameters(lenet(), "s2")),
    row("lenet-s4-parameters", "B", "32", "LeNet-5, parameters of S4", "agrees", lambda: parameters(lenet(), "s4")),
    row(
        "lenet-parameters", "B", "60,000", "LeNet-5, all that is trained", "agrees", lambda: lenet().trainable,
        why="with the partial connections of C3 and an output that is not trained",
    ),
    row("lenet-accuracy", "E", "99.2 %", "LeNet-5 on MNIST", "cited", source="LeCun, Bottou, Bengio and Haffner 1998"),
    row(
        "lenet-vector", "D", "120", "28×28 to a vector by C-P-C-P-C", "agrees",
        lambda: units(named(lenet("tanh", size=28), "c5")[0]), why="with a padding of 2: without, no 5×5 is left",
    ),
    row(
        "lenet-five-layers", "D", "five", "layers of C-P-C-P-C", "agrees",
        lambda: len(kind(lenet("tanh", size=28), "Conv2d", "AvgPool2d")), value=5,
    ),
)  # fmt: skip

# ── AlexNet ─────────────────────────────────────────────────────────────────────────────────────────────────────

CONVOLUTIONS = ["conv1", "conv2", "conv3", "conv4", "conv5"]
CONNECTED = ["fc6", "fc7", "fc8"]
LAYERS = CONVOLUTIONS + CONNECTED


def alexnet(groups: int = 2) -> Summary:
    """AlexNet on one image of 227."""
    return of("alexnet", size=227, groups=groups)


def one(name: str, groups: int = 2) -> Row:
    """A layer of AlexNet."""
    return named(alexnet(groups), name)[0]


def count(name: str, groups: int) -> int:
    """A layer's parameters."""
    return one(name, groups).parameters


def size(name: str) -> tuple[int, ...]:
    """Height, width and channels after a layer."""
    return shape(one(name))


def units_of(name: str) -> int:
    """A layer's units."""
    return units(one(name))


def kernel(name: str) -> int:
    """A layer's weights on one GPU, without its biases."""
    return weights(one(name, 1))


def alexnet_units() -> list[int]:
    """The units of the layers with weights."""
    return [units(layer) for layer in weighted(alexnet())]


def ratio(groups: int) -> float:
    """Parameters of the fully connected layers over those of the convolutions."""
    return parameters(alexnet(groups), *CONNECTED) / parameters(alexnet(groups), *CONVOLUTIONS)


MAPS = {  # layer: documents, size as they print it
    "conv1": ("ABC", "55x55x96"), "pool1": ("ABC", "27x27x96"), "conv2": ("AB", "27x27x256"),
    "pool2": ("AB", "13x13x256"), "conv3": ("AB", "13x13x384"), "conv4": ("AB", "13x13x384"),
    "conv5": ("AB", "13x13x256"), "pool5": ("AB", "6x6x256"),
}  # fmt: skip
GROUPED = {  # A's table, two GPUs
    "conv1": "34848", "conv2": "307456", "conv3": "885120", "conv4": "663936", "conv5": "442624",
    "fc6": "37752832", "fc7": "16781312", "fc8": "4097000",
}  # fmt: skip
SINGLE = {  # D's table, one GPU: weights, parameters
    "conv1": ("34,848", "34,944"), "conv2": ("614,400", "614,656"), "conv3": ("884,736", "885,120"),
    "conv4": ("1,327,104", "1,327,488"), "conv5": ("884,736", "884,992"), "fc6": ("37,748,736", "37,752,832"),
    "fc7": ("16,777,216", "16,781,312"), "fc8": ("4,096,000", "4,097,000"),
}  # fmt: skip
UNITS = {"conv1": "290400", "conv2": "186624", "conv3": "64896", "conv4": "64896", "conv5": "43264"}
FORGOTTEN = "it forgets the 96 biases of conv 1"

ALEXNET = (
    row(
        "alexnet-input", "AC", "224", "AlexNet's table, size of the input", "differs",
        lambda: (shape(one("conv1"))[0] - 1) * 4 + 11,
        why="N = (O − 1)S + F gives the size from which 11×11 at stride 4 makes 55",
    ),
    row("alexnet-input-units", "A", "150528", "AlexNet's table, numbers of that input", "agrees",
        lambda: np.zeros((224, 224, 3)).size),
    *(
        row(f"alexnet-{name}-map", documents, said, f"AlexNet, output of {name}", "agrees",
            partial(size, name))
        for name, (documents, said) in MAPS.items()
    ),
    *(
        row(f"alexnet-{name}-units", "A", said, f"AlexNet's table, units of {name}", "agrees",
            partial(units_of, name))
        for name, said in UNITS.items()
    ),
    row(
        "alexnet-units-total", "A", "809800", "AlexNet's table, units in all", "differs",
        lambda: sum(alexnet_units()), why="it counts the 224·224·3 numbers of the input",
    ),
    row(
        "alexnet-units-list", "D", "290400-186624-64896-43264-4096-4096-1000", "AlexNet, layer sizes", "differs",
        alexnet_units, why="of the eight layers one is missing: conv 3 and conv 4 have equally many units",
    ),
    row(
        "alexnet-units", "CE", "650K", "AlexNet, units", "differs", lambda: sum(alexnet_units()),
        why="the paper's own round number; counted, they are nearer to 660 thousand", to=1e4,
    ),
    *(
        row(
            f"alexnet-{name}-grouped", "A", said, f"AlexNet's table, parameters of {name} on two GPUs",
            "differs" if name == "conv1" else "agrees", partial(count, name, 2),
            why=FORGOTTEN if name == "conv1" else "",
        )
        for name, said in GROUPED.items()
    ),
    row("alexnet-conv1-page", "A", "34,944", "AlexNet layer by layer, parameters of conv 1", "agrees",
        lambda: count("conv1", 2)),
    row(
        "alexnet-grouped-total", "A", "60965128", "AlexNet's table, parameters in all", "differs",
        lambda: alexnet().parameters, why=FORGOTTEN,
    ),
    *(
        row(f"alexnet-{name}-weights", "D", said[0], f"AlexNet's table, weights of {name} on one GPU", "agrees",
            partial(kernel, name))
        for name, said in SINGLE.items()
    ),
    *(
        row(f"alexnet-{name}-single", "D", said[1], f"AlexNet's table, parameters of {name} on one GPU", "agrees",
            partial(count, name, 1))
        for name, said in SINGLE.items()
    ),
    row("alexnet-single-total", "D", "62,378,344", "AlexNet's table, parameters in all", "agrees",
        lambda: alexnet(1).parameters),
    row(
        "alexnet-conv-share", "D", "2 M", "AlexNet, parameters of the convolutions", "rounds",
        lambda: parameters(alexnet(), *CONVOLUTIONS), why="on two GPUs; D's own table, of one GPU, has 3.7 M",
    ),
    row(
        "alexnet-fc-share", "D", "65 M", "AlexNet, parameters of the fully connected layers", "differs",
        lambda: parameters(alexnet(), *CONNECTED), why="more than the whole network has, on one GPU or two",
    ),
    row(
        "alexnet-fc-ratio", "D", "30x", "AlexNet, fully connected over convolutions", "differs", lambda: ratio(2),
        why="on two GPUs; it follows from the wrong 65 M",
    ),
    row(
        "alexnet-60m", "CE", "60M", "AlexNet, parameters", "rounds", lambda: alexnet().parameters, to=1e7,
        why="to the nearest ten million",
    ),
    row("alexnet-depth", "DE", "8 layers", "AlexNet, layers with weights", "agrees", lambda: len(weighted(alexnet()))),
    row("alexnet-hidden", "E", "7", "AlexNet, hidden layers", "agrees", lambda: len(weighted(alexnet())[:-1])),
    row("alexnet-convolutions", "D", "5", "AlexNet, convolutional layers", "agrees",
        lambda: len(kind(alexnet(), "Conv2d"))),
    row("alexnet-connected", "D", "3", "AlexNet, fully connected layers", "agrees",
        lambda: len(kind(alexnet(), "Linear"))),
    row("alexnet-kernels", "C", "96", "AlexNet, learned first kernels shown", "agrees", lambda: shape(one("conv1"))[2]),
    row("alexnet-kernel-size", "C", "11X11X3", "AlexNet, numbers of one of them", "agrees",
        lambda: weights(one("conv1")) / shape(one("conv1"))[2], value=11 * 11 * 3),
    row("alexnet-hardware", "E", "GTX 580, 3GBx2", "AlexNet, hardware", "cited", source=KRIZHEVSKY),
    row("alexnet-week", "E", "a week", "AlexNet, training time", "cited",
        source=KRIZHEVSKY, why=f"five to six days ({KRIZHEVSKY})"),
    row("alexnet-speed-up", "E", "50x", "AlexNet, GPU over CPU", "cited",
        source="the slide itself: the paper gives no factor"),
)  # fmt: skip

# ── ZFNet ───────────────────────────────────────────────────────────────────────────────────────────────────────


def zfnet_sizes() -> list[int]:
    """The image, the convolutions' outputs and the last pooling's."""
    table = of("zfnet")
    return [shape(r)[0] for r in [*named(table, "input"), *kind(table, "Conv2d"), *named(table, "pool5")]]


def zfnet_maps(variant: str) -> list[int]:
    """The maps of layers 3, 4 and 5."""
    return [shape(r)[2] for r in named(of("zfnet", variant), "conv3", "conv4", "conv5")]


ZFNET = (
    row(
        "zfnet-sizes", "AB", "224, 110, 26, 13, 13, 13, 6", "ZFNet's figure, image sizes", "agrees", zfnet_sizes,
        why="with a padding of 1 in the first layer and pools that round up",
    ),
    row(
        "zfnet-first-size", "AB", "110", "ZFNet's figure, 7×7 at stride 2 on 224, no padding drawn", "rounds",
        lambda: (224 - 7) / 2 + 1, why="not a whole number: the figure needs a padding",
    ),
    row("zfnet-maps", "AB", "384, 384, 256", "ZFNet's figure, maps of layers 3, 4, 5", "cited",
        source="Zeiler and Fergus 2013, figure 3"),
    row("zfnet-wide", "B", "512, 1024, 512", "ZFNet's text, maps of layers 3, 4, 5", "cited",
        source="Zeiler and Fergus 2013, table 2"),
    row(
        "zfnet-wide-order", "A", "512, 512, 1024", "ZFNet's text, maps of layers 3, 4, 5", "differs",
        lambda: zfnet_maps("text"), why="the paper's larger model has the widest layer in the middle",
    ),
)  # fmt: skip

CLAIMS = (*LENET, *ALEXNET, *ZFNET)
