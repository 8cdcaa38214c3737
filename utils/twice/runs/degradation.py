"""Depth with and without shortcuts on the world of shapes: a task so small that what learns at all comes far.

`plain_resnet` is the same on CIFAR-10, with the paper's networks and, at full scale, its recipe.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from twice.networks import cifar_resnet
from twice.runs.experiment import Experiment, Measured
from twice.runs.plain_resnet import SHORTCUTS
from twice.runs.training import Recipe, Trainer, from_seeds, images, over_seeds, parameters


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every depth of both kinds from every seed; errors are means over the seeds, and the worst of them."""
    from torch import nn

    world = images("shapes", settings["train"], settings["test"], size=settings["size"], difficulty=settings["dial"])
    rows, curves = [], {}
    for kind, shortcut in SHORTCUTS.items():
        for depth in settings["depths"]:
            build = partial(cifar_resnet, depth=depth, shortcut=shortcut, width=settings["width"])
            train = partial(trainer.train, nn=nn, build=build, images=world, recipe=Recipe.of(settings))
            found = from_seeds(f"{kind} {depth}", settings["repeats"], train)
            curves.update(found)
            training = [1 - history["train_accuracy"][-1] for history in found.values()]
            rows.append(
                {
                    "network": kind,
                    "depth": depth,
                    "parameters": parameters(build(nn)),
                    "training_error": float(np.mean(training)),
                    "lowest_training_error": min(training),
                    "highest_training_error": max(training),
                    "test_error": 1 - over_seeds(found)["test_accuracy"],
                }
            )
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """What depth does to the training error of each kind."""
    said = []
    for kind in SHORTCUTS:
        own = [row for row in rows if row["network"] == kind]
        errors = ", ".join(f"{100 * row['training_error']:.1f} % at {row['depth']}" for row in own)
        said.append(f"{kind} networks have {errors} layers")
    return f"Errors in training: {'; '.join(said)}."


SHAPES = {"data": "shapes", "batch_size": 32, "rate": 0.05, "decay": 1e-4}

EXPERIMENT = Experiment(
    "Depth with and without shortcuts, on the world of shapes",
    measure,
    {
        "small": SHAPES | {
            "train": 64, "test": 32, "size": 16, "dial": 0.2, "width": 0.25, "depths": [20, 32], "epochs": 1,
            "repeats": 1,
        },
        "medium": SHAPES | {
            "train": 1000, "test": 500, "size": 20, "dial": 0.2, "width": 0.5, "depths": [20, 56], "epochs": 20,
            "repeats": 3,
        },
    },
)  # fmt: skip
