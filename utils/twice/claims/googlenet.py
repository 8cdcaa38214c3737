"""The claims on GoogLeNet: its module, and its table row by row."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twice.claims.counting import kind, named, of, of_built, shape, weighted, weights
from twice.claims.ledger import Claim
from twice.networks.googlenet import inception, inception_naive
from twice.summary import Row, Summary

row = partial(Claim, "classic")

TABLE = {  # D's rows: parameters in thousands of 1024, operations, and the layers behind them
    "convolution 1": ("2.7k", "34M", "conv1"),
    "convolution 2": ("112k", "360M", "conv2 conv3"),
    "3a": ("159k", "128M", "inception3a"),
    "3b": ("380k", "304M", "inception3b"),
    "4a": ("364k", "73M", "inception4a"),
    "4b": ("437k", "88M", "inception4b"),
    "4c": ("463k", "100M", "inception4c"),
    "4d": ("580k", "119M", "inception4d"),
    "4e": ("840k", "170M", "inception4e"),
    "5a": ("1072k", "54M", "inception5a"),
    "5b": ("1388k", "71M", "inception5b"),
    "fully connected": ("1000k", "1M", "fc"),
}
SIZES = {
    "conv1": "112×112×64", "maxpool1": "56×56×64", "conv3": "56×56×192", "maxpool2": "28×28×192",
    "inception3a": "28×28×256", "inception3b": "28×28×480", "maxpool3": "14×14×480", "inception4a": "14×14×512",
    "inception4b": "14×14×512", "inception4c": "14×14×512", "inception4d": "14×14×528", "inception4e": "14×14×832",
    "maxpool4": "7×7×832", "inception5a": "7×7×832", "inception5b": "7×7×1024", "avgpool": "1×1×1024",
}  # fmt: skip


def googlenet() -> Summary:
    """GoogLeNet without its auxiliary heads."""
    return of("googlenet", auxiliary=False)


def inside(names: str) -> list[Row]:
    """The layers with weights in these blocks."""
    return [r for name in names.split() for r in weighted(googlenet()) if f"{r.name}.".startswith(f"{name}.")]


def size(name: str) -> tuple[int, ...]:
    """Height, width and channels after a layer or a block."""
    return shape(named(googlenet(), name)[0])


def kernels(names: str) -> int:
    """Their weights, without biases: so the table counts."""
    return sum(map(weights, inside(names)))


def operations(names: str) -> int:
    """Their multiply-adds."""
    return sum(r.multiply_adds for r in inside(names))


def depth() -> int:
    """Layers with weights from the image to the scores; a module is two deep."""
    modules = [r for r in googlenet().rows if r.name.startswith("inception") and "." not in r.name]
    return len(inside("conv1 conv2 conv3 fc")) + 2 * len(modules)


def made(build: Callable[[Any], Any]) -> tuple[int, ...]:
    """Height, width and channels that a module makes of 28×28×256: its branches' last layers, side by side."""
    layers = of_built(build, (1, 256, 28, 28)).layers[1:]
    last = {r.name.partition(".")[0]: r for r in layers}
    height, width, _ = shape(layers[-1])
    return height, width, sum(shape(r)[2] for r in last.values())


MODULES = (
    row("naive-inception", "A", "28x28x672", "naive module on 28×28×256: 128, 192, 96 and the pooling", "agrees",
        lambda: made(lambda nn: inception_naive(nn, 256, 128, 192, 96))),
    row("inception", "A", "28x28x480", "the same with bottlenecks of 64", "agrees",
        lambda: made(lambda nn: inception(nn, 256, 128, 64, 192, 64, 96, 64))),
    row("googlenet-modules", "D", "9", "GoogLeNet, inception modules", "agrees",
        lambda: len([r for r in googlenet().rows if r.name.startswith("inception") and "." not in r.name])),
    row("googlenet-depth", "BDE", "22", "GoogLeNet, layers with parameters", "agrees", depth),
    row("googlenet-free-layers", "D", "5", "GoogLeNet, layers without parameters", "agrees",
        lambda: len([r for r in googlenet().rows if "pool" in r.name and "." not in r.name])),
    row("googlenet-one-fc", "D", "1", "GoogLeNet, fully connected layers", "agrees",
        lambda: len(kind(googlenet(), "Linear"))),
    row(
        "googlenet-no-fc", "A", "no FC", "GoogLeNet, fully connected layers", "differs",
        lambda: len(kind(googlenet(), "Linear")), value=0, why="one is left after the mean of each map",
    ),
    row(
        "googlenet-over-alexnet", "AB", "1/12", "GoogLeNet, parameters against AlexNet's", "differs",
        lambda: of("alexnet", size=227).parameters / googlenet().parameters, value=12, to=1,
        why="the paper's own factor; counted, AlexNet has this many times more",
    ),
    row("googlenet-heads", "B", "2", "GoogLeNet, auxiliary heads", "agrees",
        lambda: len([r for r in of("googlenet").rows if r.kind.startswith("Linear (not used)")]) // 2),
)  # fmt: skip

EXACT = ("convolution 2", "fully connected")
WRONG = "the table is wrong: its layers have another number of weights"
SEPARABLE = "it fits the separable 7×7 with which Inception v2 begins"
NEAR = "near, but no rounding of the count gives it"
PARAMETERS = {  # the rows that no rounding explains
    "convolution 1": f"7·7·3·64 weights are far more; {SEPARABLE}", "3b": NEAR, "4a": NEAR, "4b": NEAR,
    "4c": WRONG, "4d": WRONG, "4e": NEAR, "5a": WRONG, "5b": NEAR,
}  # fmt: skip
OPERATIONS = {
    "convolution 1": f"7·7·3·64 weights at 112·112 places are far more; {SEPARABLE}",
    "4a": "cut off instead of rounded",
    "5a": "the table is wrong: its own layers at 7·7 places give less",
}

ROWS = (
    *(
        row(f"googlenet-{name}-size", "D", said, f"GoogLeNet's table, output of {name}", "agrees",
            partial(size, name))
        for name, said in SIZES.items()
    ),
    *(
        row(f"googlenet-{name.replace(' ', '-')}-parameters", "D", said[0], f"GoogLeNet's table, parameters of {name}",
            "differs" if name in PARAMETERS else "agrees" if name in EXACT else "rounds",
            partial(kernels, said[2]), kilo=1024, why=PARAMETERS.get(name, ""))
        for name, said in TABLE.items()
    ),
    *(
        row(f"googlenet-{name.replace(' ', '-')}-operations", "D", said[1], f"GoogLeNet's table, operations of {name}",
            "differs" if name in OPERATIONS else "rounds", partial(operations, said[2]), why=OPERATIONS.get(name, ""))
        for name, said in TABLE.items()
    ),
    row("googlenet-operations-sum", "D", f"{sum(int(said[1].rstrip('M')) for said in TABLE.values())} M",
        "GoogLeNet's table, its column of operations in all", "differs", lambda: googlenet().multiply_adds,
        why="nearly all that is missing is missing in its first row"),
)  # fmt: skip

CLAIMS = (*MODULES, *ROWS)
