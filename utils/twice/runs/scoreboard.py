"""The networks side by side: what each costs by count and by the clock, and what it got right on ImageNet.

Counts and times are taken here, for one image; the accuracies are those that torchvision's weights carry with them,
all asked about the middle crop of the validation images.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from twice import networks
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Trainer, parameters
from twice.summary import summary

# Name, year of the paper, how the course builds it, and what torchvision calls it.
ENTRIES: dict[str, tuple[int, Callable[[Any], Any], str | None]] = {
    "AlexNet": (2012, partial(networks.alexnet, variant="2014"), "alexnet"),
    "VGG-11": (2014, partial(networks.vgg, configuration="A"), "vgg11"),
    "VGG-16": (2014, partial(networks.vgg, configuration="D"), "vgg16"),
    "VGG-19": (2014, partial(networks.vgg, configuration="E"), "vgg19"),
    "GoogLeNet": (2014, partial(networks.googlenet, variant="torchvision", auxiliary=False), "googlenet"),
    "Inception-v3": (2015, partial(networks.inception_v3, auxiliary=False), "inception_v3"),
    "ResNet-18": (2015, partial(networks.resnet, depth=18), "resnet18"),
    "ResNet-34": (2015, partial(networks.resnet, depth=34), "resnet34"),
    "ResNet-50": (2015, partial(networks.resnet, depth=50), "resnet50"),
    "ResNet-101": (2015, partial(networks.resnet, depth=101), "resnet101"),
    "ResNet-152": (2015, partial(networks.resnet, depth=152), "resnet152"),
    "SqueezeNet": (2016, networks.squeezenet, "squeezenet1_0"),
    "DenseNet-121": (2016, partial(networks.densenet, depth=121), "densenet121"),
    "DenseNet-169": (2016, partial(networks.densenet, depth=169), "densenet169"),
    "DenseNet-201": (2016, partial(networks.densenet, depth=201), "densenet201"),
    "ResNeXt-50": (2016, partial(networks.resnext, depth=50), "resnext50_32x4d"),
    "MobileNet": (2017, networks.mobilenet, None),
}
SIDES = {"Inception-v3": 299}


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """One row a network."""
    rows = []
    for name in settings["networks"]:
        year, build, theirs = ENTRIES[name]
        side = SIDES.get(name, 224)
        trainer.say(name)
        seconds = trainer.kept(name, partial(forward_times, build, side, settings["rounds"], trainer.device))
        rows.append({"network": name, "year": str(year), **_counts(build, side), **seconds, **_accuracies(theirs)})
    return Measured(rows, finding(rows), {})


def _counts(build: Callable[[Any], Any], side: int) -> dict[str, int]:
    import torch

    with torch.device("meta"):
        net = build(torch.nn)
    table = summary(net, (1, 3, side, side))
    return {
        "image": side,
        "parameters": parameters(net),
        "multiply_adds": table.multiply_adds,
        "activations": table.activations,
    }


def forward_times(build: Callable[[Any], Any], side: int, rounds: int, device: str) -> dict[str, float]:
    """The median seconds of a pass over one image, in NumPy and in PyTorch, in turns."""
    import torch

    import twice

    x = np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)
    passes = {}
    for engine, name, place in ((twice, "numpy", "cpu"), (torch, "torch", "cpu"), (torch, "cuda", "cuda")):
        if place == "cuda" and device != "cuda":
            continue
        engine.manual_seed(0)
        net, image = build(engine.nn).eval(), engine.tensor(x)
        passes[name] = partial(_forward, engine, net.to(place), image.to(place), place)
    for one in passes.values():
        one()
    times: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(rounds):
        for name, one in passes.items():
            times[name].append(one())
    return {f"{name}_seconds": statistics.median(values) for name, values in times.items()}


def _forward(engine: Any, net: Any, image: Any, place: str) -> float:
    if place == "cuda":
        engine.cuda.synchronize()
    start = time.perf_counter()
    with engine.no_grad():
        net(image)
    if place == "cuda":
        engine.cuda.synchronize()
    return time.perf_counter() - start


def _accuracies(theirs: str | None) -> dict[str, float | None]:
    """Of torchvision's first weights for ImageNet, as its package states them."""
    if theirs is None:
        return {"top_1_error": None, "top_5_error": None}
    from torchvision.models import get_model_weights

    stated = next(iter(get_model_weights(theirs))).meta["_metrics"]["ImageNet-1K"]
    return {f"top_{k}_error": round(1 - stated[f"acc@{k}"] / 100, 5) for k in (1, 5)}


def finding(rows: list[dict[str, Any]]) -> str:
    """Who is cheapest and who is best, by each measure."""
    known = [row for row in rows if row["top_1_error"] is not None]
    words = {
        "parameters": "fewest parameters",
        "multiply_adds": "fewest multiply-adds",
        "numpy_seconds": "fastest in NumPy",
    }
    said = [f"{text}: {min(rows, key=lambda row: row[key])['network']}" for key, text in words.items()]
    best = min(known, key=lambda row: row["top_1_error"])
    return f"Smallest error: {best['network']} ({100 * best['top_1_error']:.1f} %); {'; '.join(said)}."


EXPERIMENT = Experiment(
    "The networks side by side: one image, forward",
    measure,
    {
        "small": {"networks": ["SqueezeNet", "MobileNet"], "rounds": 1},
        "medium": {"networks": list(ENTRIES), "rounds": 5},
        "full": {"networks": list(ENTRIES), "rounds": 15},
    },
)
