"""What ViT, Swin and ConvNeXt share: axes in another order, stochastic depth, and the values they begin with."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import engine_of
from twice.networks.options import at_least


def permute(nn: Any, *axes: int) -> Any:
    """The layer that puts axes in another order."""
    return _parts(nn).Permute(axes)


def drop_path(nn: Any, p: float) -> Any:
    """Stochastic depth (Huang et al. 2016): in training a residual branch is 0 for a share p of the images."""
    return _parts(nn).DropPath(p)


def rising(where: str, rate: float, blocks: int) -> list[float]:
    """The blocks' rates of stochastic depth: 0 for the first, `rate` for the last, linear between."""
    if at_least(where, "stochastic_depth", rate, 0) >= 1:
        raise ValueError(f"{where}: stochastic_depth is {rate!r}, expected a number below 1")
    return [rate * i / (blocks - 1) for i in range(blocks)]


def start(nn: Any, net: Any) -> Any:
    """Weights and tokens from N(0, 0.02²), biases 0, as DeiT, Swin and ConvNeXt begin; scales stay as they are."""
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif parameter.ndim > 1 and not name.endswith("scale"):
            nn.init.normal_(parameter, std=0.02)
    return net


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers, made once for each engine."""
    top = engine_of(nn)

    class Permute(nn.Module):
        """x with its axes in another order"""

        def __init__(self, axes: tuple[int, ...]):
            super().__init__()
            self.axes = axes

        def forward(self, x: Any) -> Any:
            return x.permute(*self.axes)

    class DropPath(nn.Module):
        """x · keep / (1 − p), keep 0 or 1 for each image; in eval x"""

        def __init__(self, p: float):
            super().__init__()
            self.p = p

        def forward(self, x: Any) -> Any:
            if not self.training or self.p == 0:
                return x
            drawn = top.rand(x.shape[0], *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device)
            return x * ((drawn >= self.p).to(x.dtype) / (1 - self.p))

    return SimpleNamespace(Permute=Permute, DropPath=DropPath)
