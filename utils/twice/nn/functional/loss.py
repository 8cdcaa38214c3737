"""Losses and distances."""

from collections.abc import Callable
from typing import Any

from twice import creation, functions
from twice.autograd import Tensor, op
from twice.kernels import loss as kernels

_mse_loss, _l1_loss, _smooth_l1_loss = op(kernels.mse_loss), op(kernels.l1_loss), op(kernels.smooth_l1_loss)
_huber_loss, _soft_margin_loss = op(kernels.huber_loss), op(kernels.soft_margin_loss)
_poisson_nll_loss, _gaussian_nll_loss = op(kernels.poisson_nll_loss), op(kernels.gaussian_nll_loss)
_binary, _binary_with_logits = op(kernels.binary_cross_entropy), op(kernels.binary_cross_entropy_with_logits)
_hinge_embedding_loss, _margin_ranking_loss = op(kernels.hinge_embedding_loss), op(kernels.margin_ranking_loss)
_multi_margin_loss, _nll_loss = op(kernels.multi_margin_loss), op(kernels.nll_loss)
_cross_entropy, _kl_div = op(kernels.cross_entropy), op(kernels.kl_div)
_pairwise_distance, _cosine_similarity = op(kernels.pairwise_distance), op(kernels.cosine_similarity)
_cosine_embedding_loss, _triplet_margin_loss = op(kernels.cosine_embedding_loss), op(kernels.triplet_margin_loss)


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """torch's two older arguments, where they are given, decide."""
    if size_average is None and reduce is None:
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _unweighted(where: str, weight: Any) -> None:
    if weight is not None:
        raise NotImplementedError(f"{where}: weight is not supported, expected None")


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x − t)²"""
    _unweighted("mse_loss", weight)
    return _mse_loss(input, target, reduction=_reduction(size_average, reduce, reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x − t|"""
    _unweighted("l1_loss", weight)
    return _l1_loss(input, target, reduction=_reduction(size_average, reduce, reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """|x − t|, quadratic below β"""
    return _smooth_l1_loss(input, target, reduction=_reduction(size_average, reduce, reduction), beta=beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """½(x − t)², linear beyond δ"""
    _unweighted("huber_loss", weight)
    return _huber_loss(input, target, reduction=reduction, delta=delta)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−ln of the Poisson distribution"""
    reduction = _reduction(size_average, reduce, reduction)
    return _poisson_nll_loss(input, target, log_input=log_input, full=full, eps=eps, reduction=reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """−ln of the normal distribution"""
    if isinstance(var, float):
        var = creation.full_like(input, var)
    return _gaussian_nll_loss(input, target, var, full=full, eps=eps, reduction=reduction)


# ── yes or no ───────────────────────────────────────────────────────────────────────────────────────────────────


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−t ln x − (1 − t) ln(1 − x)"""
    return _binary(input, target, weight, reduction=_reduction(size_average, reduce, reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of σ(x)"""
    if pos_weight is not None and pos_weight.requires_grad:
        raise NotImplementedError("binary_cross_entropy_with_logits: pos_weight requires a gradient, expected none")
    fixed = None if pos_weight is None else pos_weight.array
    options = {"reduction": _reduction(size_average, reduce, reduction), "pos_weight": fixed}
    return _binary_with_logits(input, target, weight, **options)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """ln(1 + e^(−t·x)), t = ±1"""
    return _soft_margin_loss(input, target, reduction=_reduction(size_average, reduce, reduction))


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin − x) where t = −1"""
    return _hinge_embedding_loss(input, target, margin=margin, reduction=_reduction(size_average, reduce, reduction))


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin − t(x₁ − x₂))"""
    reduction = _reduction(size_average, reduce, reduction)
    return _margin_ranking_loss(input1, input2, target, margin=margin, reduction=reduction)


# ── one of many ─────────────────────────────────────────────────────────────────────────────────────────────────


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−ln softmax(x) at the target"""
    reduction = _reduction(size_average, reduce, reduction)
    options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
    return _cross_entropy(input, target, weight, reduction=reduction, **options)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−x at the target"""
    reduction = _reduction(size_average, reduce, reduction)
    return _nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, margin − x_t + x_j)ᵖ over the other classes j"""
    fixed = None if weight is None else weight.array
    options = {"weight": fixed, "reduction": _reduction(size_average, reduce, reduction)}
    return _multi_margin_loss(input, target, p=p, margin=margin, **options)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the classes of `binary_cross_entropy_with_logits`"""
    losses = functions.mean(_binary_with_logits(input, target, weight, reduction="none"), -1)
    return _reduced(losses, _reduction(size_average, reduce, reduction))


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction is {reduction!r}, expected 'none', 'mean' or 'sum'")
    return {"none": lambda: losses, "mean": lambda: functions.mean(losses), "sum": lambda: functions.sum(losses)}[
        reduction
    ]()


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t(ln t − x) for log-probabilities x"""
    return _kl_div(input, target, reduction=_reduction(size_average, reduce, reduction), log_target=log_target)


# ── distances ───────────────────────────────────────────────────────────────────────────────────────────────────


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x₁ − x₂‖ₚ over the last axis"""
    return _pairwise_distance(x1, x2, p=p, eps=eps, keepdim=keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x₁ and x₂ along an axis"""
    return _cosine_similarity(x1, x2, dim=dim, eps=eps)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos where t = 1, max(0, cos − margin) where t = −1"""
    reduction = _reduction(size_average, reduce, reduction)
    return _cosine_embedding_loss(input1, input2, target, margin=margin, reduction=reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) − d(a, n) + margin)"""
    options = {"margin": margin, "p": p, "eps": eps, "swap": swap}
    reduction = _reduction(size_average, reduce, reduction)
    return _triplet_margin_loss(anchor, positive, negative, reduction=reduction, **options)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any distance"""
    distance = distance_function or pairwise_distance
    far = distance(anchor, negative)
    if swap:
        far = functions.minimum(far, distance(positive, negative))
    gap = functions.add(functions.sub(distance(anchor, positive), far), margin)
    return _reduced(functions.clamp(gap, min=0), reduction)
