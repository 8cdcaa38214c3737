"""LeNet-5 on MNIST, trained by both engines with the same recipe: how many of the test digits are read right."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from twice.networks import lenet, lenet_init
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, images, parameters

ENGINES = ("twice", "torch")


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every variant on each engine; the accuracy is the last epoch's, not the best one's."""
    digits = images(settings["data"], settings.get("train"), settings.get("test"))
    rows, curves = [], {}
    for variant, rate in settings["rates"].items():
        for engine in ENGINES:
            nn = import_module(f"{engine}.nn")
            build = partial(network, variant=variant, image=digits.shape[-1])
            label = f"{engine} {variant}"
            curves[label] = trainer.train(label, nn, build, digits, Recipe.of(settings, rate=rate))
            rows.append(
                {
                    "engine": {"twice": "NumPy", "torch": "PyTorch"}[engine],
                    "variant": variant,
                    "parameters": parameters(build(nn)),
                    "test_accuracy": curves[label]["validation_accuracy"][-1],
                    "training_accuracy": curves[label]["train_accuracy"][-1],
                    "seconds_an_epoch": min(curves[label]["seconds"]),
                }
            )
    return Measured(rows, finding(rows), curves)


def network(nn: Any, variant: str, image: int) -> Any:
    """LeNet-5 with the paper's start, which suits units that saturate; with ReLU the engine's own start."""
    made = lenet(nn, variant, image=image)
    return made if variant == "modern" else lenet_init(nn, made)


def finding(rows: list[dict[str, Any]]) -> str:
    """The best of each engine."""
    best = [max((r for r in rows if r["engine"] == e), key=lambda r: r["test_accuracy"]) for e in ("NumPy", "PyTorch")]
    said = [f"{row['engine']} {100 * row['test_accuracy']:.2f} % with the variant {row['variant']!r}" for row in best]
    return f"Best on the test set after the last epoch: {' and '.join(said)}."


RATES = {"tanh": 0.05, "modern": 0.05}
MNIST = {"data": "mnist", "epochs": 15, "decay": 5e-4, "shift": 2, "rates": RATES}

EXPERIMENT = Experiment(
    "LeNet-5 on MNIST, the same recipe on both engines",
    measure,
    {
        "small": {
            "data": "mnist_5k",
            "train": 1500,
            "test": 300,
            "epochs": 2,
            "batch_size": 32,
            "rates": {"modern": 0.05},
        },
        "medium": MNIST,
        "full": MNIST | {"epochs": 40, "rates": RATES | {"1998": 0.002}},
    },
)
