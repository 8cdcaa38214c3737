"""MobileNet v1 (Howard et al. 2017): a convolution in two steps, first each channel alone, then 1×1 across them."""

from typing import Any

from twice.blocks import chain
from twice.networks.options import at_least, one_of, widener

# The paper's table 1 after its first row: channels of each depthwise and 1×1 pair, and the stride of the depthwise one.
BODY = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 2),
)  # fmt: skip


def mobilenet(
    nn: Any,
    *,
    separable: bool = True,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    last_stride: int = 1,
) -> Any:
    """One 3×3 convolution, 13 separable ones, the mean of each map, one fully connected layer: 28 layers.

    `width` is the paper's α, which thins every layer (1, 0.75, 0.5, 0.25). Its ρ is the resolution, `image` over 224
    (224, 192, 160, 128): the weights are the same for all. `separable=False` is the counterpart with full
    convolutions, 29.3 instead of 4.2 million parameters and 4866 instead of 569 million multiply-adds.

    The table gives the last depthwise convolution stride 2, yet keeps its 7×7 map. Only stride 1 does, and it gives the
    569 million; `last_stride=2` follows the table's letter and goes on with 4×4.
    """
    at_least("mobilenet", "image", image, 1)
    at_least("mobilenet", "classes", classes, 1)
    one_of("mobilenet", "last_stride", last_stride, (1, 2))
    wide = widener("mobilenet", width)
    make, c = _separable if separable else _full, wide(32)
    blocks = {}
    for i, (channels, stride) in enumerate(BODY, start=1):
        k = wide(channels)
        blocks[f"block{i}"] = make(nn, c, k, last_stride if i == len(BODY) else stride)
        c = k
    return chain(
        nn,
        conv=_unit(nn, 3, wide(32), 3, 2),
        **blocks,
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(c, classes),
    )


def _separable(nn: Any, c: int, k: int, stride: int) -> Any:
    """3·3·c + c·k weights instead of 3·3·c·k: 1/k + 1/9 of the cost."""
    return chain(nn, depthwise=_unit(nn, c, c, 3, stride, groups=c), pointwise=_unit(nn, c, k, 1))


def _full(nn: Any, c: int, k: int, stride: int) -> Any:
    return _unit(nn, c, k, 3, stride)


def _unit(nn: Any, c: int, k: int, n: int, stride: int = 1, groups: int = 1) -> Any:
    """Convolution, BatchNorm, ReLU"""
    convolution = nn.Conv2d(c, k, n, stride, padding=n // 2, groups=groups, bias=False)
    return chain(nn, conv=convolution, bn=nn.BatchNorm2d(k), relu=nn.ReLU(True))
