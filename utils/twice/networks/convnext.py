"""ConvNeXt (Liu et al. 2022): a ResNet brought up to date, step by step, until it stands level with Swin."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import Sum, chain, engine_of
from twice.networks.modern import drop_path, permute, rising, start
from twice.networks.options import at_least, one_of, widener

# The paper's section 3: channels and blocks of each stage; and its rate of stochastic depth (table 5).
VARIANTS = {
    "T": ((96, 192, 384, 768), (3, 3, 9, 3), 0.1),
    "S": ((96, 192, 384, 768), (3, 3, 27, 3), 0.4),
    "B": ((128, 256, 512, 1024), (3, 3, 27, 3), 0.5),
    "L": ((192, 384, 768, 1536), (3, 3, 27, 3), 0.5),
}


def convnext(
    nn: Any,
    variant: str = "T",
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    layer_scale: float = 1e-6,
    stochastic_depth: float | None = None,
) -> Any:
    """A stem that cuts patches of 4×4, then four stages; between them a norm and a 2×2 convolution of stride 2."""
    channels, depths, rate = VARIANTS[one_of("convnext", "variant", variant, VARIANTS)]
    at_least("convnext", "image", image, 32)
    at_least("convnext", "classes", classes, 1)
    at_least("convnext", "layer_scale", layer_scale, 0)
    rates = iter(rising("convnext", rate if stochastic_depth is None else stochastic_depth, sum(depths)))
    wide = widener("convnext", width)
    c = wide(channels[0])
    stages = {"stem": nn.Sequential(nn.Conv2d(3, c, 4, stride=4), *_norm(nn, c))}
    for i, (k, depth) in enumerate(zip(map(wide, channels), depths), 1):
        if i > 1:
            stages[f"down{i}"] = nn.Sequential(*_norm(nn, c), nn.Conv2d(c, k, 2, stride=2))
        stages[f"stage{i}"] = nn.Sequential(*[_block(nn, k, layer_scale, next(rates)) for _ in range(depth)])
        c = k
    net = chain(
        nn,
        **stages,
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        norm=nn.LayerNorm(c, eps=1e-6),
        head=nn.Linear(c, classes),
    )
    return start(nn, net)


def _norm(nn: Any, c: int) -> list:
    """LayerNorm over the channels of each position."""
    return [permute(nn, 0, 2, 3, 1), nn.LayerNorm(c, eps=1e-6), permute(nn, 0, 3, 1, 2)]


def _block(nn: Any, c: int, layer_scale: float, rate: float) -> Any:
    """x + γ · body(x): a 7×7 convolution in each channel alone, then an inverted bottleneck, one norm, one GELU"""
    body = nn.Sequential(
        nn.Conv2d(c, c, 7, padding=3, groups=c),
        permute(nn, 0, 2, 3, 1),
        nn.LayerNorm(c, eps=1e-6),
        nn.Linear(c, 4 * c),
        nn.GELU(),
        nn.Linear(4 * c, c),
        permute(nn, 0, 3, 1, 2),
    )
    return Sum(nn, chain(nn, scaled=_parts(nn).Scaled(body, c, layer_scale), path=drop_path(nn, rate)))


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class Scaled(nn.Module):
        """γ · body(x), a learned γ for each channel, small at first: a block begins close to the identity"""

        def __init__(self, body: Any, c: int, layer_scale: float):
            super().__init__()
            self.scale, self.body = nn.Parameter(top.full((c, 1, 1), float(layer_scale))), body

        def forward(self, x: Any) -> Any:
            return self.scale * self.body(x)

    return SimpleNamespace(Scaled=Scaled)
