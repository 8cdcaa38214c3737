"""Adam, and AdamW, whose weight decay does not pass through the moments."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from twice.optim.optimizer import Array, Optimizer, State, descent, no_steps, zeros_like


class Adam(Optimizer):
    """Steps of about the learning rate in every coordinate: the gradient's mean over the root of its mean square."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any]) -> None:
        if not state:
            state.update(step=no_steps(), exp_avg=zeros_like(p), exp_avg_sq=zeros_like(p))
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(p)
        state["step"].array += 1
        (beta1, beta2), t = group["betas"], float(state["step"].array)
        root = (1 - beta2**t) ** 0.5
        size, eps = group["lr"] * root / (1 - beta1**t), group["eps"] * root
        coupled = 0 if group["decoupled_weight_decay"] else group["weight_decay"]
        shrink = 1 - group["lr"] * (group["weight_decay"] - coupled)
        largest = state["max_exp_avg_sq"] if group["amsgrad"] else None
        blocks = self.blocks(p, g, state["exp_avg"], state["exp_avg_sq"], largest)
        for p, g, m, v, v_max, s, r in blocks:
            if shrink != 1:
                p *= shrink
            g = descent(g, p, coupled, group["maximize"], r)
            adam(p, g, m, v, v_max, s, size, beta1, beta2, eps)


def adam(
    p: Array, g: Array, m: Array, v: Array, v_max: Array | None, s: Array, size: float, beta1: float, beta2: float,
    eps: float,
) -> None:  # fmt: skip
    """m ← m + (1 − β₁)(g − m),   v ← v + (1 − β₂)(g² − v),   p ← p − η m̂ / (√v̂ + ε)

    The hats divide by 1 − βᵗ, for moments that began at zero. They are folded into two numbers:
    η m̂ / (√v̂ + ε) = size · m / (√v + eps) with size = η √(1 − β₂ᵗ) / (1 − β₁ᵗ) and eps = ε √(1 − β₂ᵗ).
    AMSGrad divides by the largest v so far.
    """
    np.subtract(g, m, out=s)
    s *= 1 - beta1
    m += s
    v *= beta2
    np.multiply(g, g, out=s)
    s *= 1 - beta2
    v += s
    np.sqrt(v if v_max is None else np.maximum(v_max, v, out=v_max), out=s)
    s += eps
    np.divide(m, s, out=s)
    s *= size
    p -= s


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself: p ← (1 − ηλ)p before the step."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
