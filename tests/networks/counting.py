"""Counts of a network that needs no memory: on torch's meta device."""

import torch


def on_meta(build, *arguments, **options):
    """The network on torch's meta device: shapes without numbers."""
    with torch.device("meta"):
        return build(torch.nn, *arguments, **options)


def parameters(build, *arguments, **options):
    return sum(p.numel() for p in on_meta(build, *arguments, **options).parameters())


def weighted(network):
    """The layers with weights, BatchNorm aside, by name."""
    return {n: m for n, m in network.named_modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)}


def multiply_adds(network, size):
    """Of the convolutions and fully connected layers, for one image."""
    counts = []
    for layer in weighted(network).values():
        layer.register_forward_hook(lambda layer, _, y: counts.append(y.numel() * layer.weight[0].numel()))
    network.eval()(torch.empty(1, 3, size, size, device="meta"))
    return sum(counts)


def shapes(network, size):
    """The shape that each module answers for one image, by name."""
    seen = {}
    for name, module in network.named_modules():
        module.register_forward_hook(lambda _, __, y, name=name: seen.update({name: tuple(y.shape)}))
    network.eval()(torch.empty(1, 3, size, size, device="meta"))
    return seen
