"""DenseNet (Huang, Liu, van der Maaten and Weinberger 2016): every layer sees the maps of all layers before it."""

from collections.abc import Sequence
from typing import Any

from twice.blocks import Concat, chain
from twice.networks.he import he_init
from twice.networks.options import at_least, one_of, widener
from twice.networks.residual import conv

# The paper's table 1: growth rate k and how many layers stand in each block; 161 is torchvision's widest.
DEPTHS: dict[int, tuple[int, tuple[int, ...]]] = {
    121: (32, (6, 12, 24, 16)),
    161: (48, (6, 12, 36, 24)),
    169: (32, (6, 12, 32, 32)),
    201: (32, (6, 12, 48, 32)),
}

# Whether 1×1 convolutions narrow a layer's input to 4k maps (B), and what part of them a transition keeps (C).
VARIANTS = {"basic": (False, 1.0), "B": (True, 1.0), "C": (False, 0.5), "BC": (True, 0.5)}


def densenet(
    nn: Any,
    depth: int = 121,
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float = 0.0,
    drop_all: bool = True,
) -> Any:
    """DenseNet-BC for ImageNet: four dense blocks at 1/4 to 1/32 of the image, mean, one linear layer.

    Dropout acts after every convolution but the first (the paper) or after those that make new maps (torchvision).
    """
    growth, counts = DEPTHS[one_of("densenet", "depth", depth, DEPTHS)]
    k = widener("densenet", width)(growth)
    at_least("densenet", "image", image, 29)
    stem = {
        "conv0": conv(nn, 3, 2 * k, 7, 2),
        "norm0": nn.BatchNorm2d(2 * k),
        "relu0": nn.ReLU(True),
        "pool0": nn.MaxPool2d(3, 2, 1),
    }
    at_least("densenet", "classes", classes, 1)
    return _network(nn, stem, k, counts, "BC", classes, dropout=dropout, drop_all=drop_all)


def cifar_densenet(
    nn: Any,
    depth: int = 100,
    growth: int = 12,
    variant: str = "BC",
    *,
    classes: int = 10,
    width: float = 1.0,
    image: int = 32,
    dropout: float = 0.0,
    drop_all: bool = True,
) -> Any:
    """Three dense blocks of equal depth on 32×32 images; the first convolution makes 2k maps for BC, else 16.

    The paper takes a dropout of 0.2 where the images are not augmented; `drop_all` as in `densenet`.
    """
    bottleneck, _ = VARIANTS[one_of("cifar_densenet", "variant", variant, VARIANTS)]
    per_layer = 6 if bottleneck else 3
    if at_least("cifar_densenet", "depth", depth, 4 + per_layer) % per_layer != 4 % per_layer:
        raise ValueError(f"cifar_densenet: depth is {depth!r}, expected 4 more than a multiple of {per_layer}")
    wide = widener("cifar_densenet", width)
    k = wide(at_least("cifar_densenet", "growth", growth, 1))
    at_least("cifar_densenet", "image", image, 4)
    stem = {"conv0": conv(nn, 3, 2 * k if variant == "BC" else wide(16), 3)}
    counts = [(depth - 4) // per_layer] * 3
    at_least("cifar_densenet", "classes", classes, 1)
    return _network(nn, stem, k, counts, variant, classes, dropout=dropout, drop_all=drop_all)


def dense_layer(
    nn: Any, c: int, k: int, bottleneck: bool = True, *, dropout: float = 0.0, drop_all: bool = True
) -> Any:
    """[x, H(x)]: k new maps after the c that there are, from a 3×3 convolution, after a 1×1 one to 4k maps (B)."""
    narrow = activated(nn, c, 4 * k, 1, dropout * drop_all) if bottleneck else None
    widen = activated(nn, 4 * k if bottleneck else c, k, 3, dropout)
    return Concat(nn, past=nn.Identity(), new=chain(nn, narrow=narrow, widen=widen))


def transition(nn: Any, c: int, k: int, *, dropout: float = 0.0, drop_all: bool = True) -> Any:
    """c maps to k of half the size."""
    return chain(nn, mix=activated(nn, c, k, 1, dropout * drop_all), pool=nn.AvgPool2d(2, 2))


def activated(nn: Any, c: int, k: int, size: int, dropout: float) -> Any:
    """BatchNorm, ReLU, convolution and, where there is a rate, dropout."""
    drop = nn.Dropout(dropout) if dropout else None
    return chain(nn, norm=nn.BatchNorm2d(c), relu=nn.ReLU(True), conv=conv(nn, c, k, size), drop=drop)


def _network(
    nn: Any, features: dict[str, Any], k: int, counts: Sequence[int], variant: str, classes: int, **drop: Any
) -> Any:
    """After the stem's layers, dense blocks with transitions between them, and the head."""
    bottleneck, kept = VARIANTS[variant]
    c = features["conv0"].out_channels
    for i, count in enumerate(counts, 1):
        layers = [dense_layer(nn, c + j * k, k, bottleneck, **drop) for j in range(count)]
        features[f"denseblock{i}"] = nn.Sequential(*layers)
        c += count * k
        if i < len(counts):
            features[f"transition{i}"] = transition(nn, c, int(c * kept), **drop)
            c = int(c * kept)
    features |= {"norm": nn.BatchNorm2d(c), "relu": nn.ReLU(True)}
    head = {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "classifier": nn.Linear(c, classes)}
    network = chain(nn, features=chain(nn, **features), **head)
    return he_init(nn, network, mode="fan_out", fully_connected=False)
