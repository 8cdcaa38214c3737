"""What the tests of training share: small data, and small networks of either engine."""

import numpy as np
import torch

import twice
from twice.files import copy_weights

ENGINES = [twice, torch]
NAMES = ["twice", "torch"]


def points(n=40, features=6, classes=3, seed=0):
    """Noisy points around one corner for each class: (x, y)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    corners = np.random.default_rng(99).standard_normal((classes, features))
    return (corners[y] + 0.7 * rng.standard_normal((n, features))).astype(np.float32), y.astype(np.uint8)


def perceptron(nn, features=6, classes=3, dropout=0.0, norm=False):
    """Two layers, with BatchNorm and dropout between them if asked for."""
    between = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(nn.Linear(features, 8), *between, nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, classes))


def twins(build=perceptron, double=False, **options):
    """The same network of both engines with the same weights."""
    torch.manual_seed(0)
    theirs = build(torch.nn, **options)
    ours = build(twice.nn, **options)
    copy_weights(theirs, ours)
    return (ours.double(), theirs.double()) if double else (ours, theirs)


def model_of(engine, build=perceptron, **options):
    """One of the twins."""
    return twins(build, **options)[ENGINES.index(engine)]


def arrays(state):
    """A state dict as arrays."""
    return {name: np.array(value.detach().numpy()) for name, value in state.items()}


def assert_same_bits(ours, theirs):
    """Two states, nested as they are, are equal to the last bit."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert_same_bits(ours[key], theirs[key])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            assert_same_bits(a, b)
    elif hasattr(ours, "shape"):
        a, b = (np.asarray(v.detach().numpy() if hasattr(v, "detach") else v) for v in (ours, theirs))
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    else:
        assert ours == theirs
