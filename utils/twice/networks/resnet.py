"""ResNet (He, Zhang, Ren and Sun 2015): blocks learn F(x) = H(x) − x beside a shortcut, so that depth helps again.

A block is its convolutions (`basic`, `bottleneck`), arranged as a unit of `twice.networks.residual`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twice.blocks import chain
from twice.networks.he import he_init
from twice.networks.options import at_least, one_of, widener
from twice.networks.residual import SHORTCUTS, conv, preactivated, residual


def basic(nn: Any, c: int, k: int, stride: int = 1, unit: Any = None) -> Any:
    """c channels to k by two 3×3 convolutions (figure 5, left)."""
    return (unit or residual)(nn, [conv(nn, c, k, 3, stride), conv(nn, k, k, 3)], stride)


def bottleneck(
    nn: Any,
    c: int,
    k: int,
    stride: int = 1,
    unit: Any = None,
    *,
    stride_in: str = "3x3",
    groups: int = 1,
    base: int = 64,
) -> Any:
    """c channels to k by a 1×1 convolution to a quarter of k, a 3×3 and a 1×1 (figure 5, right).

    The paper strides in the first 1×1, torchvision in the 3×3. Other groups and other base widths are ResNeXt's.
    """
    m = groups * max(1, k * base // 256)
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    convs = [conv(nn, c, m, 1, first), conv(nn, m, m, 3, second, groups), conv(nn, m, k, 1)]
    return (unit or residual)(nn, convs, stride)


# The paper's table 1: the block, how many times its stage's channels leave it, and how many stand in each stage.
DEPTHS: dict[int, tuple[Callable, int, tuple[int, ...]]] = {
    18: (basic, 1, (2, 2, 2, 2)),
    34: (basic, 1, (3, 4, 6, 3)),
    50: (bottleneck, 4, (3, 4, 6, 3)),
    101: (bottleneck, 4, (3, 4, 23, 3)),
    152: (bottleneck, 4, (3, 8, 36, 3)),
}


def resnet(
    nn: Any,
    depth: int = 50,
    *,
    block: Callable | None = None,
    shortcut: str | None = "B",
    preactivation: bool = False,
    stride_in: str = "3x3",
    gate: Callable | None = None,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
) -> Any:
    """7×7 convolution, pooling, four stages that halve the map and double the channels, mean, one linear layer.

    Shortcuts: A is x with zeros, B a projection where shapes change, C one everywhere, None a plain network. A
    bottleneck's stride is in its "3x3" (torchvision: 4.09 G multiply-adds at 50 layers) or in its first "1x1" (the
    paper: 3.86 G). Another `block` takes the place of the depth's own; `gate(nn, channels)` makes a factor for F(x).
    """
    own, expansion, counts = DEPTHS[one_of("resnet", "depth", depth, DEPTHS)]
    made = block or own
    if one_of("resnet", "stride_in", stride_in, ("3x3",) if own is basic else ("3x3", "1x1")) == "1x1":
        made = partial(made, stride_in="1x1")
    wide = checked("resnet", shortcut, classes, width, image)
    layers = {**stem(nn, wide(64), 7, 2), "maxpool": nn.MaxPool2d(3, 2, 1)}
    widths = [expansion * wide(w) for w in (64, 128, 256, 512)]
    return stages(nn, layers, made, widths, counts, classes, preactivation, shortcut=shortcut, gate=gate)


# ── what the networks for CIFAR share ─────────────────────────────────────────────────────────────────────────────────


def checked(where: str, shortcut: str | None, classes: int, width: float, image: int) -> Callable[[int], int]:
    """What channel counts pass through, after a sentence for each bad option."""
    one_of(where, "shortcut", shortcut, SHORTCUTS)
    at_least(where, "classes", classes, 1)
    at_least(where, "image", image, 1)
    return widener(where, width)


def stem(nn: Any, k: int, size: int, stride: int = 1) -> dict[str, Any]:
    """The first convolution, its BatchNorm and ReLU."""
    return {"conv1": conv(nn, 3, k, size, stride), "bn1": nn.BatchNorm2d(k), "relu": nn.ReLU(True)}


def stages(
    nn: Any,
    layers: dict[str, Any],
    block: Callable,
    widths: Sequence[int],
    counts: Sequence[int],
    classes: int,
    preactivation: bool,
    **unit: Any,
) -> Any:
    """After the stem's layers, the stages, whose first block halves the map (but not layer1's), and the head."""
    ordinary = partial(preactivated if preactivation else residual, **unit)
    opening = partial(ordinary, activated=True) if preactivation else ordinary
    c = layers["conv1"].out_channels
    for i, (k, count) in enumerate(zip(widths, counts), 1):
        entrance = block(nn, c, k, 2, ordinary) if i > 1 else block(nn, c, k, 1, opening)
        layers[f"layer{i}"] = nn.Sequential(entrance, *(block(nn, k, k, 1, ordinary) for _ in range(count - 1)))
        c = k
    if preactivation:
        layers |= {"bn": nn.BatchNorm2d(c), "relu_end": nn.ReLU(True)}
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(c, classes)}
    return he_init(nn, chain(nn, **layers), mode="fan_out", fully_connected=False)
