"""GoogLeNet (Szegedy et al. 2014): nine modules that look at their input through 1×1, 3×3 and 5×5 windows at once."""

from functools import partial
from typing import Any, NamedTuple

from twice.blocks import Concat, chain
from twice.networks.heads import renormalise, with_heads
from twice.networks.options import at_least, one_of, widener

# The paper's table 1 from its third row on: channels of 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool projection.
TABLE = {
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "maxpool3": "3×3/2",
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "maxpool4": "3×3/2",
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
HEADS = {"aux1": "inception4a", "aux2": "inception4d"}  # which module each auxiliary head listens to


class Variant(NamedTuple):
    """Where the versions differ: window of the third branch, normalisation, last max pooling, pooling of the heads."""

    five: int = 5
    batch_norm: bool = False
    last_pool: int = 3
    adaptive: bool = False
    dropout: float = 0.4


VARIANTS = {
    "paper": Variant(),
    "batch_norm": Variant(batch_norm=True),
    "torchvision": Variant(five=3, batch_norm=True, last_pool=2, adaptive=True, dropout=0.2),
}


def inception_naive(nn: Any, c: int, c1: int, c3: int, c5: int) -> Any:
    """Three convolutions and a pooling side by side: c1 + c3 + c5 + c channels, more with each module."""
    return Concat(
        nn,
        branch1=unit(nn, c, c1, 1),
        branch2=unit(nn, c, c3, 3, padding=1),
        branch3=unit(nn, c, c5, 5, padding=2),
        branch4=nn.MaxPool2d(3, 1, padding=1),
    )


def inception(
    nn: Any, c: int, c1: int, r3: int, c3: int, r5: int, c5: int, p1: int, *, five: int = 5, batch_norm: bool = False
) -> Any:
    """The module with 1×1 bottlenecks before the 3×3 and 5×5 and after the pooling: c1 + c3 + c5 + p1 channels."""
    u = partial(unit, nn, batch_norm=batch_norm)
    return Concat(
        nn,
        branch1=u(c, c1, 1),
        branch2=nn.Sequential(u(c, r3, 1), u(r3, c3, 3, padding=1)),
        branch3=nn.Sequential(u(c, r5, 1), u(r5, c5, five, padding=five // 2)),
        branch4=nn.Sequential(nn.MaxPool2d(3, 1, padding=1), u(c, p1, 1)),
    )


def googlenet(
    nn: Any,
    variant: str = "paper",
    *,
    auxiliary: bool = True,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float | None = None,
    auxiliary_dropout: float = 0.7,
    transform_input: bool = False,
) -> Any:
    """22 layers with weights: three convolutions, nine modules two deep, one fully connected layer.

    Evaluating, it answers the logits. Training with `auxiliary` heads, it answers (logits, aux2, aux1), the deeper head
    first as torchvision has it; the paper adds the heads' losses with a weight of 0.3.

    `paper` has biases and local response normalisation (the paper gives no constants: AlexNet's are taken), and heads
    whose first fully connected layer fits maps of `image` only. `batch_norm` has BatchNorm instead of both.
    `torchvision` further has 3×3 where the paper has 5×5, a last max pooling of 2×2, heads that pool to 4×4 whatever
    comes, and drops 20 % instead of 40 %. Its trained weights come without heads (`auxiliary=False`) and
    expect `transform_input`: pixels with mean and deviation 0.5 instead of those of ImageNet's channels.
    """
    v = VARIANTS[one_of("googlenet", "variant", variant, VARIANTS)]
    at_least("googlenet", "image", image, _smallest(v, auxiliary))
    at_least("googlenet", "classes", classes, 1)
    wide = widener("googlenet", width)
    modules, channels = _modules(nn, v, wide)
    side = 4 if v.adaptive else ((image + 1) // 16 - 5) // 3 + 1  # of the maps that a head flattens
    head = partial(_head, nn, v, wide, side=side, classes=classes, dropout=auxiliary_dropout)
    return with_heads(
        nn,
        HEADS if auxiliary else {},
        input=renormalise(nn) if transform_input else None,
        **_stem(nn, v, wide),
        **modules,
        **{name: head(channels[module]) for name, module in HEADS.items() if auxiliary},
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        dropout=nn.Dropout(v.dropout if dropout is None else dropout),
        fc=nn.Linear(channels["inception5b"], classes),
    )


def unit(nn: Any, c: int, k: int, kernel: Any, *, batch_norm: bool = False, **options: Any) -> Any:
    """A convolution from c to k channels and its ReLU, with a BatchNorm between instead of a bias if asked for."""
    return chain(
        nn,
        conv=nn.Conv2d(c, k, kernel, bias=not batch_norm, **options),
        bn=nn.BatchNorm2d(k, eps=1e-3) if batch_norm else None,
        relu=nn.ReLU(True),
    )


def _smallest(v: Variant, auxiliary: bool) -> int:
    """The image with which every pooling still has something to pool."""
    return 79 if auxiliary and not v.adaptive else {3: 31, 2: 15}[v.last_pool]


def _stem(nn: Any, v: Variant, wide: Any) -> dict[str, Any]:
    """The table's first rows: (N, 3, 224, 224) to (N, 192, 28, 28)."""
    c, k = wide(64), wide(192)
    u = partial(unit, nn, batch_norm=v.batch_norm)
    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    lrn = (lambda: None) if v.batch_norm else partial(nn.LocalResponseNorm, 5, alpha=5e-4, beta=0.75, k=2)
    return {
        "conv1": u(3, c, 7, stride=2, padding=3), "maxpool1": pool(), "norm1": lrn(),
        "conv2": u(c, c, 1), "conv3": u(c, k, 3, padding=1), "norm2": lrn(), "maxpool2": pool(),
    }  # fmt: skip


def _modules(nn: Any, v: Variant, wide: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """The table's other rows, and how many channels come out of each."""
    modules, channels, c = {}, {}, wide(192)
    for name, row in TABLE.items():
        if isinstance(row, str):
            modules[name] = nn.MaxPool2d(v.last_pool if name == "maxpool4" else 3, 2, ceil_mode=True)
        else:
            c1, r3, c3, r5, c5, p1 = map(wide, row)
            modules[name] = inception(nn, c, c1, r3, c3, r5, c5, p1, five=v.five, batch_norm=v.batch_norm)
            c = channels[name] = c1 + c3 + c5 + p1
    return modules, channels


def _head(nn: Any, v: Variant, wide: Any, c: int, *, side: int, classes: int, dropout: float) -> Any:
    """Pooling, 1×1 convolution, two fully connected layers: (N, c, 14, 14) to (N, 128, 4, 4), 1024, classes."""
    k, hidden = wide(128), wide(1024)
    return chain(
        nn,
        avgpool=nn.AdaptiveAvgPool2d(4) if v.adaptive else nn.AvgPool2d(5, 3),
        conv=unit(nn, c, k, 1, batch_norm=v.batch_norm),
        flatten=nn.Flatten(),
        fc1=nn.Linear(k * side * side, hidden),
        relu=nn.ReLU(True),
        dropout=nn.Dropout(dropout),
        fc2=nn.Linear(hidden, classes),
    )
