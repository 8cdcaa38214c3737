"""RMSprop: the gradient over the root of its running mean square."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from twice.optim.optimizer import Array, Optimizer, State, descent, no_steps, zeros_like


class RMSprop(Optimizer):
    """Divides the gradient by the root of its running mean square, or variance where it is centered."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any]) -> None:
        if not state:
            state.update(step=no_steps(), square_avg=zeros_like(p))
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(p)
            if group["centered"]:
                state["grad_avg"] = zeros_like(p)
        state["step"].array += 1
        velocity = state["momentum_buffer"] if group["momentum"] > 0 else None
        mean = state["grad_avg"] if group["centered"] else None
        blocks = self.blocks(p, g, state["square_avg"], mean, velocity)
        for p, g, v, a, b, s, r in blocks:
            g = descent(g, p, group["weight_decay"], group["maximize"], r)
            spread(g, v, a, s, group["alpha"], group["eps"])
            advance(p, g, b, s, group["lr"], group["momentum"])


def spread(g: Array, v: Array, a: Array | None, s: Array, alpha: float, eps: float) -> None:
    """v ← αv + (1 − α)g²,   s = √v + ε;   centered: a ← a + (1 − α)(g − a),   s = √(v − a²) + ε"""
    v *= alpha
    np.multiply(g, g, out=s)
    s *= 1 - alpha
    v += s
    if a is None:
        np.sqrt(v, out=s)
    else:
        np.subtract(g, a, out=s)
        s *= 1 - alpha
        a += s
        np.multiply(a, a, out=s)
        np.subtract(v, s, out=s)
        np.sqrt(s, out=s)
    s += eps


def advance(p: Array, g: Array, b: Array | None, s: Array, lr: float, momentum: float) -> None:
    """p ← p − η g/s;   with momentum: b ← μb + g/s,   p ← p − ηb"""
    np.divide(g, s, out=s)
    if b is not None:
        b *= momentum
        b += s
        np.multiply(b, lr, out=s)
    else:
        s *= lr
    p -= s
