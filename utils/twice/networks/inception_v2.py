"""Inception v2, or BN-Inception (Ioffe and Szegedy 2015): GoogLeNet with BatchNorm and two 3×3 for every 5×5.

The lectures' tables of errors call it BN-inception, and the family tree of document A "Inception V2". (The module that
A's page calls V2 is GoogLeNet's own. The v2 of Szegedy et al. 2016, its table 1, is `inception_v3(nn, "paper")`.)
"""

from functools import partial
from typing import Any

from twice.blocks import chain
from twice.networks.googlenet import unit
from twice.networks.inception import AVERAGE, MAX_PADDED, MAX_SAME, Branches, mixed_channels
from twice.networks.options import at_least, widener

# The paper's figure 5: channels of 1×1, 3×3 reduce, 3×3, double 3×3 reduce, double 3×3, the pooling, its projection.
# Modules without 1×1 halve the map and pass their pooling through. For 4c, 4d and 4e the paper prints outputs of 576,
# 576 and 1024 channels, but its own columns add up to 608, 608 and 1056, as in the network that Caffe's users trained.
TABLE: dict[str, tuple] = {
    "inception3a": (64, 64, 64, 64, 96, AVERAGE, 32),
    "inception3b": (64, 64, 96, 64, 96, AVERAGE, 64),
    "inception3c": (0, 128, 160, 64, 96, MAX_PADDED, 0),
    "inception4a": (224, 64, 96, 96, 128, AVERAGE, 128),
    "inception4b": (192, 96, 128, 96, 128, AVERAGE, 128),
    "inception4c": (160, 128, 160, 128, 160, AVERAGE, 128),
    "inception4d": (96, 128, 192, 160, 192, AVERAGE, 128),
    "inception4e": (0, 128, 192, 192, 256, MAX_PADDED, 0),
    "inception5a": (352, 192, 320, 160, 224, AVERAGE, 128),
    "inception5b": (352, 192, 320, 192, 224, MAX_SAME, 128),
}


def inception_v2(nn: Any, *, separable: bool = True, classes: int = 1000, width: float = 1.0, image: int = 224) -> Any:
    """Two convolutions, ten modules three deep, the mean of each map, one fully connected layer; no dropout.

    The paper's first convolution is `separable`: 8 kernels of 7×7 a colour, then 1×1. GoogLeNet's table has the
    numbers of that one in its first row, 2.7 thousand weights and 34 million operations. Without it, it is a full 7×7.
    The paper speaks of 13.6 million parameters; its table gives 11.3, and Caffe's network has as many.
    """
    at_least("inception_v2", "image", image, 7)
    at_least("inception_v2", "classes", classes, 1)
    wide = widener("inception_v2", width)
    layers, c = _stem(nn, wide, separable), wide(192)
    for name, row in TABLE.items():
        layers[name], c = mixed_channels(nn, c, module(*row), wide)
    head = {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(c, classes)}
    return chain(nn, **layers, **head)


def module(c1: int, r3: int, c3: int, rd: int, cd: int, pool: str, projection: int) -> Branches:
    """A row of the table as branches; without a 1×1 the last convolutions have stride 2."""
    last = (3,) if c1 else (3, 2, 1)
    return {
        **({"branch1x1": [(c1, 1)]} if c1 else {}),
        "branch3x3": [(r3, 1), (c3, *last)],
        "branch3x3dbl": [(rd, 1), (cd, 3), (cd, *last)],
        "branch_pool": [pool, (projection, 1)] if projection else [pool],
    }


def _stem(nn: Any, wide: Any, separable: bool) -> dict[str, Any]:
    """The table's first rows: (N, 3, 224, 224) to (N, 192, 28, 28)."""
    c, k, u = wide(64), wide(192), partial(unit, nn, batch_norm=True)
    first = u(3, c, 7, stride=2, padding=3)
    if separable:
        depthwise = nn.Conv2d(3, 3 * 8, 7, 2, padding=3, groups=3, bias=False)
        first = chain(nn, depthwise=depthwise, pointwise=u(3 * 8, c, 1))
    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    return {"conv1": first, "maxpool1": pool(), "conv2": u(c, c, 1), "conv3": u(c, k, 3, padding=1), "maxpool2": pool()}
