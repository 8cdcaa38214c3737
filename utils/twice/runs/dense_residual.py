"""DenseNet against ResNet on the world of shapes: at as many parameters, and at as many multiply-adds.

Of the trained DenseNets it is also asked which connections they use: how much the loss on new pictures rises when one
is cut.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from twice.networks import cifar_densenet, cifar_resnet
from twice.runs.experiment import Experiment, Measured
from twice.runs.training import Images, Recipe, Trainer, costs, from_seeds, images, over_seeds
from twice.train import evaluate

# Of ResNets with 20 layers, those of the widths that come nearest to the DenseNet's parameters and multiply-adds.
NETWORKS = {
    "DenseNet-BC-40": partial(cifar_densenet, depth=40, growth=5),
    "ResNet-20, as many parameters": partial(cifar_resnet, depth=20, width=0.35),
    "ResNet-20, as many multiply-adds": partial(cifar_resnet, depth=20, width=0.57),
}


def measure(settings: Mapping[str, Any], trainer: Trainer) -> Measured:
    """Every network from every seed."""
    from torch import nn

    size = settings["size"]
    world = images("shapes", settings["train"], settings["test"], size=size, difficulty=settings["dial"])
    rows, curves = [], {}
    for name, network in NETWORKS.items():
        build = partial(network, image=size)
        after = partial(reuse, world=world) if network.func is cifar_densenet else None
        train = partial(trainer.train, nn=nn, build=build, images=world, recipe=Recipe.of(settings), after=after)
        found = from_seeds(name, settings["repeats"], train)
        rows.append({"network": name, **costs(build(nn), size), **over_seeds(found)})
        curves.update(found)
    return Measured(rows, finding(rows), curves)


def reuse(net: Any, world: Images) -> dict[str, Any]:
    """How much the loss rises without each connection of the dense blocks: `rise[block][target][source]`.

    Source 0 is what came into the block, source i its layer i; the last target is what follows the block.
    """
    before = evaluate(net, world.test, transform=world.prepare)["loss"]
    rise = [
        [[_loss_without(net, world, weight, cut) - before for cut in cuts] for weight, cuts in connections(net, block)]
        for block in range(1, 4)
    ]
    return {"rise": rise}


def connections(net: Any, block: int) -> Iterator[tuple[Any, list[slice]]]:
    """Of each target of a block the weights with which it looks at its input, and which channels are which source's."""
    layers = list(getattr(net.features, f"denseblock{block}"))
    following = getattr(net.features, f"transition{block}", None)
    looks = [layer.new.narrow.conv.weight for layer in layers]
    looks.append(net.classifier.weight if following is None else following.mix.conv.weight)
    came, growth = looks[0].shape[1], looks[1].shape[1] - looks[0].shape[1]
    for count, weight in enumerate(looks):
        ends = [came + i * growth for i in range(count + 1)]
        yield weight, [slice(a, b) for a, b in pairwise([0, *ends])]


def _loss_without(net: Any, world: Images, weight: Any, cut: slice) -> float:
    whole = weight.data.clone()
    weight.data[:, cut] = 0
    found = evaluate(net, world.test, transform=world.prepare)["loss"]
    weight.data.copy_(whole)
    return found


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
        "medium": {"data": "shapes", "train": 1500, "test": 500, "size": 24, "dial": 0.3, "batch_size": 64,
                   "rate": 0.1, "decay": 1e-4, "epochs": 64, "repeats": 3},
    },
)  # fmt: skip
