"""Plain networks of 20 and 56 layers against residual ones (He et al. 2015, section 4.2 and figure 6): CIFAR-10.

Without shortcuts the deeper network has the larger training error, so it is not overfitting that spoils it; with
shortcuts it has the smaller one.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from twice.networks import cifar_resnet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, images, parameters

SHORTCUTS = {"plain": None, "residual": "A"}


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Both depths with and without shortcuts, one recipe for all four."""
    from torch import nn

    pictures = images(settings["data"], settings.get("train"), settings.get("test"), channels=3)
    rows, curves = [], {}
    for kind, shortcut in SHORTCUTS.items():
        for depth in settings["depths"]:
            build = partial(cifar_resnet, depth=depth, shortcut=shortcut, image=pictures.shape[-1])
            curve = trainer.train(f"{kind} {depth}", nn, build, pictures, Recipe.of(settings))
            curves[f"{kind} {depth}"] = curve
            rows.append(
                {
                    "network": kind,
                    "depth": depth,
                    "parameters": parameters(build(nn)),
                    "training_error": 1 - curve["train_accuracy"][-1],
                    "test_error": 1 - curve["validation_accuracy"][-1],
                    "training_loss": curve["train_loss"][-1],
                }
            )
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """What depth does to the training error of each kind."""
    said = []
    for kind in SHORTCUTS:
        shallow, deep = (row for row in rows if row["network"] == kind)
        errors = [f"{100 * row['training_error']:.1f} %" for row in (shallow, deep)]
        said.append(f"{kind} networks from {errors[0]} at {shallow['depth']} layers to {errors[1]} at {deep['depth']}")
    return f"The training error goes in {' and in '.join(said)}."


PAPER = {  # section 4.2: 64,000 steps of 128 images, a tenth of the rate from 32,000 and again from 48,000
    "data": "cifar10",
    "depths": [20, 56],
    "epochs": 164,
    "rate": 0.1,
    "decay": 1e-4,
    "shift": 4,
    "flip": True,
    "schedule": "steps",
    "milestones": [32_000, 48_000],
    "on_gpu": {"precision": "bfloat16", "channels_last": True, "compile": True, "workers": 8},
}
SHORT = {"train": 10_000, "epochs": 10, "schedule": "cosine", "milestones": []}  # not the paper's: for a CPU

EXPERIMENT = Experiment(
    "Plain networks against residual ones, shallow and deep",
    measure,
    {
        "small": {
            "data": "digits",
            "train": 64,
            "test": 50,
            "depths": [20, 32],
            "epochs": 1,
            "batch_size": 32,
            "rate": 0.1,
        },
        "medium": PAPER | SHORT,
        "full": PAPER,
    },
)
