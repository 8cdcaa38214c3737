"""GoogLeNet with and without its auxiliary heads, thin: from two kinds of first weights, and with BatchNorm."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from twice.networks import googlenet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Images, Trainer, images
from twice.train import fit

WEIGHT = 0.3  # of each head's loss, as in the paper
LEARNED = 0.5  # of the new pictures are right: it has begun to learn

KINDS = {"torch's weights": ("paper", False), "He's weights": ("paper", True), "BatchNorm": ("batch_norm", True)}


def thin_googlenet(nn: Any, kind: str, auxiliary: bool, size: int) -> Any:
    """An eighth of the channels, no dropout; the weights as torch draws them, or He's."""
    variant, he = KINDS[kind]
    options: dict[str, Any] = {"width": 1 / 8, "image": size, "classes": 10, "dropout": 0.0, "auxiliary_dropout": 0.0}
    net = googlenet(nn, variant, auxiliary=auxiliary, **options)
    for layer in net.modules() if he else ():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return net


def answer(output: Any) -> Any:
    """The network's own answer, where it comes with those of its heads."""
    return output[0] if isinstance(output, tuple) else output


def loss(nn: Any, output: Any, target: Any) -> Any:
    """The cross-entropy of the answer, and 0.3 of that of each head."""
    entropy = nn.functional.cross_entropy
    heads = output[1:] if isinstance(output, tuple) else ()
    return entropy(answer(output), target) + WEIGHT * sum(entropy(head, target) for head in heads)


def right(output: Any, target: Any) -> Any:
    """1 for each sample whose answer is right."""
    return answer(output).argmax(1) == target


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every kind from every seed."""
    size = settings["size"]
    world = images("shapes", settings["train"], settings["test"], size=size, difficulty=settings["dial"])
    rows, curves = [], {}
    for kind in KINDS:
        for auxiliary in (False, True):
            name = f"{kind}, {'two heads' if auxiliary else 'no heads'}"
            found = []
            for repeat in range(settings["repeats"]):
                label = f"{name}, {repeat}"
                train = partial(history, settings, trainer, world, kind, auxiliary, repeat)
                curves[label] = trainer.kept(label, train)
                found.append(curves[label]["validation_accuracy"])
            rows.append({"network": name, **row(found)})
    return Measured(rows, finding(rows), curves)


def history(
    settings: Mapping[str, Any], trainer: Trainer, world: Images, kind: str, auxiliary: bool, repeat: int
) -> dict[str, Any]:
    """One training with Adam; accuracies are those of the network's own answer."""
    from torch import nn, optim

    seed = trainer.seed + repeat
    trainer.say(f"{kind}, {auxiliary}, {seed}")
    build = partial(thin_googlenet, kind=kind, auxiliary=auxiliary, size=settings["size"])
    model = trainer.built(nn, build, seed)
    found = fit(
        model, world.train, validation=world.test, epochs=settings["epochs"], batch_size=settings["batch_size"],
        optimizer=lambda p: optim.Adam(p, lr=settings["rate"]), loss=partial(loss, nn), metrics={"accuracy": right},
        transform=world.prepare, seed=seed, progress=trainer.progress,
    )  # fmt: skip
    return {**found.columns, "seconds": found.seconds}


def row(found: list[list[float]]) -> dict[str, Any]:
    """Over the seeds: the last accuracy, and in which epoch half of the new pictures were right for the first time."""
    last = [accuracies[-1] for accuracies in found]
    begun = [next((i for i, a in enumerate(accuracies, 1) if a >= LEARNED), None) for accuracies in found]
    return {
        "test_accuracy": float(np.mean(last)),
        "lowest_accuracy": min(last),
        "highest_accuracy": max(last),
        "first_epoch_with_half_right": ", ".join("–" if epoch is None else str(epoch) for epoch in begun),
    }


def finding(rows: list[dict[str, Any]]) -> str:
    """With heads and without, for each kind."""
    said = [f"{row['network']} {100 * row['test_accuracy']:.1f} %" for row in rows]
    return f"New pictures right, means over the seeds: {'; '.join(said)}."


SHAPES = {"data": "shapes", "batch_size": 32, "rate": 1e-3}

EXPERIMENT = Experiment(
    "GoogLeNet with and without auxiliary heads, thin, on the world of shapes",
    measure,
    {
        "small": SHAPES | {"train": 48, "test": 16, "size": 80, "dial": 0.0, "epochs": 1, "repeats": 1},
        "medium": SHAPES | {"train": 800, "test": 400, "size": 80, "dial": 0.0, "epochs": 6, "repeats": 4},
    },
)
