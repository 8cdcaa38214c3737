"""MobileNet's width multiplier (Howard et al. 2017, section 4.3): accuracy against multiply-adds."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from twice.networks import mobilenet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, costs, images


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """One network for each width, one recipe for all."""
    from torch import nn

    pictures = images(settings["data"], settings.get("train"), settings.get("test"), channels=3)
    rows, curves = [], {}
    for width in settings["widths"]:
        build = partial(mobilenet, classes=10, width=width, image=pictures.shape[-1])
        curve = trainer.train(f"width {width}", nn, build, pictures, Recipe.of(settings))
        curves[f"width {width}"] = curve
        rows.append(
            {
                "width": width,
                **costs(build(nn), pictures.shape[-1]),
                "test_accuracy": curve["validation_accuracy"][-1],
                "training_accuracy": curve["train_accuracy"][-1],
            }
        )
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """From the thinnest to the widest."""
    thin, wide = (f(rows, key=lambda row: row["width"]) for f in (min, max))
    times, points = (wide["multiply_adds"] / thin["multiply_adds"], wide["test_accuracy"] - thin["test_accuracy"])
    return (
        f"From width {thin['width']} to {wide['width']} the test accuracy changes by {100 * points:+.1f} points, "
        f"for {times:.1f} times the multiply-adds."
    )


CIFAR = {"data": "cifar10", "widths": [0.25, 0.5, 0.75, 1.0], "rate": 0.1, "decay": 1e-4, "shift": 4, "flip": True}

EXPERIMENT = Experiment(
    "MobileNet's width: accuracy against multiply-adds",
    measure,
    {
        "small": {"data": "digits", "train": 64, "test": 50, "widths": [0.125, 0.25], "epochs": 1, "batch_size": 32,
                  "rate": 0.1},
        "medium": CIFAR | {"train": 20_000, "epochs": 10},
        "full": CIFAR | {
            "epochs": 150,
            "on_gpu": {"precision": "bfloat16", "channels_last": True, "compile": True, "workers": 8},
        },
    },
)  # fmt: skip
