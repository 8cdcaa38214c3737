"""ResNeXt (Xie, Girshick, Dollár, Tu and He 2016): ResNet whose 3×3 convolutions run in many narrow groups."""

from functools import partial
from typing import Any

from twice.networks.options import one_of
from twice.networks.resnet import bottleneck, resnet

# How many groups (the cardinality) of how many channels each in the first stage. The paper's table 2 goes from
# ResNet, 1×64d, to 32×4d at equal cost; 64×4d costs twice as much (table 4); 32×8d came later (Mahajan et al. 2018).
TEMPLATES = {
    "1x64d": (1, 64),
    "2x40d": (2, 40),
    "4x24d": (4, 24),
    "8x14d": (8, 14),
    "32x4d": (32, 4),
    "32x8d": (32, 8),
    "64x4d": (64, 4),
}


def resnext(nn: Any, depth: int = 50, template: str = "32x4d", **options: Any) -> Any:
    """A ResNet of bottlenecks in groups; the other options are `resnet`'s.

    torchvision has resnext50_32x4d, resnext101_32x8d and resnext101_64x4d.
    """
    one_of("resnext", "depth", depth, (50, 101, 152))
    groups, base = TEMPLATES[one_of("resnext", "template", template, TEMPLATES)]
    return resnet(nn, depth, block=partial(bottleneck, groups=groups, base=base), **options)
