"""GoogLeNet with and without its auxiliary heads, thin: from two kinds of first weights, and with BatchNorm."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from twice.networks import googlenet, he_init
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Recipe, Trainer, from_seeds, images, over_seeds

WEIGHT = 0.3  # of each head's loss, as in the paper
LEARNED = 0.5  # of the new pictures are right: it has begun to learn

KINDS = {"torch's weights": ("paper", False), "He's weights": ("paper", True), "BatchNorm": ("batch_norm", True)}


def thin_googlenet(nn: Any, kind: str, auxiliary: bool, size: int) -> Any:
    """An eighth of the channels, no dropout; the weights as torch draws them, or He's."""
    variant, he = KINDS[kind]
    options: dict[str, Any] = {"width": 1 / 8, "image": size, "classes": 10, "dropout": 0.0, "auxiliary_dropout": 0.0}
    net = googlenet(nn, variant, auxiliary=auxiliary, **options)
    return he_init(nn, net) if he else net


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
    """Every kind from every seed; accuracies are those of the network's own answer."""
    from torch import nn, optim

    size = settings["size"]
    world = images("shapes", settings["train"], settings["test"], size=size, difficulty=settings["dial"])
    rows, curves = [], {}
    for kind in KINDS:
        for auxiliary in (False, True):
            name = f"{kind}, {'two heads' if auxiliary else 'no heads'}"
            build = partial(thin_googlenet, kind=kind, auxiliary=auxiliary, size=size)
            train = partial(
                trainer.train, nn=nn, build=build, images=world, recipe=Recipe.of(settings, schedule="constant"),
                optimizer=partial(optim.Adam, lr=settings["rate"]), loss=partial(loss, nn), metrics={"accuracy": right},
            )  # fmt: skip
            found = from_seeds(name, settings["repeats"], train)
            begun = {"first_epoch_with_half_right": ", ".join(map(first_epoch, found.values()))}
            rows.append({"network": name, **over_seeds(found), **begun})
            curves.update(found)
    return Measured(rows, finding(rows), curves)


def first_epoch(history: Mapping[str, Any]) -> str:
    """In which epoch half of the new pictures were right for the first time."""
    right = enumerate(history["validation_accuracy"], 1)
    return next((str(epoch) for epoch, accuracy in right if accuracy >= LEARNED), "–")


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
