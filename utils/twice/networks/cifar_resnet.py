"""ResNet for CIFAR (He et al. 2015, section 4.2; 2016): three stages on images of 32, from 20 to 1202 layers."""

from collections.abc import Callable
from typing import Any

from twice.networks.options import one_of
from twice.networks.resnet import basic, bottleneck, checked, stages, stem

# For CIFAR 6n + 2 layers, and in 2016 9n + 2 with bottlenecks: n blocks in each of three stages.
CIFAR_DEPTHS: dict[int, tuple[Callable, int, int]] = {
    **{depth: (basic, 1, depth // 6) for depth in (20, 32, 44, 56, 110, 1202)},
    **{depth: (bottleneck, 4, depth // 9) for depth in (164, 1001)},
}


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
    wide = checked("cifar_resnet", shortcut, classes, width, image)
    widths = [expansion * wide(w) for w in (16, 32, 64)]
    layers = stem(nn, wide(16), 3)
    return stages(nn, layers, block or own, widths, [count] * 3, classes, preactivation, shortcut=shortcut, gate=gate)
