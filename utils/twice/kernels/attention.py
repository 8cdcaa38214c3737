"""Attention: a weighted mean of values, the weights from how well a query fits each key.

Inside, scores are kept as Sᵀ = K Qᵀ, (…, S, L): the softmax then reduces over axis −2, along whole rows of memory.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_rank, require_same_dtype
from twice.kernels.dropout import dropout
from twice.kernels.linear import linear

# ── scaled dot product ──────────────────────────────────────────────────────────────────────────────────────


def scaled_dot_product_attention(
    q: Array,
    k: Array,
    v: Array,
    attn_mask: Array | None = None,
    *,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    rng: np.random.Generator | None = None,
):
    """O = softmax(scale Q Kᵀ + mask) V for q (…, L, E), k (…, S, E), v (…, S, Ev); scale = 1/√E.

    A boolean mask says where a query may attend, a float mask is added. A row that may attend nowhere gives zeros.
    With P the softmax: dV = Pᵀ dO, dP = dO Vᵀ, dS = P (dP − rowsum(dP P)), and rowsum(dP P) = rowsum(dO O).
    """
    if enable_gqa:
        raise NotImplementedError("scaled_dot_product_attention: enable_gqa=True is not supported")
    _check_heads("scaled_dot_product_attention", q, k, v)
    mask = _mask("scaled_dot_product_attention", q, k, attn_mask, is_causal)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    o, _, pull = _attend(q, k, v, mask, scale=scale, dropout_p=dropout_p, rng=rng)

    def back(do: Array, needs=(True, True, True, True)):
        dq, dk, dv, ds = pull(do, scores=needs[3] and attn_mask is not None)
        dmask = None if ds is None else _mask_gradient(ds, attn_mask)
        return _fit(dq, q.shape), _fit(dk, k.shape), _fit(dv, v.shape), dmask

    return o, back


def attention_weights(
    q: Array, k: Array, attn_mask: Array | None = None, *, is_causal: bool = False, scale: float | None = None
):
    """P = softmax(scale Q Kᵀ + mask), (…, L, S): what `scaled_dot_product_attention` multiplies V with.

    dS = P (dP − rowsum(dP P)), dQ = scale dS K, dK = scale dSᵀ Q.
    """
    _check_heads("attention_weights", q, k)
    mask = _mask("attention_weights", q, k, attn_mask, is_causal)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    p = _softmax(_scores(q, k, None if mask is None else mask.swapaxes(-1, -2), scale))

    def back(dp: Array, needs=(True, True, True)):
        ds = _softmax_back(dp.swapaxes(-1, -2), p)
        dq, dk = _score_gradients(ds, q, k, scale)
        return _fit(dq, q.shape), _fit(dk, k.shape), _mask_gradient(ds, attn_mask) if needs[2] else None

    return p.swapaxes(-1, -2).copy(), back


_BLOCK = 2**17  # scores at a time, half a megabyte of float32: they stay in the cache from one pass to the next


def _attend(q: Array, k: Array, v: Array, mask: Array | None, **options: Any):
    """`_attend_part` on one piece of the first batch axis after the other: O, the pieces' weights, and a pullback."""
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = (np.broadcast_to(x, batch + x.shape[-2:]) for x in (q, k, v))
    parts = _parts((*batch, k.shape[-2], q.shape[-2]))
    if mask is not None:
        mask = np.broadcast_to(mask.swapaxes(-1, -2), (*batch, k.shape[-2], q.shape[-2]))
    masks = [None if mask is None else mask[part] for part in parts]
    runs = [_attend_part(q[part], k[part], v[part], m, **options) for part, m in zip(parts, masks)]
    outputs, weights, pulls = zip(*((o, w, pull) for (o, w), pull in runs))

    def back(do: Array, dw: Array | None = None, scores: bool = False):
        dws = [None if dw is None else dw[part] for part in parts]
        found = [pull(do[part], dw_part, scores) for pull, part, dw_part in zip(pulls, parts, dws)]
        *gradients, ds = zip(*found)
        return *map(np.concatenate, gradients), np.concatenate(ds) if scores else None

    return np.concatenate(outputs), weights, back


def _parts(shape: tuple[int, ...]) -> Sequence[Any]:
    """Pieces of the first axis of the scores, of about `_BLOCK` numbers."""
    if len(shape) == 2:
        return [...]
    step = max(1, shape[0] * _BLOCK // max(1, math.prod(shape)))
    return [slice(start, start + step) for start in range(0, max(1, shape[0]), step)]


def _attend_part(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    scale: float,
    dropout_p: float,
    rng: np.random.Generator | None,
    empty: float = 1.0,
):
    """O = W V with the weights W = P m, m the dropout's factors; O and Wᵀ, and a pullback to dq, dk, dv and dSᵀ.

    dV = Wᵀ dO, dW = dO Vᵀ and what came for W itself, dS = W dW − P rowsum(dW W).
    """
    p = _softmax(_scores(q, k, mask, scale), empty)
    w = dropout(p, dropout_p, rng=rng)[0] if dropout_p else p
    o = np.matmul(w.swapaxes(-1, -2), v)

    def back(do: Array, dw: Array | None, scores: bool):
        total = np.vecdot(do, o)[..., None, :]  # rowsum(dO O) is rowsum(dO Vᵀ W), without forming it
        ds = np.matmul(v, do.swapaxes(-1, -2))
        if dw is not None:
            ds += dw
            total = total + (dw * w).sum(-2, keepdims=True)
        ds *= w
        ds -= p * total
        return *_score_gradients(ds, q, k, scale), np.matmul(w, do), ds if scores else None

    return (o, w), back


def _scores(q: Array, k: Array, mask: Array | None, scale: float) -> Array:
    """Sᵀ = scale K Qᵀ + mask, the mask transposed as the scores are."""
    s = np.matmul(k, (q * q.dtype.type(scale)).swapaxes(-1, -2))
    if mask is not None and mask.dtype == np.bool_:
        np.copyto(s, -np.inf, where=~mask)
    elif mask is not None:
        s += mask
    return s


def _score_gradients(ds: Array, q: Array, k: Array, scale: float) -> tuple[Array, Array]:
    """dQ = scale dS K and dK = scale dSᵀ Q, given dSᵀ."""
    dq, dk = np.matmul(ds.swapaxes(-1, -2), k), np.matmul(ds, q)
    dq *= scale
    dk *= scale
    return dq, dk


def _softmax(s: Array, empty: float = 1.0) -> Array:
    """exp(s − max) / Σ over axis −2, in place. Where nothing may be attended the sum, 0, is replaced by `empty`."""
    top = s.max(-2, keepdims=True, initial=-np.inf)
    top[top == -np.inf] = 0
    s -= top
    np.exp(s, out=s)
    total = s.sum(-2, keepdims=True)
    total[total == 0] = empty
    s /= total
    return s


def _softmax_back(dp: Array, p: Array) -> Array:
    """ds = p (dp − Σ dp p), the sum over axis −2."""
    return p * (dp - (dp * p).sum(-2, keepdims=True))


def _mask_gradient(ds: Array, mask: Array | None) -> Array | None:
    """A mask of floats is added to the scores: its gradient is theirs, given dSᵀ."""
    return None if mask is None or mask.dtype.kind != "f" else _fit(ds.swapaxes(-1, -2), mask.shape)


def _fit(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an input of this shape was repeated."""
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, (got, had) in enumerate(zip(gradient.shape, shape)) if had == 1 != got)
    return gradient.sum(repeated, keepdims=True)


def _check_heads(where: str, q: Array, k: Array, v: Array | None = None) -> None:
    require_floating(where, "q", q)
    require_same_dtype(where, q=q, k=k, v=v)
    for name, x in {"q": q, "k": k, "v": k if v is None else v}.items():
        require(x.ndim >= 2, f"{where}: {name} has shape {x.shape}, expected at least 2 axes (length, features)")
    require(
        q.shape[-1] == k.shape[-1],
        f"{where}: k has shape {k.shape}, expected its last axis to be {q.shape[-1]} to match q {q.shape}",
    )
    require(
        v is None or v.shape[-2] == k.shape[-2],
        f"{where}: v has shape {None if v is None else v.shape}, expected as many positions as k {k.shape}",
    )


def _mask(where: str, q: Array, k: Array, mask: Array | None, is_causal: bool) -> Array | None:
    """The mask with at least 2 axes; is_causal: position i attends to positions up to i."""
    if is_causal:
        require(mask is None, f"{where}: attn_mask was given, expected None beside is_causal=True")
        return np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    if mask is None:
        return None
    if mask.dtype.kind not in "bf":
        raise TypeError(f"{where}: attn_mask has dtype {mask.dtype}, expected bool or float")
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2])
    expected = (*batch, q.shape[-2], k.shape[-2])
    _check_fits(where, "attn_mask", mask, expected)
    return np.atleast_2d(mask)


def _check_fits(where: str, name: str, mask: Array, expected: tuple[int, ...]) -> None:
    fits = mask.ndim <= len(expected) and all(m in (1, n) for m, n in zip(mask.shape[::-1], expected[::-1]))
    require(fits, f"{where}: {name} has shape {mask.shape}, expected one that broadcasts to {expected}")


# ── additive ────────────────────────────────────────────────────────────────────────────────────────────────


def additive_attention(
    query: Array, keys: Array, values: Array, w_q: Array, w_k: Array, v: Array, mask: Array | None = None
):
    """score_ls = vᵀ tanh(W_q q_l + W_k k_s), weights = softmax_s(score), context = weights values (Bahdanau et al.).

    query (B, L, Dq), keys (B, S, Dk), values (B, S, Dv), w_q (A, Dq), w_k (A, Dk), v (A); mask True = may attend.
    Returns context (B, L, Dv) and weights (B, L, S). Backward: with dscore through the softmax as in dot-product
    attention, du = dscore vᵀ (1 − tanh²) is summed over the keys for W_q q and over the queries for W_k k.
    """
    _check_additive(query, keys, values, w_q, w_k, v, mask)
    (from_query, to_query), (from_keys, to_keys) = linear(query, w_q), linear(keys, w_k)
    features = np.tanh(from_query[:, :, None] + from_keys[:, None])  # (B, L, S, A)
    scores = features @ v
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask)
    weights = _softmax(scores.swapaxes(1, 2)).swapaxes(1, 2)
    context = weights @ values

    def back(dcontext: Array, dweights: Array):
        dp = dweights + dcontext @ values.swapaxes(1, 2)
        dscores = _softmax_back(dp.swapaxes(1, 2), weights.swapaxes(1, 2)).swapaxes(1, 2)
        du = dscores[..., None] * v
        du *= 1 - features * features
        dquery, dw_q, _ = to_query(du.sum(2))
        dkeys, dw_k, _ = to_keys(du.sum(1))
        dv = dscores.ravel() @ features.reshape(-1, len(v))
        return dquery, dkeys, weights.swapaxes(1, 2) @ dcontext, dw_q, dw_k, dv, None

    return (context, weights.copy()), back


def _check_additive(
    query: Array, keys: Array, values: Array, w_q: Array, w_k: Array, v: Array, mask: Array | None
) -> None:
    where = "additive_attention"
    require_floating(where, "query", query)
    require_same_dtype(where, query=query, keys=keys, values=values, w_q=w_q, w_k=w_k, v=v)
    for name, x in {"query": query, "keys": keys, "values": values}.items():
        require_rank(where, name, x, 3, "(B, length, features)")
    require(
        values.shape[:2] == keys.shape[:2] and query.shape[0] == keys.shape[0],
        f"{where}: query, keys, values have shapes {query.shape}, {keys.shape}, {values.shape}, "
        "expected one batch size, and one value for each key",
    )
    for name, w, x in (("w_q", w_q, query), ("w_k", w_k, keys)):
        expected = (*v.shape, x.shape[-1])
        require(w.shape == expected, f"{where}: {name} has shape {w.shape}, expected {expected}")
    if mask is not None and mask.dtype != np.bool_:
        raise TypeError(f"{where}: mask has dtype {mask.dtype}, expected bool (True = may attend)")
    if mask is not None:
        _check_fits(where, "mask", mask, (*query.shape[:2], keys.shape[1]))


# ── many heads ──────────────────────────────────────────────────────────────────────────────────────────────


def multi_head_attention(
    query: Array,
    key: Array,
    value: Array,
    in_proj_weight: Array | None,
    in_proj_bias: Array | None,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    q_proj_weight: Array | None = None,
    k_proj_weight: Array | None = None,
    v_proj_weight: Array | None = None,
    bias_k: Array | None = None,
    bias_v: Array | None = None,
    attn_mask: Array | None = None,
    key_padding_mask: Array | None = None,
    *,
    num_heads: int,
    add_zero_attn: bool = False,
    dropout_p: float = 0.0,
    training: bool = True,
    need_weights: bool = True,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    batch_first: bool = False,
    rng: np.random.Generator | None = None,
):
    """torch's multi_head_attention_forward: project to q, k, v; attend in each head's own E/heads features; project.

    query (L, B, E), key and value (S, B, ·), or (B, L, E) with batch_first. Masks as in nn.MultiheadAttention: True
    means masked out, floats are added; attn_mask (L, S) or (B·heads, L, S), key_padding_mask (B, S).
    in_proj_weight is W_q, W_k, W_v one above the other; None where q_, k_ and v_proj_weight are given instead.
    Returns the output, or (output, weights) with need_weights: (B, L, S), or (B, heads, L, S) if not averaged.
    Where a query may attend nowhere torch gives zeros, but NaN with need_weights; so does this.
    """
    projections = [q_proj_weight, k_proj_weight, v_proj_weight]
    _check_multi_head(query, key, value, in_proj_weight, projections, num_heads, batch_first)
    require(
        not is_causal or attn_mask is not None,
        "multi_head_attention: attn_mask is None, expected the causal mask beside is_causal=True",
    )
    inputs = query, key, value
    (q, k, v), to_inputs = _project(inputs, in_proj_weight, projections, in_proj_bias, num_heads, batch_first)
    positions = k.shape[2]
    (k, to_keys), (v, to_values) = _extend(k, bias_k, add_zero_attn), _extend(v, bias_v, add_zero_attn)
    mask, to_masks = _merge_masks(attn_mask, key_padding_mask, q, positions, k.shape[2])
    options = {"dropout_p": dropout_p if training else 0.0, "rng": rng, "empty": np.nan if need_weights else 1.0}
    o, weights, pull = _attend(q, k, v, mask, scale=q.shape[-1] ** -0.5, **options)
    y, to_heads = linear(_join(o, batch_first), out_proj_weight, out_proj_bias)

    def back(dy: Array, dweights: Array | None = None, needs=(True,) * 14):
        do, dw_out, db_out = to_heads(dy)
        dw = None if dweights is None else _show_back(dweights, num_heads, average_attn_weights)
        to_wanted = [to_mask if need else None for to_mask, need in zip(to_masks, needs[12:])]
        dq, dk, dv, ds = pull(_split(do, num_heads, batch_first), dw, scores=any(to_wanted))
        (dk, dbias_k), (dv, dbias_v) = to_keys(dk), to_values(dv)
        dx, dw_in, db_in, dprojections = to_inputs((dq, dk, dv), needs)
        dmasks = [to_mask and to_mask(ds[:, :, :positions]) for to_mask in to_wanted]
        return *dx, dw_in, db_in, dw_out, db_out, *dprojections, dbias_k, dbias_v, *dmasks

    return ((y, _show(weights, average_attn_weights)) if need_weights else y), back


def _project(
    inputs: Sequence[Array],
    in_proj_weight: Array | None,
    projections: Sequence[Array | None],
    in_proj_bias: Array | None,
    num_heads: int,
    batch_first: bool,
):
    """Query, key and value through a linear layer each, as heads; a pullback to them, W, b and the projections."""
    packed, biased = in_proj_weight is not None, in_proj_bias is not None
    weights = _thirds(in_proj_weight) if packed else projections
    projected, pulls = zip(*map(linear, inputs, weights, _thirds(in_proj_bias)))

    def back(dheads: Sequence[Array], needs: Sequence[bool]):
        parts = zip(pulls, dheads, needs)
        gradients = (pull(_join(d, batch_first), needs=(need, True, True)) for pull, d, need in parts)
        dx, dw, db = zip(*gradients)
        db_in = np.concatenate(db) if biased else None
        return (dx, np.concatenate(dw), db_in, (None,) * 3) if packed else (dx, None, db_in, dw)

    return [_split(x, num_heads, batch_first) for x in projected], back


def _thirds(x: Array | None) -> Sequence[Any]:
    """The parts of q, k and v in a packed weight or bias."""
    return [None] * 3 if x is None else np.split(x, 3)


def _split(x: Array, num_heads: int, batch_first: bool) -> Array:
    """(L, B, E), or (B, L, E) with batch_first, seen as (B, heads, L, E/heads)."""
    x = x.reshape(*x.shape[:2], num_heads, -1)
    return x.transpose(0, 2, 1, 3) if batch_first else x.transpose(1, 2, 0, 3)


def _join(heads: Array, batch_first: bool) -> Array:
    """The inverse of `_split`, heads side by side."""
    x = heads.transpose(0, 2, 1, 3) if batch_first else heads.transpose(2, 0, 1, 3)
    return x.reshape(*x.shape[:2], -1)


def _extend(x: Array, extra: Array | None, zero: bool):
    """One more position for a learnt key or value (1, 1, E), and one for a zero; a pullback to x and the learnt one."""
    batch, heads, positions, size = x.shape
    shape = None if extra is None else extra.shape
    if extra is not None:
        x = np.concatenate([x, np.broadcast_to(extra.reshape(1, heads, 1, size), (batch, heads, 1, size))], axis=2)
    if zero:
        x = np.concatenate([x, np.zeros((batch, heads, 1, size), x.dtype)], axis=2)

    def back(d: Array) -> tuple[Array, Array | None]:
        return d[:, :, :positions], None if shape is None else d[:, :, positions].sum(0).reshape(shape)

    return x, back


def _show(weights: Sequence[Array], averaged: bool) -> Array:
    """The transposed weights of all pieces as one array (B, heads, L, S), or their mean over the heads."""
    shown = np.concatenate(weights).swapaxes(-1, -2)
    return shown.mean(1) if averaged else shown


def _show_back(dshown: Array, num_heads: int, averaged: bool) -> Array:
    d = dshown.swapaxes(-1, -2)
    return d[:, None] / d.dtype.type(num_heads) if averaged else d


def _merge_masks(attn_mask: Array | None, key_padding_mask: Array | None, q: Array, positions: int, total: int):
    """The sum of both masks (B, heads, L, total), −inf for True; positions that were added are open to everyone.

    Also a pullback for each mask of floats, which is added to the scores: its gradient is theirs.
    """
    batch, heads, length, _ = q.shape
    _check_mask("attn_mask", attn_mask, (length, positions), (batch * heads, length, positions))
    _check_mask("key_padding_mask", key_padding_mask, (batch, positions))
    per_head = heads if attn_mask is not None and attn_mask.ndim == 3 else 1
    views = [
        None if attn_mask is None else attn_mask.reshape(-1, per_head, length, positions),
        None if key_padding_mask is None else key_padding_mask[:, None, None],
    ]
    pulls = [_to_mask(view, mask) for view, mask in zip(views, (attn_mask, key_padding_mask))]
    added = [_as_added(view, q.dtype) for view in views if view is not None]
    if not added:
        return None, pulls
    return np.pad(sum(added[1:], added[0]), [(0, 0), (0, 0), (0, 0), (0, total - positions)]), pulls


def _to_mask(view: Array | None, mask: Array | None) -> Callable[[Array], Array] | None:
    if view is None or mask is None or mask.dtype.kind != "f":
        return None
    broadcast, shape = view.shape, mask.shape
    return lambda ds: _fit(ds.swapaxes(-1, -2), broadcast).reshape(shape)


def _as_added(mask: Array, dtype: np.dtype) -> Array:
    return mask if mask.dtype.kind == "f" else np.where(mask, dtype.type(-np.inf), dtype.type(0))


def _check_mask(name: str, mask: Array | None, *expected: tuple[int, ...]) -> None:
    if mask is not None and mask.dtype.kind not in "bf":
        raise TypeError(f"multi_head_attention: {name} has dtype {mask.dtype}, expected bool or float")
    if mask is not None and mask.shape not in expected:
        either = " or ".join(map(str, expected))
        raise ValueError(f"multi_head_attention: {name} has shape {mask.shape}, expected {either}")


def _check_multi_head(
    query: Array,
    key: Array,
    value: Array,
    in_proj_weight: Array | None,
    projections: Sequence[Array | None],
    num_heads: int,
    batch_first: bool,
) -> None:
    where = "multi_head_attention"
    axes = "(B, length, features)" if batch_first else "(length, B, features)"
    for name, x in {"query": query, "key": key, "value": value}.items():
        require_rank(where, name, x, 3, axes)
    for name, w in zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), projections):
        given = w is not None or in_proj_weight is not None
        require(given, f"{where}: {name} is None, expected an array, or in_proj_weight for all three")
    features = query.shape[-1]
    require(
        features % num_heads == 0,
        f"{where}: query has {features} features, expected a multiple of num_heads {num_heads}",
    )
    batch = 0 if batch_first else 1
    require(
        key.shape[:2] == value.shape[:2] and key.shape[batch] == query.shape[batch],
        f"{where}: query, key, value have shapes {query.shape}, {key.shape}, {value.shape}, "
        "expected one batch size, and one value for each key",
    )


# ── where a token stands ────────────────────────────────────────────────────────────────────────────────────


def sinusoidal_positions(length: int, dim: int, dtype: Any = np.float32) -> Array:
    """PE[p, 2i] = sin(p / 10000^(2i/dim)), PE[p, 2i+1] = cos(p / 10000^(2i/dim)): (length, dim) (Vaswani et al.)."""
    require(length >= 0 and dim > 0, f"sinusoidal_positions: length, dim are {length}, {dim}, expected ≥ 0 and ≥ 1")
    angles = np.arange(length)[:, None] * np.exp(np.arange(0, dim, 2) * (-math.log(10000) / dim))
    table = np.empty((length, dim), dtype)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, : dim // 2])
    return table
