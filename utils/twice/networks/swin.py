"""Swin (Liu et al. 2021): a Transformer in stages as a CNN has them; attention within windows, which shift."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import Sum, chain, engine_of
from twice.networks.modern import drop_path, permute, rising, start
from twice.networks.options import at_least, one_of, widener
from twice.networks.vit import mlp

# The paper's section 3.3: channels of the first stage, blocks of each stage; and its rate of stochastic depth.
VARIANTS = {
    "T": (96, (2, 2, 6, 2), 0.2),
    "S": (96, (2, 2, 18, 2), 0.3),
    "B": (128, (2, 2, 18, 2), 0.5),
}
HEAD = 32  # channels of one head


def swin(
    nn: Any,
    variant: str = "T",
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    window: int = 7,
    stochastic_depth: float | None = None,
) -> Any:
    """Patches of 4×4, then four stages; between them 2×2 neighbours merge, which doubles the channels.

    Maps that the windows do not fill are padded, so that every image from 4×4 on works, as in torchvision.
    """
    channels, depths, rate = VARIANTS[one_of("swin", "variant", variant, VARIANTS)]
    at_least("swin", "image", image, 4)
    at_least("swin", "window", window, 1)
    at_least("swin", "classes", classes, 1)
    rates = iter(rising("swin", rate if stochastic_depth is None else stochastic_depth, sum(depths)))
    heads, size = channels // HEAD, widener("swin", width)(HEAD)
    c = heads * size
    stages = {"patches": nn.Sequential(nn.Conv2d(3, c, 4, stride=4), permute(nn, 0, 2, 3, 1), nn.LayerNorm(c))}
    for i, depth in enumerate(depths):
        if i:
            stages[f"merge{i}"] = _parts(nn).Merging(c)
            heads, c = 2 * heads, 2 * c
        shifts = [window // 2 if block % 2 else 0 for block in range(depth)]
        stages[f"stage{i + 1}"] = nn.Sequential(*[_block(nn, c, heads, window, s, next(rates)) for s in shifts])
    net = chain(
        nn,
        **stages,
        norm=nn.LayerNorm(c),
        channels_first=permute(nn, 0, 3, 1, 2),
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        head=nn.Linear(c, classes),
    )
    return start(nn, net)


def _block(nn: Any, c: int, heads: int, window: int, shift: int, rate: float) -> Any:
    """z + attention(norm(z)), then z + MLP(norm(z)); every second block shifts its windows by half a window"""
    attention = _parts(nn).WindowAttention(c, heads, window, shift)
    attend = chain(nn, norm=nn.LayerNorm(c), attention=attention, path=drop_path(nn, rate))
    feed = chain(nn, norm=nn.LayerNorm(c), mlp=mlp(nn, c), path=drop_path(nn, rate))
    return chain(nn, attend=Sum(nn, attend), feed=Sum(nn, feed))


def _padded(nn: Any, x: Any, m: int) -> Any:
    """(N, H, W, C) with zeros below and to the right, up to multiples of m"""
    h, w = x.shape[1:3]
    return nn.functional.pad(x, (0, 0, 0, -w % m, 0, -h % m)) if h % m or w % m else x


def _windows(x: Any, m: int) -> Any:
    """(N, H, W, C) → (N, windows, m², C)"""
    n, h, w, c = x.shape
    return x.reshape(n, h // m, m, w // m, m, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h * w // (m * m), m * m, c)


def _map(windows: Any, h: int, w: int, m: int) -> Any:
    """The inverse of `_windows`"""
    n, c = windows.shape[0], windows.shape[-1]
    return windows.reshape(n, h // m, w // m, m, m, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)


def _offsets(top: Any, m: int) -> Any:
    """Which of the (2m − 1)² offsets leads from position j of a window to i, for all i and j: (m⁴,)"""
    place = top.arange(m * m)
    row, column = place // m, place % m
    offset = lambda a: a[:, None] - a + m - 1
    return (offset(row) * (2 * m - 1) + offset(column)).flatten()


def _strangers(top: Any, x: Any, m: int, shift: list[int]) -> Any:
    """−100 between positions that share a window only since the map was rolled round its edge: (windows, m², m²)"""
    below, right = (top.arange(side, device=x.device) >= side - s for side, s in zip(x.shape[1:3], shift))
    regions = _windows((below[:, None] * 2 + right)[None, :, :, None], m)[0, :, :, 0]
    return (regions[:, :, None] != regions[:, None]) * -100.0


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class Merging(nn.Module):
        """2×2 neighbours side by side in the channels, then a linear layer: (N, H, W, C) → (N, H/2, W/2, 2C)"""

        def __init__(self, c: int):
            super().__init__()
            self.reduction, self.norm = nn.Linear(4 * c, 2 * c, bias=False), nn.LayerNorm(4 * c)

        def forward(self, x: Any) -> Any:
            x = _padded(nn, x, 2)
            n, h, w, c = x.shape
            x = x.reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5).flatten(3)
            return self.reduction(self.norm(x))

    class WindowAttention(nn.Module):
        """softmax(q kᵀ/√d + B + mask) v within each window; B, a number for each offset and head, is learned"""

        def __init__(self, c: int, heads: int, window: int, shift: int):
            super().__init__()
            self.heads, self.window, self.shift = heads, window, shift
            self.bias_table = nn.Parameter(top.zeros((2 * window - 1) ** 2, heads))
            self.register_buffer("offsets", _offsets(top, window))
            self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)

        def forward(self, x: Any) -> Any:  # (N, H, W, C)
            (h, w), m = x.shape[1:3], self.window
            x = _padded(nn, x, m)
            below, right = x.shape[1:3]
            shift = [self.shift if side > m else 0 for side in (below, right)]  # one window alone stays
            bias = self.bias_table[self.offsets].reshape(m * m, m * m, self.heads).permute(2, 0, 1)
            if not any(shift):
                return _map(self.attend(_windows(x, m), bias), below, right, m)[:, :h, :w]
            x = x.roll([-s for s in shift], (1, 2))
            y = self.attend(_windows(x, m), bias + _strangers(top, x, m, shift)[:, None])
            return _map(y, below, right, m).roll(shift, (1, 2))[:, :h, :w]

        def attend(self, x: Any, bias: Any) -> Any:  # (N, windows, m², C); windows and heads are one axis in between
            n, windows, length, c = x.shape
            qkv = self.qkv(x).reshape(n, windows, length, 3, self.heads, c // self.heads)
            q, k, v = qkv.permute(3, 0, 1, 4, 2, 5).flatten(2, 3)
            bias = bias.expand(windows, -1, -1, -1).flatten(0, 1).to(q.dtype)
            y = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            return self.proj(y.reshape(n, windows, self.heads, length, -1).transpose(2, 3).flatten(3))

    return SimpleNamespace(Merging=Merging, WindowAttention=WindowAttention)
