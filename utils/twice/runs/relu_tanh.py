"""ReLU against tanh (Krizhevsky et al. 2012, figure 1): how many epochs until three training images of four are right.

The paper's network has four layers, no regularisation, and a learning rate chosen for each activation by itself.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from twice.blocks import chain
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Images, Recipe, Trainer, images

GOAL = 0.25  # of the training images, counted while the epoch runs


def network(nn: Any, activation: str, shape: tuple[int, ...]) -> Any:
    """Three convolutions of 5×5 with overlapping poolings, one fully connected layer."""
    act = getattr(nn, activation)
    layers: dict[str, Any] = {}
    c = shape[0]
    for i, k in enumerate((32, 32, 64), 1):
        layers |= {f"conv{i}": nn.Conv2d(c, k, 5, padding=2), f"act{i}": act(), f"pool{i}": nn.MaxPool2d(3, 2, 1)}
        c = k
    height, width = (-(-size // 8) for size in shape[1:])
    return chain(nn, **layers, flatten=nn.Flatten(), fc=nn.Linear(c * height * width, 10))


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Each activation with each rate; a rate that is behind the best one so far is given up there."""
    from torch import nn

    pictures = images(settings["data"], settings.get("train"), 1)
    rows, curves = [], {}
    for activation, rates in settings["rates"].items():
        limit = settings["epochs"]
        for rate in rates:
            label, recipe = f"{activation} {rate}", Recipe.of(settings, epochs=limit, rate=rate)
            errors = trainer.kept(label, partial(errors_to_goal, trainer, label, nn, activation, pictures, recipe))
            reached = len(errors) if errors[-1] <= GOAL else None
            limit = reached or limit
            curves[label] = {"training_error": errors}
            rows.append(row(activation, rate, reached, errors))
    return Measured(rows, finding(rows, settings["epochs"]), curves)


def row(activation: str, rate: float, reached: int | None, errors: list[float]) -> dict[str, Any]:
    """One rate: the epochs that it took, None where it did not get there or was given up."""
    tried = {"epochs_tried": len(errors), "last_training_error": errors[-1]}
    return {"activation": activation, "rate": rate, "epochs_to_25_%": reached} | tried


def errors_to_goal(
    trainer: Trainer, label: str, nn: Any, activation: str, pictures: Images, recipe: Recipe
) -> list[float]:
    """The training error of each epoch, until it is at the goal or the epochs are over."""
    model = trainer.built(nn, partial(network, activation=activation, shape=pictures.shape))
    errors: list[float] = []
    for accuracy in trainer.epochs(label, model, nn, pictures, recipe):
        errors.append(1 - accuracy)
        if errors[-1] <= GOAL:
            break
    return errors


def finding(rows: list[dict[str, Any]], limit: int) -> str:
    """Each activation at its best rate, and how many times as long tanh takes."""
    best: dict[str, int] = {}
    for r in rows:
        if (reached := r["epochs_to_25_%"]) is not None:
            best[r["activation"]] = min(reached, best.get(r["activation"], limit))
    said = [f"{name} {best[name]} epochs" if name in best else f"{name} more than {limit} epochs" for name in NAMES]
    ratio = f": tanh takes {best['Tanh'] / best['ReLU']:.1f} times as long" if len(best) == 2 else ""
    return f"To a training error of 25 %, each with the best of its rates: {', '.join(said)}{ratio}."


NAMES = ("ReLU", "Tanh")
RATES = {name: [0.01, 0.003, 0.03] for name in NAMES}

EXPERIMENT = Experiment(
    "ReLU against tanh: epochs to 25 % training error, a network of four layers",
    measure,
    {
        "small": {
            "data": "digits",
            "train": 400,
            "epochs": 6,
            "batch_size": 16,
            "rates": {"ReLU": [0.03], "Tanh": [0.03]},
        },
        "medium": {"data": "cifar10", "train": 20_000, "epochs": 40, "rates": RATES},
        "full": {
            "data": "cifar10",
            "epochs": 100,
            "rates": {name: [0.01, 0.003, 0.03, 0.001, 0.1] for name in NAMES},
        },
    },
)
