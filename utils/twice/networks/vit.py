"""ViT (Dosovitskiy et al. 2020): an image is a sentence of 16×16 words; and DeiT (Touvron et al. 2020), its student."""

from functools import cache
from types import SimpleNamespace
from typing import Any

from twice.blocks import Sum, chain, engine_of
from twice.networks.modern import drop_path, rising, start
from twice.networks.options import at_least, one_of, widener

# ViT's table 1 and DeiT's: layers, channels, heads; an MLP is four times as wide. B/16 stands for B with patches 16×16.
SIZES = {"Ti": (12, 192, 3), "S": (12, 384, 6), "B": (12, 768, 12), "L": (24, 1024, 16), "H": (32, 1280, 16)}
VARIANTS = {f"{size}/{patch}": (*row, patch) for size, row in SIZES.items() for patch in (14, 16, 32)}


def vit(
    nn: Any,
    variant: str = "B/16",
    *,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 224,
    dropout: float = 0.1,
    stochastic_depth: float = 0.0,
    distilled: bool = False,
) -> Any:
    """Patches and one learned class token, their positions, blocks in which all attend to all, a head on that token.

    Dropout is the paper's for ImageNet; torchvision's model has 0.
    """
    where = "deit" if distilled else "vit"
    layers, channels, heads, patch = VARIANTS[one_of(where, "variant", variant, VARIANTS)]
    if at_least(where, "image", image, patch) % patch:
        raise ValueError(f"{where}: image is {image!r}, expected a multiple of the patch, {patch}")
    at_least(where, "classes", classes, 1)
    d = heads * widener(where, width)(channels // heads)
    P, tokens = _parts(nn), 1 + distilled
    Head = P.DistilledHead if distilled else P.ClassHead
    net = chain(
        nn,
        tokens=P.Tokens(where, tokens, d, patch, image),
        positions=P.Positions(tokens + (image // patch) ** 2, d),
        dropout=nn.Dropout(dropout),
        blocks=nn.Sequential(*[_block(nn, d, heads, dropout, p) for p in rising(where, stochastic_depth, layers)]),
        norm=nn.LayerNorm(d, eps=1e-6),
        head=Head(d, classes),
    )
    return start(nn, net)


def deit(nn: Any, variant: str = "B/16", *, dropout: float = 0.0, stochastic_depth: float = 0.1, **options: Any) -> Any:
    """ViT with a second token and a second head, which learn what a teacher, a convolutional network, answers.

    In training it gives (logits, distillation logits), in eval their mean. The paper's Ti, S, B are Ti/16, S/16, B/16;
    it leaves dropout out.
    """
    return vit(nn, variant, dropout=dropout, stochastic_depth=stochastic_depth, distilled=True, **options)


def _block(nn: Any, d: int, heads: int, dropout: float, rate: float) -> Any:
    """z + attention(norm(z)), then z + MLP(norm(z)): the norms stand before, the shortcuts stay clear"""
    attention = chain(
        nn,
        norm=nn.LayerNorm(d, eps=1e-6),
        attention=_parts(nn).SelfAttention(d, heads, batch_first=True),
        dropout=nn.Dropout(dropout),
        path=drop_path(nn, rate),
    )
    feed = chain(nn, norm=nn.LayerNorm(d, eps=1e-6), mlp=mlp(nn, d, dropout), path=drop_path(nn, rate))
    return chain(nn, attend=Sum(nn, attention), feed=Sum(nn, feed))


def mlp(nn: Any, d: int, dropout: float = 0.0) -> Any:
    """Two linear layers, the hidden one four times as wide."""
    return nn.Sequential(
        nn.Linear(d, 4 * d), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * d, d), nn.Dropout(dropout)
    )  # fmt: skip


@cache
def _parts(nn: Any) -> SimpleNamespace:
    """The layers of this family, made once for each engine."""
    top = engine_of(nn)

    class Tokens(nn.Module):
        """Learned tokens, then a token a patch: (N, 3, H, W) → (N, tokens + patches, D)"""

        def __init__(self, where: str, tokens: int, d: int, patch: int, image: int):
            super().__init__()
            self.where, self.image = where, image
            self.learned = nn.Parameter(top.zeros(1, tokens, d))
            self.patches = nn.Conv2d(3, d, patch, stride=patch)

        def forward(self, x: Any) -> Any:
            if tuple(x.shape[2:]) != (self.image, self.image):
                expected = f"(N, 3, {self.image}, {self.image}), or another option image"
                raise ValueError(f"{self.where}: x has shape {tuple(x.shape)}, expected {expected}")
            words = self.patches(x).flatten(2).transpose(1, 2)
            return top.cat([self.learned.expand(x.shape[0], -1, -1), words], 1)

    class Positions(nn.Module):
        """x + E, a learned vector for each position"""

        def __init__(self, length: int, d: int):
            super().__init__()
            self.embedding = nn.Parameter(top.zeros(1, length, d))

        def forward(self, x: Any) -> Any:
            return x + self.embedding

    class SelfAttention(nn.MultiheadAttention):
        """Queries, keys and values all from x"""

        def forward(self, x: Any) -> Any:
            return super().forward(x, x, x, need_weights=False)[0]

    class ClassHead(nn.Module):
        """The logits of the class token, the first"""

        def __init__(self, d: int, classes: int):
            super().__init__()
            self.classes = nn.Linear(d, classes)

        def forward(self, x: Any) -> Any:
            return self.classes(x[:, 0])

    class DistilledHead(nn.Module):
        """Logits of the class token and of the distillation token: both in training, else their mean"""

        def __init__(self, d: int, classes: int):
            super().__init__()
            self.classes, self.distilled = nn.Linear(d, classes), nn.Linear(d, classes)

        def forward(self, x: Any) -> Any:
            y, z = self.classes(x[:, 0]), self.distilled(x[:, 1])
            return (y, z) if self.training else (y + z) / 2

    names = (Tokens, Positions, SelfAttention, ClassHead, DistilledHead)
    return SimpleNamespace(**{part.__name__: part for part in names})
