"""Inception v3 (Szegedy et al. 2016): large windows factorised into small and into flat ones.

A module is data: its branches by name. In a branch (k, n) or (k, n, s) is a convolution to k channels with a window of
n and a stride of s; a name is one of POOLINGS; a list is a fork, whose convolutions stand side by side. Windows with
stride 1 keep the size of the map, those with stride 2 have no padding. `mixed` makes a module of either engine of it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from twice.blocks import Concat, chain
from twice.networks.googlenet import unit
from twice.networks.heads import renormalise, with_heads
from twice.networks.options import at_least, one_of, widener

Branches = Mapping[str, Sequence[Any]]

AVERAGE, MAX, MAX_PADDED, MAX_SAME = "average 3×3/1", "max 3×3/2", "max 3×3/2, padded", "max 3×3/1"
POOLINGS: dict[str, Callable[[Any], Any]] = {
    AVERAGE: lambda nn: nn.AvgPool2d(3, 1, padding=1),
    MAX: lambda nn: nn.MaxPool2d(3, 2),
    MAX_PADDED: lambda nn: nn.MaxPool2d(3, 2, padding=1),
    MAX_SAME: lambda nn: nn.MaxPool2d(3, 1, padding=1),
}
# The paper's table 1 down to 35×35, and the stem of the weights that were released; VALID: no padding.
VALID = 0
STEMS: dict[str, tuple] = {
    "paper": ((32, 3, 2), (32, 3, 1, VALID), (64, 3), MAX, (80, 3, 1, VALID), (192, 3, 2), (288, 3)),
    "released": ((32, 3, 2), (32, 3, 1, VALID), (64, 3), MAX, (80, 1), (192, 3, 1, VALID), MAX),
}


def factorised(pool: int = 64, *, five: bool = True) -> Branches:
    """Figure 5: two 3×3 see what one 5×5 sees, for 18/25 of its cost.

    v3 as released has a 5×5 beside them, where the figure has a 3×3 (`five=False`).
    """
    return {
        "branch1x1": [(64, 1)],
        "branch5x5": [(48, 1), (64, 5 if five else 3)],
        "branch3x3dbl": [(64, 1), (96, 3), (96, 3)],
        "branch_pool": [AVERAGE, (pool, 1)],
    }


def asymmetric(c: int = 128, *, n: int = 7) -> Branches:
    """Figure 6: 1×n after n×1 sees what n×n sees, for 2/n of its cost; c channels inside."""
    flat, tall = (1, n), (n, 1)
    return {
        "branch1x1": [(192, 1)],
        "branch7x7": [(c, 1), (c, flat), (192, tall)],
        "branch7x7dbl": [(c, 1), (c, tall), (c, flat), (c, tall), (192, flat)],
        "branch_pool": [AVERAGE, (192, 1)],
    }


def expanded() -> Branches:
    """Figure 7: on the coarsest maps the flat windows stand side by side and double the channels."""
    fork = [(384, (1, 3)), (384, (3, 1))]
    return {
        "branch1x1": [(320, 1)],
        "branch3x3": [(384, 1), fork],
        "branch3x3dbl": [(448, 1), (384, 3), fork],
        "branch_pool": [AVERAGE, (192, 1)],
    }


def reduction(branch3x3: Sequence[Any], branch: Sequence[Any]) -> Branches:
    """Figure 10: convolutions with stride 2 beside a pooling halve the map and widen it at once: no bottleneck."""
    return {"branch3x3": branch3x3, "branch": branch, "branch_pool": [MAX]}


# The paper's table 1 from 35×35 on, with the numbers of modules and channels of v3 as released.
V3: dict[str, Branches] = {
    "Mixed_5b": factorised(32), "Mixed_5c": factorised(64), "Mixed_5d": factorised(64),
    "Mixed_6a": reduction([(384, 3, 2)], [(64, 1), (96, 3), (96, 3, 2)]),
    "Mixed_6b": asymmetric(128), "Mixed_6c": asymmetric(160), "Mixed_6d": asymmetric(160), "Mixed_6e": asymmetric(192),
    "Mixed_7a": reduction([(192, 1), (320, 3, 2)], [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)]),
    "Mixed_7b": expanded(), "Mixed_7c": expanded(),
}  # fmt: skip


def mixed(nn: Any, c: int, branches: Branches, *, width: float = 1.0) -> Any:
    """The module that the branches describe, on c channels: `mixed(nn, 288, factorised(64))`"""
    return mixed_channels(nn, c, branches, widener("mixed", width))[0]


def inception_v3(
    nn: Any,
    stem: str = "released",
    *,
    auxiliary: bool = True,
    classes: int = 1000,
    width: float = 1.0,
    image: int = 299,
    dropout: float = 0.5,
    transform_input: bool = False,
) -> Any:
    """(N, 3, 299, 299) to 35×35, 17×17 and 8×8 maps of 288, 768 and 2048 channels, all with BatchNorm.

    Evaluating, it answers the logits. Training with the `auxiliary` head, it answers (logits, aux), as torchvision
    does; the head needs the full 299. The `released` stem is torchvision's and that of the trained weights, with a 1×1
    convolution and a second pooling; the `paper` stem goes on with 3×3 convolutions to 288 channels.
    The trained weights come with the head and expect `transform_input`: pixels with mean and deviation 0.5 instead of
    those of ImageNet's channels.
    """
    rows = STEMS[one_of("inception_v3", "stem", stem, STEMS)]
    at_least("inception_v3", "image", image, 299 if auxiliary else 75)
    at_least("inception_v3", "classes", classes, 1)
    wide = widener("inception_v3", width)
    first, c = _branch(nn, 3, rows, wide)
    layers = {"input": renormalise(nn) if transform_input else None, "stem": first}
    for name, branches in V3.items():
        layers[name], c = mixed_channels(nn, c, branches, wide)
        if name == "Mixed_6e" and auxiliary:
            layers["AuxLogits"] = _head(nn, c, wide, classes)
    return with_heads(
        nn,
        {"AuxLogits": "Mixed_6e"} if auxiliary else {},
        **layers,
        avgpool=nn.AdaptiveAvgPool2d(1),
        dropout=nn.Dropout(dropout),
        flatten=nn.Flatten(),
        fc=nn.Linear(c, classes),
    )


def _head(nn: Any, c: int, wide: Any, classes: int) -> Any:
    """(N, 768, 17, 17) pooled to 5×5, a 1×1 convolution, one 5×5 that leaves a vector, one fully connected layer."""
    u = partial(unit, nn, batch_norm=True)
    return chain(
        nn,
        pool=nn.AvgPool2d(5, 3),
        conv0=u(c, wide(128), 1),
        conv1=u(wide(128), wide(768), 5),
        avgpool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(wide(768), classes),
    )


def mixed_channels(nn: Any, c: int, branches: Branches, wide: Callable[[int], int]) -> tuple[Any, int]:
    """The module, its channels passed through `wide`, and how many channels come out."""
    made = {name: _branch(nn, c, steps, wide) for name, steps in branches.items()}
    return Concat(nn, **{name: body for name, (body, _) in made.items()}), sum(k for _, k in made.values())


def _branch(nn: Any, c: int, steps: Sequence[Any], wide: Callable[[int], int]) -> tuple[Any, int]:
    """The steps one after the other, and how many channels come out."""
    layers = []
    for step in steps:
        layer, c = _step(nn, c, step, wide)
        layers.append(layer)
    return nn.Sequential(*layers), c


def _step(nn: Any, c: int, step: Any, wide: Callable[[int], int]) -> tuple[Any, int]:
    if isinstance(step, str):
        return POOLINGS[step](nn), c
    if isinstance(step, list):
        return mixed_channels(nn, c, {str(i): [fork] for i, fork in enumerate(step)}, wide)
    return _convolution(nn, c, wide, *step)


def _convolution(
    nn: Any, c: int, wide: Callable[[int], int], channels: int, window: Any, stride: int = 1, padding: Any = None
) -> tuple[Any, int]:
    k = wide(channels)
    padding = _same(window, stride) if padding is None else padding
    return unit(nn, c, k, window, batch_norm=True, stride=stride, padding=padding), k


def _same(window: int | tuple[int, int], stride: int) -> Any:
    """The padding that keeps the size for stride 1; none for stride 2."""
    if stride > 1:
        return 0
    return window // 2 if isinstance(window, int) else tuple(n // 2 for n in window)
