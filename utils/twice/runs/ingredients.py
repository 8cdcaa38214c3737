"""What each ingredient of AlexNet's training is worth (Krizhevsky et al. 2012), on the world of shapes.

One recipe with everything in it; then the same with one ingredient taken out, each trained from several seeds.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from twice import data
from twice.networks import alexnet, he_init
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Images, Recipe, Trainer, from_seeds, images, over_seeds
from twice.train import evaluate

WITHOUT: dict[str, dict[str, Any]] = {
    "everything": {},
    "tanh instead of ReLU": {"tanh": True},
    "no response normalisation": {"lrn": False},
    "poolings that do not overlap": {"overlap": False},
    "no dropout": {"dropout": 0.0},
    "no augmentation": {"augment": False},
}


def network(nn: Any, width: float, crop: int, *, tanh: bool = False, overlap: bool = True, **options: Any) -> Any:
    """AlexNet for ten classes, its weights drawn as He et al. do; the options are those of `alexnet`."""
    net = alexnet(nn, width=width, image=crop, classes=10, **options)
    for part in (net.features, net.classifier):
        for name, layer in list(part.named_children()):
            if tanh and isinstance(layer, nn.ReLU):
                setattr(part, name, nn.Tanh())
            if not overlap and isinstance(layer, nn.MaxPool2d):
                setattr(part, name, nn.MaxPool2d(2, 2))
    return he_init(nn, net, nonlinearity="tanh" if tanh else "relu")


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every variant from every seed; all are asked about the middle of the test pictures, and about ten crops."""
    from torch import nn

    crop = settings["crop"]
    world = images("shapes", settings["train"], settings["test"], size=settings["size"], difficulty=settings["dial"])
    rows, curves = [], {}
    for name, changes in WITHOUT.items():
        options = dict(changes)
        augment = options.pop("augment", True)
        recipe = Recipe.of(settings, flip=augment, crop=crop if augment else 0)
        build = partial(network, width=settings["width"], crop=crop, **options)
        middle = partial(data.center_crop, size=(crop, crop))
        learned = world.train if augment else (middle(world.train[0]), world.train[1])
        pictures = Images(learned, (middle(world.test[0]), world.test[1]), world.prepare)
        after = partial(on_ten_crops, test=world.test, crop=crop, prepare=world.prepare)
        train = partial(trainer.train, nn=nn, build=build, images=pictures, recipe=recipe, after=after)
        found = from_seeds(name, settings["repeats"], train)
        ten_crops = float(np.mean([history["ten_crop_accuracy"] for history in found.values()]))
        rows.append({"recipe": name, **over_seeds(found), "ten_crop_accuracy": ten_crops})
        curves.update(found)
    return Measured(rows, finding(rows), curves)


def on_ten_crops(model: Any, test: tuple[Any, Any], crop: int, prepare: Callable) -> dict[str, float]:
    """The share of pictures whose class is right when the answers to ten crops are averaged, as AlexNet's were."""
    import torch

    def probabilities(logits: Any, labels: Any) -> Any:
        averaged = logits.softmax(1).unflatten(0, (-1, 10)).mean(1)
        return (averaged.argmax(1) == labels[::10]).float().mean()

    crops = data.ten_crop(test[0], (crop, crop))
    flat, labels = crops.reshape(-1, *crops.shape[2:]), np.repeat(test[1], 10)
    with torch.no_grad():
        measured = evaluate(
            model, (flat, labels), batch_size=500, transform=prepare, metrics={"ten_crop_accuracy": probabilities}
        )
    return {"ten_crop_accuracy": measured["ten_crop_accuracy"]}


def finding(rows: list[dict[str, Any]]) -> str:
    """What taking out each ingredient costs, most costly first."""
    full = next(row for row in rows if row["recipe"] == "everything")
    costs = {row["recipe"]: 100 * (row["test_accuracy"] - full["test_accuracy"]) for row in rows if row is not full}
    said = [f"{name} {cost:+.1f} points" for name, cost in sorted(costs.items(), key=lambda item: item[1])]
    crops = 100 * (full["ten_crop_accuracy"] - full["test_accuracy"])
    all_of_it = f"With everything {100 * full['test_accuracy']:.1f} % of the new pictures are right"
    return f"{all_of_it}; {', '.join(said)}; ten crops at test time {crops:+.1f}.".replace("-", "−")


EXPERIMENT = Experiment(
    "AlexNet without one of its ingredients, on the world of shapes",
    measure,
    {
        "small": {
            "data": "shapes", "train": 64, "test": 32, "size": 72, "crop": 63, "dial": 0.35, "width": 1 / 16,
            "epochs": 1, "batch_size": 32, "rate": 0.01, "repeats": 1,
        },
        "medium": {
            "data": "shapes", "train": 2000, "test": 1000, "size": 72, "crop": 63, "dial": 0.35, "width": 1 / 4,
            "epochs": 60, "batch_size": 64, "rate": 0.01, "decay": 5e-4, "repeats": 3,
        },
        "full": {
            "data": "shapes", "train": 100_000, "test": 10_000, "size": 256, "crop": 227, "dial": 0.7, "width": 1.0,
            "epochs": 30, "batch_size": 128, "rate": 0.01, "decay": 5e-4, "repeats": 3,
            "on_gpu": {"precision": "bfloat16", "channels_last": True, "workers": 8},
        },
    },
    on_gpu_alone=("full",),
)  # fmt: skip
