"""VGG (Simonyan and Zisserman 2014): 3×3 convolutions and nothing else, in six configurations of growing depth."""

from typing import Any

from twice.blocks import chain
from twice.networks.options import at_least, one_of, widener

# The paper's table 1, column by column: channels of a 3×3 convolution, `c1` a 1×1 one, M a 2×2 pooling.
CONFIGURATIONS = {
    "A": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "A-LRN": "64 LRN M 128 M 256 256 M 512 512 M 512 512 M",
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 256c1 M 512 512 512c1 M 512 512 512c1 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def vgg(
    nn: Any,
    configuration: str = "D",
    *,
    batch_norm: bool = False,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float = 0.5,
) -> Any:
    """Five stages that halve the map and double the channels, then three fully connected layers.

    A and its kin have 11, 13, 16, 16 and 19 layers with weights; D is "VGG-16", E "VGG-19".
    """
    table = CONFIGURATIONS[one_of("vgg", "configuration", configuration, CONFIGURATIONS)]
    at_least("vgg", "image", image, 32)
    at_least("vgg", "classes", classes, 1)
    wide = widener("vgg", width)
    layers, c = [], 3
    for entry in table.split():
        made, c = _layer(nn, entry, c, wide, batch_norm)
        layers += made
    hidden = wide(4096)
    head = nn.Sequential(
        nn.Linear(c * 7 * 7, hidden), nn.ReLU(True), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )  # fmt: skip
    return chain(
        nn, features=nn.Sequential(*layers), avgpool=nn.AdaptiveAvgPool2d(7), flatten=nn.Flatten(), classifier=head
    )


def _layer(nn: Any, entry: str, c: int, wide: Any, batch_norm: bool) -> tuple[list, int]:
    """The layers that an entry of the table stands for, and how many channels come out."""
    if entry == "M":
        return [nn.MaxPool2d(2, 2)], c
    if entry == "LRN":
        return [nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)], c
    channels, one, _ = entry.partition("c1")
    k = wide(int(channels))
    convolution = nn.Conv2d(c, k, 1) if one else nn.Conv2d(c, k, 3, padding=1)
    return [convolution, *([nn.BatchNorm2d(k)] if batch_norm else []), nn.ReLU(True)], k
