"""The blocks of the classic networks against each other: one skeleton, one recipe, the world of shapes.

The skeleton is a first convolution, three stages of one block each with a max pooling between them, the mean of each
map, and one fully connected layer. Only the block changes, so that what differs is the block's doing.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twice.blocks import Concat, Scale, Sum, chain
from twice.networks.googlenet import unit
from twice.networks.senet import excitation
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, costs, from_seeds, images, over_seeds

Block = Callable[[Any, int, int], Any]  # nn, channels that come, channels that go


def layer(nn: Any, c: int, k: int, size: Any = 3, groups: int = 1) -> Any:
    """Convolution, BatchNorm, ReLU; the map keeps its size."""
    padding = tuple(n // 2 for n in size) if isinstance(size, tuple) else size // 2
    return unit(nn, c, k, size, batch_norm=True, padding=padding, groups=groups)


def stacked(size: Any, times: int = 1) -> Block:
    """So many convolutions of one size, one after the other."""
    return lambda nn, c, k: nn.Sequential(*(layer(nn, k if i else c, k, size) for i in range(times)))


def in_two_steps(nn: Any, c: int, k: int) -> Any:
    """A 7×1 convolution on a 1×7 one (Inception v3)."""
    return nn.Sequential(layer(nn, c, k, (1, 7)), layer(nn, k, k, (7, 1)))


def mlpconv(nn: Any, c: int, k: int) -> Any:
    """A 3×3 convolution and two 1×1 ones (NIN)."""
    return nn.Sequential(layer(nn, c, k), layer(nn, k, k, 1), layer(nn, k, k, 1))


def separable(nn: Any, c: int, k: int) -> Any:
    """Depthwise 3×3, then 1×1, twice (MobileNet)."""
    pair = lambda c: [layer(nn, c, c, groups=c), layer(nn, c, k, 1)]
    return nn.Sequential(*pair(c), *pair(k))


def inception_naive(nn: Any, c: int, k: int) -> Any:
    """1×1, 3×3, 5×5 and a pooling side by side (GoogLeNet's first idea), made k again by a last 1×1."""
    pool = nn.MaxPool2d(3, 1, padding=1)
    branches = Concat(nn, layer(nn, c, k // 4, 1), layer(nn, c, k // 2), layer(nn, c, k // 4, 5), pool)
    return nn.Sequential(branches, layer(nn, k + c, k, 1))


def inception(nn: Any, c: int, k: int) -> Any:
    """The same with 1×1 convolutions to a quarter of the channels before 3×3 and 5×5, and one after the pooling."""
    r = max(4, c // 4)
    pool = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), layer(nn, c, k // 4, 1))
    three = nn.Sequential(layer(nn, c, r, 1), layer(nn, r, k // 2))
    five = nn.Sequential(layer(nn, c, r, 1), layer(nn, r, k // 4, 5))
    branches = Concat(nn, layer(nn, c, k // 4, 1), three, five, pool)
    return nn.Sequential(branches, layer(nn, k // 4 * 3 + k // 2, k, 1))


def residual(groups: int = 1, narrow: int = 2, gate: bool = False) -> Block:
    """1×1 to the stage's channels, then two residual bottlenecks; in groups (ResNeXt), or gated (SENet)."""

    def block(nn: Any, c: int, k: int) -> Any:
        m = k // narrow
        bodies = [
            chain(
                nn,
                down=layer(nn, k, m, 1),
                across=layer(nn, m, m, groups=min(groups, m)),
                up=nn.Conv2d(m, k, 1, bias=False),
                bn=nn.BatchNorm2d(k),
                scale=Scale(nn, excitation(nn, k, 4)) if gate else None,
            )
            for _ in range(2)
        ]
        units = [part for body in bodies for part in (Sum(nn, body), nn.ReLU(True))]
        return nn.Sequential(layer(nn, c, k, 1), *units)

    return block


def dense(nn: Any, c: int, k: int) -> Any:
    """Four dense layers of k/4 new maps each (DenseNet), then 1×1 to the stage's channels."""
    new = k // 4
    parts = [Concat(nn, nn.Identity(), layer(nn, c + i * new, new)) for i in range(4)]
    return nn.Sequential(*parts, layer(nn, c + 4 * new, k, 1))


BLOCKS: dict[str, Block] = {
    "one 3×3": stacked(3),
    "two 3×3": stacked(3, 2),
    "three 3×3": stacked(3, 3),
    "one 5×5": stacked(5),
    "one 7×7": stacked(7),
    "1×7 and 7×1": in_two_steps,
    "mlpconv": mlpconv,
    "two separable 3×3": separable,
    "inception, naive": inception_naive,
    "inception": inception,
    "residual": residual(),
    "residual in groups": residual(groups=8, narrow=1),
    "residual, gated": residual(gate=True),
    "dense": dense,
}


def network(nn: Any, block: str, channels: list[int], classes: int = 10) -> Any:
    """The skeleton around a block."""
    c, stages = channels[0], {}
    for i, k in enumerate(channels, 1):
        stages[f"stage{i}"] = BLOCKS[block](nn, c, k)
        stages[f"pool{i}"] = nn.MaxPool2d(2) if i < len(channels) else None
        c = k
    first = unit(nn, 3, channels[0], 3, batch_norm=True, stride=2, padding=1)
    return chain(
        nn, first=first, **stages, mean=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(c, classes)
    )


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every block from every seed."""
    from torch import nn

    size = settings["size"]
    world = images("shapes", settings["train"], settings["test"], size=size, difficulty=settings["dial"])
    rows, curves = [], {}
    for name in settings["blocks"]:
        build = partial(network, block=name, channels=settings["channels"])
        train = partial(trainer.train, nn=nn, build=build, images=world, recipe=Recipe.of(settings))
        found = from_seeds(name, settings["repeats"], train)
        rows.append({"block": name, **costs(build(nn), size), **over_seeds(found)})
        curves.update(found)
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """The best, the worst, and the range of costs."""
    ordered = sorted(rows, key=lambda row: -row["test_accuracy"])
    said = [f"{row['block']} ({100 * row['test_accuracy']:.1f} %)" for row in (ordered[0], ordered[-1])]
    work = [row["multiply_adds"] for row in rows]
    return f"Best is {said[0]}, last {said[1]}; costs differ by a factor of {max(work) / min(work):.1f}."


SHAPES = {"data": "shapes", "blocks": list(BLOCKS), "batch_size": 64, "rate": 0.1, "decay": 5e-4}

EXPERIMENT = Experiment(
    "The blocks of the classic networks in one skeleton, on the world of shapes",
    measure,
    {
        "small": SHAPES | {
            "train": 64, "test": 32, "size": 16, "dial": 0.3, "channels": [8, 8, 16], "epochs": 1, "repeats": 1,
            "batch_size": 32, "blocks": ["one 3×3", "inception", "residual, gated"],
        },
        "medium": SHAPES | {
            "train": 4000, "test": 1000, "size": 32, "dial": 0.4, "channels": [16, 32, 64], "epochs": 24, "repeats": 3,
        },
        "full": SHAPES | {
            "train": 50_000, "test": 10_000, "size": 96, "dial": 0.7, "channels": [64, 128, 256], "epochs": 30,
            "repeats": 3, "batch_size": 128,
            "on_gpu": {"precision": "bfloat16", "channels_last": True, "workers": 8},
        },
    },
    on_gpu_alone=("full",),
)  # fmt: skip
