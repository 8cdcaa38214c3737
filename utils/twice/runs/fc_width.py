"""How much fully connected layer a network needs (after Basha et al. 2020): hidden layers of several widths.

Their finding: a shallow network gains from wide fully connected layers, a deep one hardly. Their three networks train
for hundreds of epochs; here are a shallow and a deep one in the same manner, small enough for a CPU.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from twice.blocks import chain
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, images, parameters

STAGES = {  # channels of the convolutions between poolings
    "shallow": [[32], [64]],
    "deep": [[16, 16], [32, 32], [64, 64]],
}


def network(nn: Any, stages: Sequence[Sequence[int]], hidden: Sequence[int], shape: tuple[int, ...]) -> Any:
    """3×3 convolutions with BatchNorm and ReLU, a pooling after each stage, the hidden layers, ten scores."""
    (c, height, width), layers = shape, []
    for stage in stages:
        for k in stage:
            layers += [nn.Conv2d(c, k, 3, padding=1, bias=False), nn.BatchNorm2d(k), nn.ReLU()]
            c = k
        layers.append(nn.MaxPool2d(2))
        height, width = height // 2, width // 2
    features, head = c * height * width, []
    for k in hidden:
        head += [nn.Linear(features, k), nn.ReLU()]
        features = k
    return chain(nn, features=nn.Sequential(*layers, nn.Flatten()), head=nn.Sequential(*head, nn.Linear(features, 10)))


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every head on every network."""
    from torch import nn

    pictures = images(settings["data"], settings.get("train"), settings.get("test"))
    rows, curves = [], {}
    for name, stages in settings["networks"].items():
        for hidden in settings["hidden"]:
            words = " × ".join(map(str, [*hidden, 10]))
            build = partial(network, stages=stages, hidden=hidden, shape=pictures.shape)
            label = f"{name} {words}"
            curves[label] = trainer.train(label, nn, build, pictures, Recipe.of(settings))
            model = build(nn)
            rows.append(
                {
                    "network": name,
                    "fully_connected": words,
                    "weights_in_it": parameters(model.head),
                    "of_all": parameters(model),
                    "test_accuracy": curves[label]["validation_accuracy"][-1],
                    "training_accuracy": curves[label]["train_accuracy"][-1],
                }
            )
    return Measured(rows, finding(rows), curves)


def finding(rows: list[dict[str, Any]]) -> str:
    """For each network the best head, and what it gains over none."""
    said = []
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        best = max(own, key=lambda row: row["test_accuracy"])
        bare = next(row for row in own if row["fully_connected"] == "10")
        gain = 100 * (best["test_accuracy"] - bare["test_accuracy"])
        said.append(f"{name}: {best['fully_connected']}, {gain:.1f} points above the output layer alone")
    return f"Best on the test set: {'; '.join(said)}."


WIDTHS = [[], [16], [64], [256], [1024], [64, 64], [256, 256]]
CIFAR = {"data": "cifar10", "networks": STAGES, "rate": 0.05, "decay": 5e-4, "shift": 4, "flip": True}

EXPERIMENT = Experiment(
    "The width of the fully connected layers, for a shallow and a deep network",
    measure,
    {
        "small": {"data": "digits", "train": 200, "test": 100, "networks": STAGES, "hidden": [[], [16]], "epochs": 1,
                  "batch_size": 32, "rate": 0.05},
        "medium": CIFAR | {"train": 10_000, "epochs": 12, "hidden": WIDTHS},
        "full": CIFAR | {
            "epochs": 250,
            "networks": STAGES | {"deeper": [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512]]},
            "hidden": [[], *([2**i] for i in range(4, 13)), [64, 64], [256, 64], [256, 256], [1024, 256], [1024, 1024]],
            "on_gpu": {"precision": "bfloat16", "channels_last": True, "compile": True, "workers": 8},
        },
    },
)  # fmt: skip
