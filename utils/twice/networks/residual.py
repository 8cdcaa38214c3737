"""Residual units: convolutions F arranged beside a shortcut, as in 2015 (`residual`) or as in 2016 (`preactivated`)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from twice.blocks import Scale, Sum, chain


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
