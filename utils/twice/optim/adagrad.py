"""Adagrad: the gradient over the root of the sum of all its squares."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from twice.autograd import Tensor
from twice.optim.optimizer import Array, Optimizer, State, descent, no_steps


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of its squares: often-moved coordinates slow down."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._begin(p.array, self.state[p])

    def _begin(self, p: Array, state: State) -> None:
        start = np.full(p.shape, self.defaults["initial_accumulator_value"], p.dtype)
        state.update(step=no_steps(), sum=Tensor(start))

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any]) -> None:
        if not state:
            self._begin(p, state)
        state["step"].array += 1
        lr = group["lr"] / (1 + (float(state["step"].array) - 1) * group["lr_decay"])
        blocks = self.blocks(p, g, state["sum"])
        for p, g, total, s, r in blocks:
            adagrad(p, descent(g, p, group["weight_decay"], group["maximize"], r), total, s, lr, group["eps"])


def adagrad(p: Array, g: Array, total: Array, s: Array, lr: float, eps: float) -> None:
    """G ← G + g²,   p ← p − η g / (√G + ε)"""
    np.multiply(g, g, out=s)
    total += s
    np.sqrt(total, out=s)
    s += eps
    np.divide(g, s, out=s)
    s *= lr
    p -= s
