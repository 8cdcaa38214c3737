"""What the tests of the networks share: the two engines' twins, and torchvision as the oracle."""

from itertools import pairwise

import numpy as np
import torch
import torchvision

import twice
from twice.files import copy_weights
from twice.networks import from_torchvision


def twins(build, dtype="float64", seed=0, **options):
    """The same network on both engines with the same weights: (ours, torch's)."""
    torch.manual_seed(seed)
    theirs = build(torch.nn, **options)
    shake(theirs, seed)
    ours = build(twice.nn, **options)
    copy_weights(theirs, ours)
    return (ours.double(), theirs.double()) if dtype == "float64" else (ours, theirs)


def shake(network, seed=0):
    """Move the statistics and scales of normalising layers from 0 and 1, so that a wrong order would show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.dim() == 1 and value.is_floating_point():
                noise = torch.rand(value.shape, generator=generator, dtype=value.dtype)
                value.copy_(noise + 0.5 if name.endswith(("var", "weight")) else noise * 0.2 - 0.1)


def settle(network, x):
    """Give torch's BatchNorm layers the statistics of x: no layer's numbers vanish beside another's, or explode.

    Only then do logits show that two tensors were exchanged: as they come, those of ResNet-152 reach 1e10, and an
    exchange deep inside changes none of their digits.
    """
    norms = [module for module in network.eval().modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.train().reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        network(torch.from_numpy(x))
    network.eval()


def assert_same_names(build, **options):
    """Keys, shapes and dtypes of the two state dicts are equal, and in the same order."""
    ours, theirs = build(twice.nn, **options).state_dict(), build(torch.nn, **options).state_dict()
    assert list(ours) == list(theirs)
    assert [tuple(v.shape) for v in ours.values()] == [tuple(v.shape) for v in theirs.values()]


def image_batch(size, n=1, channels=3, dtype="float32", seed=1):
    return np.random.default_rng(seed).standard_normal((n, channels, size, size)).astype(dtype)


def logits(network, x):
    """The outputs in eval mode as a list of arrays: one, or one a head."""
    network.eval()
    engine = torch if isinstance(network, torch.nn.Module) else twice
    with engine.no_grad():
        y = network(engine.from_numpy(x.copy()))
    heads = y if isinstance(y, tuple | list) else [y]
    return [np.asarray(head.detach().numpy()) for head in heads if head is not None]


def assert_same_logits(network, reference, x, tolerance=1e-4):
    ours, theirs = logits(network, x), logits(reference, x)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1e-12, float(np.abs(b).max())))


def reference_of(name, size):
    """torchvision's network with random weights, on which every tensor has a say."""
    torch.manual_seed(0)
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    reference = torchvision.models.get_model(name, weights=None, **extra)
    shake(reference)
    settle(reference, image_batch(size, n=4, seed=2))
    return reference


def assert_equals_torchvision(build, name, size, engine=twice, tolerance=1e-4, dtype="float32", **options):
    """Our network with the weights of torchvision's `name` (random ones) gives its logits.

    Rounding grows from layer to layer: beyond a hundred layers float32 says little, float64 with 1e-9 all.
    """
    reference = reference_of(name, size)
    network = from_torchvision(build(engine.nn, **options), reference.state_dict())
    if dtype == "float64":
        network, reference = network.double(), reference.double()
    assert_same_logits(network, reference, image_batch(size, dtype=dtype), tolerance)


def assert_exchanges_show(reference, x, pairs=8, tolerance=1e-4):
    """Two tensors of one shape change places, a few times over: each time the logits leave ten tolerances."""
    state, expected = reference.state_dict(), logits(reference, x)
    for first, second in _twins_in_shape(state, pairs):
        kept = state[first].clone()
        state[first].copy_(state[second])
        state[second].copy_(kept)
        same = [np.abs(y - e).max() <= 10 * tolerance * np.abs(e).max() for y, e in zip(logits(reference, x), expected)]
        assert not all(same), f"{first} and {second} changed places, and the logits stayed"
        state[second].copy_(state[first])
        state[first].copy_(kept)


def _twins_in_shape(state, pairs):
    """Names of tensors of one shape that follow each other, drawn at random; heads for training have no say in eval."""
    shapes = {}
    for name, value in state.items():
        if value.is_floating_point() and "aux" not in name.lower():
            shapes.setdefault(tuple(value.shape), []).append(name)
    neighbours = [pair for names in shapes.values() for pair in pairwise(names)]
    chosen = np.random.default_rng(0).permutation(len(neighbours))[:pairs]
    return [neighbours[i] for i in chosen]
