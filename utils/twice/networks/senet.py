"""SENet (Hu, Shen and Sun 2018): each channel of F(x) gets a weight that depends on the whole image."""

from functools import partial
from typing import Any

from twice.blocks import chain
from twice.networks.options import at_least
from twice.networks.resnet import resnet
from twice.networks.resnext import resnext


def excitation(nn: Any, c: int, reduction: int = 16) -> Any:
    """Squeeze to a mean per channel, to c/r numbers and back, into (0, 1): the gate of figure 3.

    Its fully connected layers are 1×1 convolutions of a 1×1 map.
    """
    m = max(1, c // reduction)
    return chain(
        nn,
        squeeze=nn.AdaptiveAvgPool2d(1),
        fc1=nn.Conv2d(c, m, 1),
        relu=nn.ReLU(True),
        fc2=nn.Conv2d(m, c, 1),
        sigmoid=nn.Sigmoid(),
    )


def se_resnet(nn: Any, depth: int = 50, *, reduction: int = 16, **options: Any) -> Any:
    """A ResNet with gates; the other options are `resnet`'s. The paper's 3.87 G need `stride_in="1x1"`."""
    return resnet(nn, depth, gate=_gate("se_resnet", reduction), **options)


def se_resnext(nn: Any, depth: int = 50, template: str = "32x4d", *, reduction: int = 16, **options: Any) -> Any:
    """A ResNeXt with gates; the other options are `resnet`'s."""
    return resnext(nn, depth, template, gate=_gate("se_resnext", reduction), **options)


def _gate(where: str, reduction: int) -> Any:
    return partial(excitation, reduction=at_least(where, "reduction", reduction, 1))
