"""AlexNet (Krizhevsky, Sutskever and Hinton 2012): five convolutions and three fully connected layers, on two GPUs."""

from typing import Any

from twice.blocks import chain
from twice.networks.options import at_least, one_of, widener

# Maps, kernel, stride and groups of each convolution, then what follows its ReLU: N normalises, P pools.
VARIANTS = {
    "2012": [(96, 11, 4, 1, "NP"), (256, 5, 1, 2, "NP"), (384, 3, 1, 1, ""), (384, 3, 1, 2, ""), (256, 3, 1, 2, "P")],
    "2014": [(64, 11, 4, 1, "P"), (192, 5, 1, 1, "P"), (384, 3, 1, 1, ""), (256, 3, 1, 1, ""), (256, 3, 1, 1, "P")],
}


def alexnet(
    nn: Any,
    variant: str = "2012",
    *,
    groups: int = 2,
    lrn: bool = True,
    pool_first: bool = False,
    classes: int = 1000,
    width: float = 1.0,
    image: int | None = None,
    dropout: float = 0.5,
) -> Any:
    """Maps of 55, 27 and 13, then 6×6×256 into 4096, 4096 and the classes.

    "2012": conv 2, 4 and 5 see only the maps of their own GPU, so `groups` is 2 (60,965,224 parameters) or, on one GPU,
    1 (62,378,344). The paper normalises, then pools; Caffe and lecture slides pool first (`pool_first`). Its images are
    called 224, but 55 comes from 227 alone: 224, and any other size, gets a padding of 2 instead.
    "2014": the single column of "One weird trick", as torchvision has it: no normalisation, no groups, padding of 2 on
    224, and dropout before the hidden layers instead of after.
    """
    table = VARIANTS[one_of("alexnet", "variant", variant, VARIANTS)]
    one_of("alexnet", "groups", groups, (1, 2))
    size = (227 if variant == "2012" else 224) if image is None else at_least("alexnet", "image", image, 63)
    first = 0 if variant == "2012" and size == 227 else 2
    wide = widener("alexnet", width)
    layers: dict[str, Any] = {}
    c = 3
    for number, (maps, k, stride, halves, after) in enumerate(table, 1):
        c, before = 2 * wide(maps // 2), c  # as many on either GPU
        padding = first if number == 1 else k // 2
        layers[f"conv{number}"] = nn.Conv2d(before, c, k, stride, padding, groups=min(groups, halves))
        layers[f"relu{number}"] = nn.ReLU(True)
        after = after if lrn else after.replace("N", "")
        for letter in after[::-1] if pool_first else after:
            name, layer = ("pool", nn.MaxPool2d(3, 2)) if letter == "P" else ("norm", response_norm(nn))
            layers[f"{name}{number}"] = layer
    head = classifier(nn, c, wide(4096), at_least("alexnet", "classes", classes, 1), dropout, early=variant == "2014")
    return chain(
        nn, features=chain(nn, **layers), avgpool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten(), classifier=head
    )


def response_norm(nn: Any) -> Any:
    """Local response normalisation. The paper's α of 1e-4 is not divided by n = 5 as torch's is: here it is 5e-4."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)


def classifier(nn: Any, c: int, hidden: int, classes: int, dropout: float, early: bool = False) -> Any:
    """Three fully connected layers on c maps of 6×6; dropout after each hidden one, or early: before it."""
    return chain(
        nn,
        drop5=nn.Dropout(dropout) if early else None,
        fc6=nn.Linear(c * 6 * 6, hidden),
        relu6=nn.ReLU(True),
        drop6=nn.Dropout(dropout),
        fc7=nn.Linear(hidden, hidden),
        relu7=nn.ReLU(True),
        drop7=None if early else nn.Dropout(dropout),
        fc8=nn.Linear(hidden, classes),
    )


def alexnet_init(nn: Any, network: Any) -> Any:
    """The paper's start: weights from N(0, 0.01²), biases 1 in conv 2, 4, 5 and the hidden layers; answers `network`.

    The ones give those ReLUs positive inputs, and with them gradients, from the first step on; other biases are 0.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.constant_(module.bias, 1.0 if name.endswith(("conv2", "conv4", "conv5", "fc6", "fc7")) else 0.0)
    return network
