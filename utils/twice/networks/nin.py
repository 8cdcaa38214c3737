"""Network in Network (Lin, Chen and Yan 2013): a small MLP slides over the image; averages replace the FC layers."""

from typing import Any

from twice.blocks import chain
from twice.networks.options import at_least, one_of, widener

# Kernel, stride and padding of each mlpconv; the maps of its three layers (the last network's last: the classes);
# how its maps are pooled, and whether a dropout follows. The paper prints no sizes: these are its authors' own files.
VARIANTS = {
    "imagenet": [
        (11, 4, 0, (96, 96, 96), "max"),
        (5, 1, 2, (256, 256, 256), "max"),
        (3, 1, 1, (384, 384, 384), "max drop"),
        (3, 1, 1, (1024, 1024), "global"),
    ],
    "cifar": [
        (5, 1, 2, (192, 160, 96), "max drop"),
        (5, 1, 2, (192, 192, 192), "average drop"),
        (3, 1, 1, (192, 192), "global"),
    ],
}
SETS = {"imagenet": (1000, 224, 39), "cifar": (10, 32, 4)}  # classes, image, the smallest image


def nin(
    nn: Any,
    variant: str = "imagenet",
    *,
    classes: int | None = None,
    width: float = 1.0,
    image: int | None = None,
    dropout: float = 0.5,
) -> Any:
    """mlpconvs with pooling between them; the last has a map for each class, and its average is the class's logit.

    Nothing is fully connected: 7,595,176 parameters for ImageNet, 966,986 for CIFAR-10. Both give their number of
    classes, and the size of their images, to the options left at None.
    """
    table = VARIANTS[one_of("nin", "variant", variant, VARIANTS)]
    usual, size, smallest = SETS[variant]
    at_least("nin", "image", size if image is None else image, smallest)
    classes = at_least("nin", "classes", usual if classes is None else classes, 1)
    wide = widener("nin", width)
    layers: dict[str, Any] = {}
    c = 3
    for number, (k, stride, padding, maps, after) in enumerate(table, 1):
        sizes = [wide(m) for m in maps] + [classes] * (after == "global")
        layers[f"mlpconv{number}"] = mlpconv(nn, c, sizes, k, stride, padding)
        pooling, _, drops = after.partition(" ")
        layers[f"pool{number}"] = _pool(nn, pooling)
        layers[f"drop{number}"] = nn.Dropout(dropout) if drops else None
        c = sizes[-1]
    return chain(nn, **layers, flatten=nn.Flatten())


def mlpconv(nn: Any, c: int, maps: list[int], k: int, stride: int, padding: int) -> Any:
    """A convolution, then an MLP of two layers at each place, which is two 1×1 convolutions; ReLU after all three."""
    c1, c2, c3 = maps
    return nn.Sequential(
        nn.Conv2d(c, c1, k, stride, padding), nn.ReLU(True),
        nn.Conv2d(c1, c2, 1), nn.ReLU(True),
        nn.Conv2d(c2, c3, 1), nn.ReLU(True),
    )  # fmt: skip


def _pool(nn: Any, kind: str) -> Any:
    if kind == "global":
        return nn.AdaptiveAvgPool2d(1)
    return {"max": nn.MaxPool2d, "average": nn.AvgPool2d}[kind](3, 2, ceil_mode=True)
