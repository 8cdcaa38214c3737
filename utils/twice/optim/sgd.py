"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from twice.autograd import Tensor
from twice.optim.optimizer import Array, Optimizer, State, descent


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, weight decay and Nesterov's look-ahead."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def check(self, group: dict[str, Any]) -> None:
        super().check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                f"SGD: nesterov=True came with momentum {group['momentum']} and dampening {group['dampening']}, "
                "expected a positive momentum and no dampening"
            )

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any]) -> None:
        lr, momentum, kept = group["lr"], group["momentum"], 1 - group["dampening"]
        if momentum and "momentum_buffer" not in state:  # the first velocity is the gradient itself, undampened
            state["momentum_buffer"], kept = Tensor(np.zeros(p.shape, p.dtype)), 1
        velocity = state["momentum_buffer"] if momentum else None
        blocks = self.blocks(p, g, velocity)
        for p, g, b, s, t in blocks:
            g = descent(g, p, group["weight_decay"], group["maximize"], s)
            if b is None:
                step(p, g, lr, t)
            else:
                roll(p, g, b, t, lr, momentum, kept, group["nesterov"])


def step(p: Array, g: Array, lr: float, s: Array) -> None:
    """p ← p − ηg"""
    np.multiply(g, lr, out=s)
    p -= s


def roll(p: Array, g: Array, b: Array, s: Array, lr: float, momentum: float, kept: float, nesterov: bool) -> None:
    """b ← μb + (1 − τ)g, then p ← p − ηb; Nesterov's look-ahead steps along g + μb instead."""
    b *= momentum
    b += g if kept == 1 else np.multiply(g, kept, out=s)
    if nesterov:
        np.multiply(b, momentum, out=s)
        s += g
        s *= lr
        p -= s
    else:
        step(p, b, lr, s)
