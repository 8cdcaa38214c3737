"""Losses: how wrong a prediction is, as one number (or one per example), and in which direction it should move."""

import math
from collections.abc import Iterator

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_same_dtype
from twice.kernels.special import expit, log1p_exp

_BLOCK = 1 << 18  # numbers a block of cross-entropy: its passes stay in cache


# ── regression ──────────────────────────────────────────────────────────────────────────────────────────────


def mse_loss(x: Array, target: Array, reduction: str = "mean"):
    """ℓ = (x − t)²; dx = 2(x − t)·dy = −dt."""
    d = _difference("mse_loss", x, target)

    def back(dy: Array):
        return _both_ways(d * (2 * _share(dy, d.size, reduction)))

    return _reduce("mse_loss", d * d, reduction), back


def l1_loss(x: Array, target: Array, reduction: str = "mean"):
    """ℓ = |x − t|; dx = sign(x − t)·dy = −dt."""
    d = _difference("l1_loss", x, target)
    sign = np.sign(d)

    def back(dy: Array):
        return _both_ways(sign * _share(dy, sign.size, reduction))

    return _reduce("l1_loss", np.abs(d), reduction), back


def smooth_l1_loss(x: Array, target: Array, reduction: str = "mean", beta: float = 1.0):
    """ℓ = d²/2β where |d| < β, else |d| − β/2, d = x − t; its slope is s = clip(d/β, −1, 1), and ℓ = s·d − βs²/2."""
    require(beta >= 0, f"smooth_l1_loss: beta is {beta}, expected at least 0")
    d = _difference("smooth_l1_loss", x, target)
    slope = np.clip(d / beta, -1, 1) if beta else np.sign(d)

    def back(dy: Array):
        return _both_ways(slope * _share(dy, slope.size, reduction))

    return _reduce("smooth_l1_loss", slope * (d - slope * (beta / 2)), reduction), back


def huber_loss(x: Array, target: Array, reduction: str = "mean", delta: float = 1.0):
    """ℓ = d²/2 where |d| < δ, else δ(|d| − δ/2), with d = x − t; the slope is s = clip(d, −δ, δ) and ℓ = s·d − s²/2."""
    require(delta > 0, f"huber_loss: delta is {delta}, expected more than 0")
    d = _difference("huber_loss", x, target)
    slope = np.clip(d, -delta, delta)

    def back(dy: Array):
        return _both_ways(slope * _share(dy, slope.size, reduction))

    return _reduce("huber_loss", slope * (d - slope * 0.5), reduction), back


def poisson_nll_loss(
    x: Array, target: Array, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
):
    """ℓ = eˣ − t·x where x is the log of the rate, else x − t·ln(x + ε); `full` adds Stirling's ln t! for t > 1.

    dx = eˣ − t, or 1 − t/(x + ε); dt = −x, or −ln(x + ε), and with `full` + ln t + 1/2t for t > 1.
    """
    _floats("poisson_nll_loss", x, target)
    rate, log_rate = (np.exp(x), x) if log_input else (x, np.log(x + eps))
    losses = rate - target * log_rate
    many = np.where(target > 1, target, 1)
    if full:
        stirling = many * np.log(many) - many + 0.5 * np.log(2 * math.pi * many)
        losses = losses + stirling * (target > 1)

    def back(dy: Array):
        u = _share(dy, losses.size, reduction)
        dt = -log_rate
        if full:
            dt = dt + (np.log(many) + 0.5 / many) * (target > 1)
        return u * (rate - target if log_input else 1 - target / (x + eps)), u * dt

    return _reduce("poisson_nll_loss", losses, reduction), back


def gaussian_nll_loss(
    x: Array, target: Array, var: Array, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
):
    """ℓ = ½(ln v + d²/v), with d = x − t and v = max(var, ε); `full` adds ½ ln 2π.

    dx = d/v = −dt, dv = ½(1/v − d²/v²).
    """
    d = _difference("gaussian_nll_loss", x, target)
    require(bool((var >= 0).all()), "gaussian_nll_loss: var has a negative entry, expected variances")
    if var.shape != x.shape:
        var_axis = var.shape == x.shape[:-1]
        require(
            var_axis or var.shape == (*x.shape[:-1], 1),
            f"gaussian_nll_loss: var has shape {var.shape}, expected {x.shape}, {(*x.shape[:-1], 1)} or {x.shape[:-1]}",
        )
    v = np.maximum(var, eps).reshape(var.shape if var.ndim == x.ndim else (*var.shape, 1))
    losses = 0.5 * (np.log(v) + d * d / v)
    if full:
        losses += 0.5 * math.log(2 * math.pi)

    def back(dy: Array):
        u = _share(dy, d.size, reduction)
        dx = u * d / v
        dv = 0.5 * u * (1 / v - d * d / (v * v))
        return dx, -dx, dv if v.shape == d.shape else dv.sum(-1).reshape(var.shape)

    return _reduce("gaussian_nll_loss", losses, reduction), back


# ── two classes and margins ─────────────────────────────────────────────────────────────────────────────────


def binary_cross_entropy(x: Array, target: Array, weight: Array | None = None, reduction: str = "mean"):
    """ℓ = −w(t·ln x + (1 − t)·ln(1 − x)), each logarithm at least −100, as torch has it.

    dx = w(x − t)/(x(1 − x)), dt = w(ln(1 − x) − ln x).
    """
    where = "binary_cross_entropy"
    _floats(where, x, target)
    require(x.shape == target.shape, f"{where}: target has shape {target.shape}, expected {x.shape} as x")
    require(bool(((x >= 0) & (x <= 1)).all()), f"{where}: x has entries outside [0, 1], expected probabilities")
    log_x, log_rest = _logs(x)
    losses = _weighted((target - 1) * log_rest - target * log_x, weight)

    def back(dy: Array):
        u = _weighted(_share(dy, x.size, reduction), weight)
        log_x, log_rest = _logs(x)
        return u * ((x - target) / np.maximum(x * (1 - x), 1e-12)), u * (log_rest - log_x)

    return _reduce(where, losses, reduction), back


def _logs(x: Array) -> tuple[Array, Array]:
    """ln x and ln(1 − x), cut at −100."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)


def binary_cross_entropy_with_logits(
    x: Array, target: Array, weight: Array | None = None, reduction: str = "mean", pos_weight: Array | None = None
):
    """ℓ = w((1 − t)·x + q·ln(1 + e⁻ˣ)) with q = 1 + (p − 1)t: the cross-entropy of σ(x), positives counted p times.

    dx = w((1 − t) − q·σ(−x)), dt = w((p − 1)·ln(1 + e⁻ˣ) − x).
    """
    where = "binary_cross_entropy_with_logits"
    _floats(where, x, target)
    require(x.shape == target.shape, f"{where}: target has shape {target.shape}, expected {x.shape} as x")
    excess = x.dtype.type(0) if pos_weight is None else pos_weight - 1
    losses = _weighted((1 - target) * x + (1 + excess * target) * log1p_exp(-x), weight)

    def back(dy: Array):
        u = _weighted(_share(dy, x.size, reduction), weight)
        dx = (1 - target) - (1 + excess * target) * expit(-x)
        return u * dx, u * (excess * log1p_exp(-x) - x)

    return _reduce(where, losses, reduction), back


def soft_margin_loss(x: Array, target: Array, reduction: str = "mean"):
    """ℓ = ln(1 + e^(−t·x)), t = ±1; dx = −t·σ(−t·x)."""
    t = _signs("soft_margin_loss", x, target)
    z = -t * x

    def back(dy: Array):
        return _share(dy, z.size, reduction) * -t * expit(z), None

    return _reduce("soft_margin_loss", log1p_exp(z), reduction), back


def hinge_loss(x: Array, target: Array, reduction: str = "mean"):
    """ℓ = max(0, 1 − t·x), t = ±1: the loss of a support vector machine; dx = −t where ℓ > 0."""
    t = _signs("hinge_loss", x, target)
    losses = np.maximum(1 - t * x, 0)
    slope = -t * (losses > 0)

    def back(dy: Array):
        return _share(dy, slope.size, reduction) * slope, None

    return _reduce("hinge_loss", losses, reduction), back


def hinge_embedding_loss(x: Array, target: Array, margin: float = 1.0, reduction: str = "mean"):
    """ℓ = x where t = 1, max(0, margin − x) where t = −1; dx = 1, or −1 where ℓ > 0."""
    t = _signs("hinge_embedding_loss", x, target)
    room = margin - x
    losses = x * (t != -1) + np.maximum(room, 0) * (t != 1)
    slope = (t != -1).astype(x.dtype) - ((t != 1) & (room > 0))

    def back(dy: Array):
        return _share(dy, slope.size, reduction) * slope, None

    return _reduce("hinge_embedding_loss", losses, reduction), back


def margin_ranking_loss(x1: Array, x2: Array, target: Array, margin: float = 0.0, reduction: str = "mean"):
    """ℓ = max(0, margin − t(x₁ − x₂)): t = 1 wants x₁ above x₂, t = −1 below; dx₁ = −t = −dx₂ where ℓ > 0."""
    d = _difference("margin_ranking_loss", x1, x2)
    t = _signs("margin_ranking_loss", d, target)
    z = margin - t * d
    slope = -t * (z > 0)

    def back(dy: Array):
        return *_both_ways(_share(dy, slope.size, reduction) * slope), None

    return _reduce("margin_ranking_loss", np.maximum(z, 0), reduction), back


def multi_margin_loss(
    x: Array,
    target: Array,
    p: int = 1,
    margin: float = 1.0,
    weight: Array | None = None,
    reduction: str = "mean",
):
    """ℓ = w_t/C · Σ_{j≠t} max(0, z_j)ᵖ, z_j = margin − x_t + x_j, for scores x (N, C) or (C), p = 1 or 2.

    dx_j = w_t/C · [z_j > 0], or 2 w_t/C · max(0, z_j) for p = 2; dx_t = −Σ_{j≠t} dx_j.
    """
    where = "multi_margin_loss"
    require_floating(where, "x", x)
    require(p in (1, 2), f"{where}: p is {p}, expected 1 or 2")
    require(x.ndim in (1, 2), f"{where}: x has shape {x.shape}, expected (N, C) or (C)")
    rows = x.reshape(-1, x.shape[-1])
    t = _class_indices(where, target, x.shape[:-1], rows.shape[1]).reshape(-1, 1)
    z = margin - np.take_along_axis(rows, t, 1) + rows
    np.put_along_axis(z, t, 0, 1)
    np.maximum(z, 0, out=z)
    scale = _weighted(np.full(t.shape, 1 / rows.shape[1], x.dtype), None if weight is None else weight[t])
    losses = ((z if p == 1 else z * z).sum(1, keepdims=True) * scale).reshape(x.shape[:-1])

    def back(dy: Array):
        u = np.reshape(_share(dy, losses.size, reduction), (-1, 1)) * scale
        dx = u * (z > 0) if p == 1 else u * (2 * z)
        np.put_along_axis(dx, t, -dx.sum(1, keepdims=True), 1)
        return dx.reshape(x.shape), None

    return _reduce(where, losses, reduction), back


# ── many classes ────────────────────────────────────────────────────────────────────────────────────────────


def nll_loss(x: Array, target: Array, weight: Array | None = None, ignore_index: int = -100, reduction: str = "mean"):
    """ℓ = −w_t·x_t for log-probabilities x (N, C, *) or (C) and classes t (N, *); the mean divides by Σ w_t.

    dx_t = −w_t, and 0 at the other classes.
    """
    rows, t, _, w = _classes("nll_loss", x, target, weight, ignore_index)
    losses = -np.take_along_axis(rows, t, 1) * w
    total = _total(w, reduction)

    def back(dy: Array):
        dx = np.zeros_like(rows)
        np.put_along_axis(dx, t, -w * _spread(dy, w, total), 1)
        return dx.reshape(x.shape), None

    return _reduce("nll_loss", losses.reshape(target.shape), reduction, total), back


def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
):
    """ℓ = −Σ_c q_c·w_c·ln p_c with p = softmax(x), over the classes: axis 1 of x (N, C, *), the only axis of x (C).

    `target` holds classes t (N, *): q is 1 at t; or the probabilities q in the shape of x. Smoothing ε makes it
    (1 − ε)q + ε/C. The mean divides by Σ w_t for classes, by the number of examples for probabilities.
    dx_c = p_c·Σ_j q_j·w_j − q_c·w_c.
    """
    require(0 <= label_smoothing <= 1, f"cross_entropy: label_smoothing is {label_smoothing}, expected from 0 to 1")
    if target.dtype.kind == "f":
        return _soft_cross_entropy(x, target, weight, reduction, label_smoothing)
    rows, t, counted, w = _classes("cross_entropy", x, target, weight, ignore_index)
    powers, sums, log_sums = _exponentials(rows)
    hit, total = w * (1 - label_smoothing), _total(w, reduction)  # hit: q·w at the target, but for the smoothing
    losses, mass, even = hit * (log_sums - np.take_along_axis(rows, t, 1)), hit, None
    if label_smoothing:
        even = counted * _smoothing(rows, weight, label_smoothing)  # its q·w, at every class
        losses += (even * (log_sums - rows)).sum(1, keepdims=True)
        mass = hit + even.sum(1, keepdims=True)

    def back(dy: Array):
        u = _spread(dy, w, total)
        dx = powers * (u * mass / sums)
        if even is not None:
            dx -= u * even
        np.put_along_axis(dx, t, np.take_along_axis(dx, t, 1) - u * hit, 1)
        return dx.reshape(x.shape), None

    return _reduce("cross_entropy", losses.reshape(target.shape), reduction, total), back


def _soft_cross_entropy(x: Array, target: Array, weight: Array | None, reduction: str, label_smoothing: float):
    """The target is a distribution over the classes, for every example."""
    _floats("cross_entropy", x, target)
    require(x.shape == target.shape, f"cross_entropy: target has shape {target.shape}, expected {x.shape} or classes")
    rows = _class_rows(x)
    w = np.ones((1,) * rows.ndim, x.dtype) if weight is None else _class_weight(rows, weight)
    q = w * (_class_rows(target) * (1 - label_smoothing) + label_smoothing / rows.shape[1])
    powers, sums, log_sums = _exponentials(rows)
    log_p = rows - log_sums
    losses = -(q * log_p).sum(1)
    examples = losses.size if reduction == "mean" else None

    def back(dy: Array):
        u = _spread(dy, sums, examples)
        dx = powers * (u * q.sum(1, keepdims=True) / sums)
        dx -= u * q
        dt = log_p * (u * w * (label_smoothing - 1))
        return dx.reshape(x.shape), dt.reshape(x.shape)

    shape = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    return _reduce("cross_entropy", losses.reshape(shape), reduction), back


def _exponentials(rows: Array) -> tuple[Array, Array, Array]:
    """e^(x − max x) and its sum over axis 1, a few rows at a time, and ln Σ eˣ."""
    powers = np.empty(rows.shape, rows.dtype)
    sums, top = np.empty((2, rows.shape[0], 1, *rows.shape[2:]), rows.dtype)
    for block in _row_blocks(rows):
        top[block] = rows[block].max(1, keepdims=True)
        e = np.subtract(rows[block], top[block], out=powers[block])
        np.exp(e, out=e)
        sums[block] = _class_sums(e)
    return powers, sums, np.log(sums) + top


def _class_sums(e: Array) -> Array:
    """Σ over axis 1, which stays: for (N, C) as a product with ones, which the BLAS sums fastest."""
    if e.ndim == 2:
        return np.matmul(e, np.ones((e.shape[1], 1), e.dtype))
    return e.sum(1, keepdims=True)


def _row_blocks(rows: Array) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, math.prod(rows.shape[1:])))
    return (slice(start, start + step) for start in range(0, len(rows), step))


def _class_rows(x: Array) -> Array:
    """(N, C) as it is, (N, C, *) as (N, C, L), and (C) as one row."""
    if x.ndim <= 2:
        return x.reshape(-1, x.shape[-1])
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _class_weight(rows: Array, weight: Array) -> Array:
    """A weight a class, where the classes are axis 1."""
    return weight.reshape(1, -1, *(1,) * (rows.ndim - 2))


def _smoothing(rows: Array, weight: Array | None, epsilon: float) -> Array:
    """ε/C·w_c for every class."""
    share = np.full((1, rows.shape[1], *(1,) * (rows.ndim - 2)), epsilon / rows.shape[1], rows.dtype)
    return share if weight is None else share * _class_weight(rows, weight)


def _classes(
    where: str, x: Array, target: Array, weight: Array | None, ignore_index: int
) -> tuple[Array, Array, Array, Array]:
    """x as rows (N, C, …); the classes t (N, 1, …); which are counted, 0 for `ignore_index` else 1; their weights."""
    require_floating(where, "x", x)
    require(x.ndim > 0, f"{where}: x has shape {x.shape}, expected (C), (N, C) or (N, C, *)")
    rows = _class_rows(x)
    count = rows.shape[1]
    if weight is not None and weight.shape != (count,):
        raise ValueError(f"{where}: weight has shape {weight.shape}, expected ({count},), one for each class")
    require_same_dtype(where, x=x, weight=weight)
    expected = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    t = _class_indices(where, np.where(target == ignore_index, 0, target), expected, count)
    shape = (rows.shape[0], 1, *rows.shape[2:])
    counted = np.reshape(target != ignore_index, shape).astype(x.dtype)
    t = t.reshape(shape)
    return rows, t, counted, counted if weight is None else counted * weight[t]


def _class_indices(where: str, target: Array, shape: tuple[int, ...], count: int) -> Array:
    require(target.dtype.kind in "iu", f"{where}: target has dtype {target.dtype}, expected class indices", TypeError)
    require(target.shape == shape, f"{where}: target has shape {target.shape}, expected {shape}")
    wrong = target[(target < 0) | (target >= count)]
    if wrong.size:
        raise IndexError(f"{where}: target has class {wrong[0]}, expected from 0 to {count - 1}")
    return target


def _total(w: Array, reduction: str) -> Array | None:
    """What a mean divides by: Σ w_t."""
    return np.asarray(w.sum()) if reduction == "mean" else None


def kl_div(x: Array, target: Array, reduction: str = "mean", log_target: bool = False):
    """ℓ = t(ln t − x) for log-probabilities x and probabilities t (0·ln 0 = 0), or their logarithms.

    dx = −t, dt = ln t + 1 − x; with s = ln t: ds = eˢ(s + 1 − x). 'batchmean' divides by the length of axis 0.
    """
    _floats("kl_div", x, target)
    with np.errstate(divide="ignore"):
        log_t = target if log_target else np.log(target)
    t = np.exp(target) if log_target else target
    losses = t * (np.where(t > 0, log_t, 0) - x)
    batch = losses.shape[0] if reduction == "batchmean" and losses.ndim else 1
    reduction = "sum" if reduction == "batchmean" else reduction

    def back(dy: Array):
        u = _share(dy, losses.size, reduction) / batch
        dt = log_t + 1 - x
        return u * np.broadcast_to(-t, losses.shape), u * (dt * t if log_target else dt)

    return np.asarray(_reduce("kl_div", losses, reduction) / batch), back


# ── distances and similarities ──────────────────────────────────────────────────────────────────────────────


def pairwise_distance(x1: Array, x2: Array, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False):
    """y = ‖d‖ₚ over the last axis, d = x₁ − x₂ + ε; dx₁ = dy·∂‖d‖ₚ/∂d = −dx₂."""
    d = _difference("pairwise_distance", x1, x2) + eps
    length = _norm(d, p)

    def back(dy: Array):
        u = dy if keepdim else dy[..., None]
        return _both_ways(u * _norm_slope(d, length, p))

    return (length if keepdim else np.asarray(length[..., 0])), back


def _or_one(length: Array) -> Array:
    """The length of a vector, or 1 for the zero vector, to divide by."""
    return np.where(length == 0, length.dtype.type(1), length)


def _norm(d: Array, p: float) -> Array:
    """‖d‖ₚ = (Σ |d|ᵖ)^(1/p) over the last axis, kept."""
    if p == 2:
        return np.sqrt((d * d).sum(-1, keepdims=True))
    size = np.abs(d)
    if p == math.inf:
        return size.max(-1, keepdims=True)
    return (size**p).sum(-1, keepdims=True) ** (1 / p)


def _norm_slope(d: Array, length: Array, p: float) -> Array:
    """∂‖d‖ₚ/∂d = sign(d)·(|d|/‖d‖)^(p − 1), and 0 where d = 0; for p = ∞ shared by the largest entries."""
    if p == math.inf:
        largest = np.abs(d) == length
        return np.sign(d) * largest / largest.sum(-1, keepdims=True).astype(d.dtype)
    share = np.abs(d) / _or_one(length)
    return np.sign(d) * (share if p == 2 else share ** (p - 1))


def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: float = 1e-8):
    """y = a·b along `dim`, with a = x₁/max(‖x₁‖, ε) and b = x₂/max(‖x₂‖, ε).

    dx₁ = dy·(b − y·x₁/‖x₁‖)/max(‖x₁‖, ε), as if ε never held, which is how torch has it; dx₂ likewise.
    """
    _floats("cosine_similarity", x1, x2)
    x1, x2 = np.broadcast_arrays(x1, x2)
    require(-x1.ndim <= dim < x1.ndim, f"cosine_similarity: dim is {dim}, expected an axis of {x1.shape}")
    n1, n2 = (np.sqrt((x * x).sum(dim, keepdims=True)) for x in (x1, x2))
    a, b = x1 / np.maximum(n1, eps), x2 / np.maximum(n2, eps)
    y = (a * b).sum(dim, keepdims=True)

    def back(dy: Array):
        u = np.expand_dims(dy, dim)
        d1 = u * (b - y * x1 / _or_one(n1)) / np.maximum(n1, eps)
        d2 = u * (a - y * x2 / _or_one(n2)) / np.maximum(n2, eps)
        return d1, d2

    return np.squeeze(y, dim).copy(), back


def cosine_embedding_loss(x1: Array, x2: Array, target: Array, margin: float = 0.0, reduction: str = "mean"):
    """ℓ = 1 − cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) − margin) where t = −1; x (N, D) or (D).

    dcos = −1 where t = 1; 1 where t = −1 and cos > margin; the rest is `cosine_similarity`'s.
    """
    require(
        x1.shape == x2.shape and x1.ndim in (1, 2) and target.shape == x1.shape[:-1],
        f"cosine_embedding_loss: x1 {x1.shape}, x2 {x2.shape}, target {target.shape}, expected (N, D), (N, D), (N)",
    )
    cosine, cosine_back = cosine_similarity(x1, x2, dim=-1, eps=1e-12)
    alike = target == 1
    losses = np.where(alike, 1 - cosine, np.maximum(cosine - margin, 0) * (target == -1))
    slope = ((target == -1) & (cosine > margin)).astype(x1.dtype) - alike

    def back(dy: Array):
        return *cosine_back(_share(dy, slope.size, reduction) * slope), None

    return _reduce("cosine_embedding_loss", losses, reduction), back


def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
):
    """ℓ = max(0, d(a, p) − d(a, n) + margin), d = ‖· − · + ε‖ₚ; `swap` takes the smaller of d(a, n) and d(p, n).

    Where ℓ > 0, dy goes back through d(a, p) and −dy through the other distance.
    """
    near, near_back = pairwise_distance(anchor, positive, p, eps)
    far, far_back = pairwise_distance(anchor, negative, p, eps)
    cross, cross_back = pairwise_distance(positive, negative, p, eps) if swap else (far, far_back)
    swapped = cross < far
    z = near - np.minimum(far, cross) + margin
    active = z > 0

    def back(dy: Array):
        u = _share(dy, active.size, reduction) * active
        da, dp = near_back(u)
        da_far, dn = far_back(-u * ~swapped)
        if not swap:
            return da + da_far, dp, dn
        dp_cross, dn_cross = cross_back(-u * swapped)
        return da + da_far, dp + dp_cross, dn + dn_cross

    return _reduce("triplet_margin_loss", np.maximum(z, 0), reduction), back


# ── what they share ─────────────────────────────────────────────────────────────────────────────────────────


def _reduce(where: str, losses: Array, reduction: str, total: Array | None = None) -> Array:
    """The losses themselves, their sum, or their mean: the sum by `total`, or by their number."""
    require(
        reduction in ("none", "mean", "sum"),
        f"{where}: reduction is {reduction!r}, expected 'none', 'mean' or 'sum'",
    )
    if reduction == "none":
        return np.asarray(losses)
    if reduction == "sum":
        return np.asarray(losses.sum())
    with np.errstate(invalid="ignore"):  # the mean of nothing is NaN, as in torch
        return np.asarray(np.divide(losses.sum(), losses.size if total is None else total, dtype=losses.dtype))


def _share(dy: Array, size: int, reduction: str) -> Array:
    """The part of dy that each loss receives: a mean divides it among `size`."""
    return dy / max(size, 1) if reduction == "mean" else dy


def _spread(dy: Array, like: Array, total: Array | int | None) -> Array:
    """dy for each example in the shape of `like`, divided by `total` if there is one (of 0, no example counts)."""
    u = np.asarray(dy if total is None else dy / (total or 1), like.dtype)
    return u.reshape(like.shape if u.ndim and u.size == like.size else (1,) * like.ndim)


def _both_ways(g: Array) -> tuple[Array, Array]:
    """The gradients of x − t: what moves x up moves t down."""
    return g, -g


def _weighted(losses: Array, weight: Array | None) -> Array:
    return losses if weight is None else losses * weight


def _difference(where: str, x: Array, target: Array) -> Array:
    """x − t, of floats of one dtype whose shapes meet."""
    _floats(where, x, target)
    return np.asarray(x - target)


def _floats(where: str, x: Array, target: Array) -> None:
    require_floating(where, "x", x)
    require_same_dtype(where, x=x, target=target)
    try:
        np.broadcast_shapes(x.shape, target.shape)
    except ValueError:
        raise ValueError(f"{where}: target has shape {target.shape}, expected {x.shape} as x") from None


def _signs(where: str, x: Array, target: Array) -> Array:
    """A target of ±1 (of any dtype) in the dtype of x, so that no product leaves it."""
    require_floating(where, "x", x)
    require(x.shape == target.shape, f"{where}: target has shape {target.shape}, expected {x.shape} as x")
    return target.astype(x.dtype, copy=False)
