"""What the tests of the networks share: the two engines' twins, and torchvision as the oracle."""

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


def assert_equals_torchvision(build, name, size, engine=twice, tolerance=1e-4, **options):
    """Our network with the weights of torchvision's `name` (random ones) gives its logits."""
    torch.manual_seed(0)
    extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    reference = torchvision.models.get_model(name, weights=None, **extra)
    shake(reference)
    network = from_torchvision(build(engine.nn, **options), reference.state_dict())
    assert_same_logits(network, reference, image_batch(size), tolerance)
