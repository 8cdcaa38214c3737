"""ResNet (He, Zhang, Ren and Sun 2015): blocks learn F(x) = H(x) − x beside a shortcut, so that depth helps again.

A block is its convolutions (`basic`, `bottleneck`) arranged as a unit, `residual` (2015) or `preactivated` (2016).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twice.blocks import Scale, Sum, chain
from twice.networks.options import at_least, one_of, widener


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
# For CIFAR 6n + 2 layers, and in 2016 9n + 2 with bottlenecks: n blocks in each of three stages.
CIFAR_DEPTHS: dict[int, tuple[Callable, int, int]] = {
    **{depth: (basic, 1, depth // 6) for depth in (20, 32, 44, 56, 110, 1202)},
    **{depth: (bottleneck, 4, depth // 9) for depth in (164, 1001)},
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
    wide = _checked("resnet", shortcut, classes, width, image)
    stem = {**_stem(nn, wide(64), 7, 2), "maxpool": nn.MaxPool2d(3, 2, 1)}
    widths = [expansion * wide(w) for w in (64, 128, 256, 512)]
    return _network(nn, stem, made, widths, counts, classes, preactivation, shortcut=shortcut, gate=gate)


def cifar_resnet(
    nn: Any,
    depth: int = 20,
    *,
    block: Callable | None = None,
    shortcut: str | None = "A",
    preactivation: bool = False,
    gate: Callable | None = None,
    classes: int = 10,
    width: float = 1.0,
    image: int = 32,
) -> Any:
    """3×3 convolution and three stages of 16, 32 and 64 channels (section 4.2); options as in `resnet`.

    The bottlenecks of 164 and 1001 layers come from 2016: take them with `preactivation=True, shortcut="B"`.
    """
    own, expansion, count = CIFAR_DEPTHS[one_of("cifar_resnet", "depth", depth, CIFAR_DEPTHS)]
    wide = _checked("cifar_resnet", shortcut, classes, width, image)
    widths = [expansion * wide(w) for w in (16, 32, 64)]
    stem = _stem(nn, wide(16), 3)
    return _network(nn, stem, block or own, widths, [count] * 3, classes, preactivation, shortcut=shortcut, gate=gate)


# ── units ───────────────────────────────────────────────────────────────────────────────────────────────────────


def residual(nn: Any, convs: Sequence, stride: int = 1, *, shortcut: str | None = "B", gate: Any = None) -> Any:
    """relu(F(x) + shortcut(x)), BatchNorm after each convolution of F, ReLU between them."""
    c, k = convs[0].in_channels, convs[-1].out_channels
    body = chain(nn, **_between(nn, convs), bn=nn.BatchNorm2d(k), scale=gate and Scale(nn, gate(nn, k)))
    return chain(nn, sum=_beside(nn, body, shortcut, c, k, stride), relu=nn.ReLU(True))


def preactivated(
    nn: Any,
    convs: Sequence,
    stride: int = 1,
    *,
    shortcut: str | None = "B",
    gate: Any = None,
    activated: bool = False,
) -> Any:
    """F(x) + shortcut(x), BatchNorm and ReLU before each convolution of F; a projection sees x activated, too.

    The first unit gets its x `activated`, from the stem.
    """
    c, k = convs[0].in_channels, convs[-1].out_channels
    body = chain(nn, **_between(nn, convs), scale=gate and Scale(nn, gate(nn, k)))
    join = partial(_beside, nn, shortcut=shortcut, c=c, k=k, stride=stride, batch_norm=False)
    if activated:
        return join(body)
    activation = {"bn": nn.BatchNorm2d(c), "relu": nn.ReLU(True)}
    if _keeps(shortcut, c, k, stride):
        return join(chain(nn, **activation, body=body))
    return chain(nn, **activation, sum=join(body))


def conv(nn: Any, c: int, k: int, size: int, stride: int = 1, groups: int = 1) -> Any:
    """A convolution whose padding keeps the map, without a bias: the BatchNorm beside it has one."""
    return nn.Conv2d(c, k, size, stride, size // 2, groups=groups, bias=False)


def _between(nn: Any, convs: Sequence) -> dict[str, Any]:
    """F's convolutions with BatchNorm and ReLU between them."""
    layers = {"conv1": convs[0]}
    for i, following in enumerate(convs[1:], 1):
        layers |= {f"bn{i}": nn.BatchNorm2d(following.in_channels), f"relu{i}": nn.ReLU(True)}
        layers[f"conv{i + 1}"] = following
    return layers


# ── shortcuts ───────────────────────────────────────────────────────────────────────────────────────────────────


def _projection(nn: Any, c: int, k: int, stride: int, batch_norm: bool) -> Any:
    return chain(nn, conv=conv(nn, c, k, 1, stride), bn=nn.BatchNorm2d(k) if batch_norm else None)


def _padded(nn: Any, c: int, k: int, stride: int, _: bool) -> Any:
    """Every `stride`-th place of x, and channels of zeros after its own."""
    return chain(nn, subsample=nn.AvgPool2d(1, stride), zeros=nn.ZeroPad3d((0, 0, 0, 0, 0, k - c)))


SHORTCUTS: dict[str | None, Any] = {"A": _padded, "B": _projection, "C": _projection, None: None}


def _keeps(shortcut: str | None, c: int, k: int, stride: int) -> bool:
    """Whether the shortcut is x itself: always where shapes stay, except in C."""
    return (c, stride) == (k, 1) and shortcut != "C"


def _beside(nn: Any, body: Any, shortcut: str | None, c: int, k: int, stride: int, batch_norm: bool = True) -> Any:
    """body(x) + shortcut(x), or in a plain network body(x)."""
    if shortcut is None:
        return body
    past = None if _keeps(shortcut, c, k, stride) else SHORTCUTS[shortcut](nn, c, k, stride, batch_norm)
    return Sum(nn, body, past)


# ── the whole ───────────────────────────────────────────────────────────────────────────────────────────────────


def he_init(nn: Any, network: Any) -> Any:
    """The paper's start: convolutions from N(0, 2/(k·size²)) with k output channels; answers `network`."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _checked(where: str, shortcut: str | None, classes: int, width: float, image: int) -> Callable[[int], int]:
    """What channel counts pass through, after a sentence for each bad option."""
    one_of(where, "shortcut", shortcut, SHORTCUTS)
    at_least(where, "classes", classes, 1)
    at_least(where, "image", image, 1)
    return widener(where, width)


def _stem(nn: Any, k: int, size: int, stride: int = 1) -> dict[str, Any]:
    return {"conv1": conv(nn, 3, k, size, stride), "bn1": nn.BatchNorm2d(k), "relu": nn.ReLU(True)}


def _network(
    nn: Any,
    layers: dict[str, Any],
    block: Callable,
    widths: Sequence[int],
    counts: Sequence[int],
    classes: int,
    preactivation: bool,
    **unit: Any,
) -> Any:
    """After the stem's layers, stages whose first block halves the map (but not layer1's), and the head."""
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
    return he_init(nn, chain(nn, **layers))
