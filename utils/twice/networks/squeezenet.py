"""SqueezeNet (Iandola and others 2016): AlexNet's accuracy with 50 times fewer parameters, by fire modules."""

from typing import Any

from twice.blocks import Concat, chain
from twice.networks.options import at_least, one_of, widener

# Maps and kernel of the first convolution, and the smallest image; then a fire module's maps, or M for a pooling.
VARIANTS = {
    "1.0": (96, 7, 21, "M 128 128 256 M 256 384 384 512 M 512"),
    "1.1": (64, 3, 17, "M 128 128 M 256 256 M 384 384 512 512"),
}


def squeezenet(
    nn: Any,
    version: str = "1.0",
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float = 0.5,
) -> Any:
    """A convolution, eight fire modules, a 1×1 convolution to the classes and the average of each map.

    Version 1.0 is the paper's (1,248,424 parameters; its table's 111×111 comes from images of 227), 1.1 the authors'
    later one: smaller first kernels and earlier poolings, 2.4 times less work (1,235,496).
    """
    maps, k, smallest, table = VARIANTS[one_of("squeezenet", "version", version, VARIANTS)]
    at_least("squeezenet", "image", image, smallest)
    wide = widener("squeezenet", width)
    c = wide(maps)
    layers = [nn.Conv2d(3, c, k, 2), nn.ReLU(True)]
    for entry in table.split():
        if entry == "M":
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            squeezed, expanded = wide(int(entry) // 8), wide(int(entry) // 2)
            layers.append(fire(nn, c, squeezed, expanded))
            c = 2 * expanded
    return chain(
        nn,
        features=nn.Sequential(*layers),
        classifier=nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv2d(c, at_least("squeezenet", "classes", classes, 1), 1),
            nn.ReLU(True),
            nn.AdaptiveAvgPool2d(1),
        ),
        flatten=nn.Flatten(),
    )


def fire(nn: Any, c: int, squeezed: int, expanded: int) -> Any:
    """Squeeze to few maps by 1×1 (in the tables an eighth of all), then expand by 1×1 and by 3×3, side by side."""
    return chain(
        nn,
        squeeze=nn.Conv2d(c, squeezed, 1),
        squeeze_activation=nn.ReLU(True),
        expand=Concat(
            nn,
            expand1x1=nn.Sequential(nn.Conv2d(squeezed, expanded, 1), nn.ReLU(True)),
            expand3x3=nn.Sequential(nn.Conv2d(squeezed, expanded, 3, padding=1), nn.ReLU(True)),
        ),
    )
