"""DenseNet against ResNet on the world of shapes: at as many parameters, and at as many multiply-adds."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from twice.networks import cifar_densenet, cifar_resnet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, images, parameters
from twice.summary import summary

# Of ResNets with 20 layers, those of the widths that come nearest to the DenseNet's parameters and multiply-adds.
NETWORKS = {
    "DenseNet-BC-22": partial(cifar_densenet, depth=22, growth=8),
    "ResNet-20, as many parameters": partial(cifar_resnet, depth=20, width=0.35),
    "ResNet-20, as many multiply-adds": partial(cifar_resnet, depth=20, width=0.59),
}


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every network from every seed."""
    from torch import nn

    size = settings["size"]
    world = images("shapes", settings["train"], settings["test"], size=size, difficulty=settings["dial"])
    rows, curves = [], {}
    for name, network in NETWORKS.items():
        build = partial(network, image=size)
        found = []
        for repeat in range(settings["repeats"]):
            label = f"{name}, {repeat}"
            curves[label] = trainer.train(label, nn, build, world, Recipe.of(settings), repeat=repeat)
            found.append(curves[label])
        last = [history["validation_accuracy"][-1] for history in found]
        rows.append({
            "network": name,
            "parameters": parameters(build(nn)),
            "multiply_adds": summary(build(nn), (1, 3, size, size)).multiply_adds,
            "test_accuracy": float(np.mean(last)),
            "lowest_accuracy": min(last),
            "highest_accuracy": max(last),
            "training_accuracy": float(np.mean([history["train_accuracy"][-1] for history in found])),
        })  # fmt: skip
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """Who is how often right, in the order of the table."""
    said = [f"{row['network']}: {100 * row['test_accuracy']:.1f} %" for row in rows]
    return f"New pictures right, means over the seeds: {'; '.join(said)}."


EXPERIMENT = Experiment(
    "DenseNet against ResNet, at equal parameters and at equal work, on the world of shapes",
    measure,
    {
        "small": {"data": "shapes", "train": 64, "test": 32, "size": 16, "dial": 0.3, "batch_size": 32, "rate": 0.1,
                  "decay": 1e-4, "epochs": 1, "repeats": 1},
        "medium": {"data": "shapes", "train": 2000, "test": 1000, "size": 24, "dial": 0.3, "batch_size": 64,
                   "rate": 0.1, "decay": 1e-4, "epochs": 20, "repeats": 3},
    },
)  # fmt: skip
