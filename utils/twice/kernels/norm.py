"""Normalisation: mean 0 and variance 1 over a batch, an example, a group of channels or a row, then a learned scale."""

import math
from collections.abc import Iterator

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_same_dtype
from twice.kernels.pullback import Parts

_BLOCK = 1 << 16  # numbers a block: the several passes over it stay in cache


def batch_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
):
    """y = w·x̂ + b with x̂ = (x − μ)/√(σ² + ε), one μ and σ² for each channel of x (N, C, *).

    In training they are the batch's, over its m numbers a channel, and the running statistics move towards them
    in place (tracking the unbiased variance); otherwise they are the running statistics. With i = 1/√(σ² + ε):
    dx = w·i·(dy − Σdy/m − x̂·Σ(dy·x̂)/m), dw = Σ dy·x̂, db = Σ dy; in evaluation dx = w·i·dy.
    """
    _check_channels("batch_norm", x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    if not training:
        return _fixed_norm(x, weight, bias, running_mean, running_var, eps)
    planes = _planes(x)
    m = _require_several("batch_norm", x, planes.shape[0] * planes.shape[2])
    y, mean, var, standardise_back = _standardise(planes, weight, bias, eps)
    _track(running_mean, mean, momentum)
    _track(running_var, var * (m / max(m - 1, 1)), momentum)

    def back(dy: Array):
        dx, dw, db = standardise_back(_planes(dy))
        return dx.reshape(x.shape), None if weight is None else dw, None if bias is None else db

    return y.reshape(x.shape), back


def _fixed_norm(x: Array, weight: Array | None, bias: Array | None, mean: Array | None, var: Array | None, eps: float):
    """Evaluation: y = a·(x − μ) + b with a = w/√(σ² + ε), μ and σ² given; dx = a·dy, dw = Σ dy·x̂, db = Σ dy."""
    if mean is None or var is None:
        raise ValueError("batch_norm: running_mean or running_var is None, expected both when not training")
    planes, mean, inverse = _planes(x), mean.copy(), 1 / np.sqrt(var + eps)
    a = inverse if weight is None else inverse * weight
    y = planes - _column(mean, planes)
    y *= _column(a, planes)
    if bias is not None:
        y += _column(bias, planes)

    def to_x(dy: Array) -> Array:
        u = _planes(dy)
        return (u * _column(a, u)).reshape(dy.shape)

    def to_weight(dy: Array) -> Array:
        return _channel_products(_planes(dy), planes - _column(mean, planes)) * inverse

    to_bias = None if bias is None else lambda dy: _channel_sums(_planes(dy))
    return y.reshape(x.shape), Parts(to_x, None if weight is None else to_weight, to_bias)


def instance_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
):
    """batch_norm with a mean and a variance for each channel of each example: N·C channels of one example."""
    if not use_input_stats:
        return batch_norm(x, weight, bias, running_mean, running_var, False, momentum, eps)
    _check_channels("instance_norm", x, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    examples, m = x.shape[0], _require_several("instance_norm", x, math.prod(x.shape[2:]))
    planes = x.reshape(1, -1, m)
    w, b = (None if vector is None else np.tile(vector, examples) for vector in (weight, bias))
    y, mean, var, standardise_back = _standardise(planes, w, b, eps)
    _track(running_mean, mean.reshape(examples, -1).mean(0), momentum)
    _track(running_var, var.reshape(examples, -1).mean(0) * (m / max(m - 1, 1)), momentum)

    def back(dy: Array):
        dx, *sums = standardise_back(dy.reshape(planes.shape))
        dw, db = (total.reshape(examples, -1).sum(0) for total in sums)
        return dx.reshape(x.shape), None if weight is None else dw, None if bias is None else db

    return y.reshape(x.shape), back


def group_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, num_groups: int = 1, eps: float = 1e-5
):
    """y = w·x̂ + b, x̂ standardised over each of `num_groups` groups of channels in each example of x (N, C, *).

    dx is that of x̂ for g = w·dy, dw = Σ dy·x̂, db = Σ dy.
    """
    _check_channels("group_norm", x, weight=weight, bias=bias)
    channels = x.shape[1]
    require(
        num_groups > 0 and channels % num_groups == 0,
        f"group_norm: num_groups is {num_groups}, expected a divisor of the {channels} channels of x {x.shape}",
    )
    planes = x.reshape(1, x.shape[0] * num_groups, math.prod(x.shape[1:]) // num_groups)
    y, mean, var, standardise_back = _standardise(planes, None, None, eps)
    y, column = y.reshape(x.shape), (channels,) + (1,) * (x.ndim - 2)
    if weight is not None:
        y *= weight.reshape(column)
    if bias is not None:
        y += bias.reshape(column)

    def back(dy: Array):
        g = dy if weight is None else dy * weight.reshape(column)
        dx = standardise_back(g.reshape(planes.shape))[0].reshape(x.shape)
        db = None if bias is None else _channel_sums(_planes(dy))
        if weight is None:
            return dx, None, db
        normal = (planes - mean[:, None]) / np.sqrt(var + eps)[:, None]
        return dx, _channel_sums(_planes(normal.reshape(x.shape) * dy)), db

    return y, back


def layer_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    normalized_shape: int | tuple[int, ...] | None = None,
    eps: float = 1e-5,
):
    """y = w·x̂ + b, x̂ = (x − μ)·i with i = 1/√(σ² + ε), over the last axes, `normalized_shape` (default: the last).

    With g = w·dy and means over the row: dx = i·(g − mean g − x̂·mean(g·x̂)), dw = Σ dy·x̂, db = Σ dy.
    """
    shape = _normalized_shape("layer_norm", x, weight, bias, normalized_shape)
    rows = x.reshape(-1, math.prod(shape))
    w = np.ones(rows.shape[1], x.dtype) if weight is None else weight.reshape(-1)
    y, mean, inverse = _standardise_rows(rows, w, bias, eps)

    def back(dy: Array):
        dx, dw, db = _standardise_rows_back(dy.reshape(rows.shape), rows, w, mean, inverse)
        dw, db = dw.reshape(shape), db.reshape(shape)
        return dx.reshape(x.shape), None if weight is None else dw, None if bias is None else db

    return y.reshape(x.shape), back


def _standardise_rows(rows: Array, w: Array, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """y, and μ and i as vectors, a few rows at a time: y = x·(i wᵀ) − (μ·i) wᵀ + 1 bᵀ."""
    count, length = rows.shape
    share = np.full(length, 1 / max(length, 1), rows.dtype)  # a row times `share` is its mean
    b = np.zeros_like(w) if bias is None else bias.reshape(-1)
    y, mean, inverse = np.empty_like(rows), np.empty(count, rows.dtype), np.empty(count, rows.dtype)
    for block in _row_blocks(rows):
        mean[block] = rows[block] @ share
        x, mu, variance = _well_centred(rows[block], mean[block])
        i = inverse[block] = 1 / np.sqrt(variance + eps)
        np.multiply(x, _outer(i, w), out=y[block])
        y[block] += _outer(-mu * i, w, np.ones_like(i), b)
    return y, mean, inverse


def _standardise_rows_back(dy: Array, rows: Array, w: Array, mean: Array, inverse: Array) -> tuple[Array, Array, Array]:
    """dx, dw and db, a few rows at a time.

    As x̂ = (x − μ)·i, the means mean g = m₁ and i²·mean(g·(x − μ)) = m₂ give dx = i·(g − x·m₂ + μ·m₂ − m₁); what is
    centred is taken as a difference of sums, which spares centring x again.
    """
    length, ones = rows.shape[1], np.ones_like(w)
    dx, sums = np.empty_like(rows), np.zeros((3, length), rows.dtype)  # sums: Σ i·x·dy, Σ i·μ·dy, Σ dy
    for block in _row_blocks(rows):
        u, i = dy[block], inverse[block]
        x, mu, _ = _well_centred(rows[block], mean[block])
        product = u * x
        m1 = (u @ w) / length
        m2 = i * i * ((product @ w) / length - mu * m1)
        sums[0] += i @ product
        sums[1:] += np.stack([i * mu, np.ones_like(i)]) @ u
        g = np.multiply(u, _outer(i, w), out=dx[block])
        g -= np.multiply(x, _outer(i * m2, ones), out=product)
        g += _outer(i * (mu * m2 - m1), ones)
    return dx, sums[0] - sums[1], sums[2]


def _well_centred(x: Array, mean: Array) -> tuple[Array, Array, Array]:
    """Rows, their means and variances; where a mean is large beside the spread, what is left of it would be lost in
    rounding, so those rows are centred first."""
    length = max(x.shape[1], 1)
    variance = np.vecdot(x, x) / length - mean * mean
    if (variance < 0.1 * mean * mean).any():
        x, mean = x - mean[:, None], np.zeros_like(mean)
        variance = np.vecdot(x, x) / length
    return x, mean, variance


def _outer(a: Array, v: Array, b: Array | None = None, w: Array | None = None) -> Array:
    """a vᵀ + b wᵀ, a product of inner length 2: much faster than the same by broadcasting."""
    left, right = np.zeros((len(a), 2), a.dtype), np.zeros((2, len(v)), v.dtype)
    left[:, 0], right[0] = a, v
    if b is not None and w is not None:
        left[:, 1], right[1] = b, w
    return np.matmul(left, right)


def rms_norm(
    x: Array,
    weight: Array | None = None,
    normalized_shape: int | tuple[int, ...] | None = None,
    eps: float | None = None,
):
    """y = w·x·i, i = 1/√(mean x² + ε) over the last axes; ε None is the dtype's own.

    With g = w·dy: dx = i·(g − x·i²·mean(g·x)), dw = Σ dy·x·i.
    """
    shape = _normalized_shape("rms_norm", x, weight, None, normalized_shape)
    rows = x.reshape(-1, math.prod(shape))
    length = rows.shape[1]
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    inverse = 1 / np.sqrt(np.vecdot(rows, rows)[:, None] / length + eps)
    y = rows * inverse
    if weight is not None:
        y *= weight.reshape(-1)

    def back(dy: Array):
        flat = dy.reshape(rows.shape)
        g = flat if weight is None else flat * weight.reshape(-1)
        dx = rows * (inverse * inverse * np.vecdot(g, rows)[:, None] / -length)
        dx += g
        dx *= inverse
        dw = None if weight is None else (flat * rows * inverse).sum(0).reshape(shape)
        return dx.reshape(x.shape), dw

    return y.reshape(x.shape), back


def local_response_norm(x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
    """y = x·s^−β with s_c = k + α/size · Σ x_j², over the `size` channels j from c − size//2 to c + (size − 1)//2.

    dx = dy·s^−β − 2αβ/size · x · Σ dy·y/s, over the channels whose windows hold this one.
    """
    require_floating("local_response_norm", "x", x)
    require(x.ndim >= 3, f"local_response_norm: x has shape {x.shape}, expected at least 3 axes (N, C, *)")
    require(size > 0, f"local_response_norm: size is {size}, expected at least 1")
    before, after = size // 2, (size - 1) // 2
    s = _window_sums(x * x, before, after)
    s *= alpha / size
    s += k

    def back(dy: Array):
        dx = s**-beta
        dx *= dy
        spread = dx * x
        spread /= s
        spread = _window_sums(spread, after, before)
        spread *= x
        spread *= 2 * alpha * beta / size
        dx -= spread
        return dx

    return x * s**-beta, back


def _window_sums(x: Array, before: int, after: int) -> Array:
    """Σ of x over the channels c − before … c + after, fewer at the ends; x is (N, C, *)."""
    sums = x.copy()
    for shift in range(1, min(before, x.shape[1] - 1) + 1):
        sums[:, shift:] += x[:, :-shift]
    for shift in range(1, min(after, x.shape[1] - 1) + 1):
        sums[:, :-shift] += x[:, shift:]
    return sums


# ── standardising planes (N, C, L): the part that batch, instance and group normalisation share ─────────────


def _standardise(x: Array, weight: Array | None, bias: Array | None, eps: float):
    """y = w·(x − μ)·i + b with i = 1/√(σ² + ε), for each channel of x (N, C, L), a few at a time; y, μ, σ², pullback.

    The variance is that of x − μ, not mean x² − μ², which float32 would lose where μ is large.
    """
    y, (mean, var) = np.empty_like(x), np.empty((2, x.shape[1]), x.dtype)
    m = max(x.shape[0] * x.shape[2], 1)
    for block in _channel_blocks(x):
        mean[block] = _channel_sums(x[:, block]) / m
        d = x[:, block] - _column(mean[block], x)
        var[block] = _channel_products(d, d) / m
        scale = 1 / np.sqrt(var[block] + eps)
        if weight is not None:
            scale *= weight[block]
        np.multiply(d, _column(scale, x), out=y[:, block])
        if bias is not None:
            y[:, block] += _column(bias[block], x)
    inverse = 1 / np.sqrt(var + eps)
    return y, mean, var, lambda dy: _standardise_back(dy, x, mean, inverse, weight)


def _standardise_back(
    dy: Array, x: Array, mean: Array, inverse: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """dx = w·i·(dy − (x − μ)·i·dw/m − db/m), dw = Σ dy·x̂ and db = Σ dy."""
    dx, dw, db = np.empty_like(x), np.empty_like(mean), np.empty_like(mean)
    a = inverse if weight is None else inverse * weight
    m = max(x.shape[0] * x.shape[2], 1)
    for block in _channel_blocks(x):
        u = dy[:, block]
        d = x[:, block] - _column(mean[block], x)
        db[block] = _channel_sums(u)
        dw[block] = _channel_products(u, d) * inverse[block]
        d *= _column(dw[block] * inverse[block] / -m, x)
        d += u
        d -= _column(db[block] / m, x)
        np.multiply(d, _column(a[block], x), out=dx[:, block])
    return dx, dw, db


def _planes(x: Array) -> Array:
    """(N, C, *) as (N, C, L)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _channel_blocks(x: Array) -> Iterator[slice]:
    """As many channels of x (N, C, L) at a time as stay in cache, at least one."""
    step = max(1, _BLOCK // max(1, x.shape[0] * x.shape[2]))
    return (slice(start, start + step) for start in range(0, x.shape[1], step))


def _row_blocks(x: Array) -> Iterator[slice]:
    """As many rows at a time as stay in cache, at least one."""
    step = max(1, 2 * _BLOCK // max(1, x.shape[1]))
    return (slice(start, min(start + step, len(x))) for start in range(0, len(x), step))


_SHORT = 32  # below this length a loop over planes costs more than its work: treat (C, L) as one long axis


def _channel_sums(x: Array) -> Array:
    """Σ over N and L of x (N, C, L), as products with ones: BLAS sums faster than np.sum."""
    examples, channels, length = x.shape
    if length < _SHORT:
        return (np.ones(examples, x.dtype) @ x.reshape(examples, channels * length)).reshape(channels, length).sum(1)
    return np.vecdot(x, np.ones(length, x.dtype)).sum(0)


def _channel_products(x: Array, y: Array) -> Array:
    """Σ over N and L of x·y."""
    return _channel_sums(x * y) if x.shape[2] < _SHORT else np.vecdot(x, y).sum(0)


def _column(values: Array, x: Array) -> Array:
    """One value a channel, in a shape that meets x (N, C, L); written out along a short L: (C, L) is then one loop."""
    length = x.shape[2]
    return np.repeat(values, length).reshape(-1, length) if length < _SHORT else values[:, None]


# ── checks and statistics ───────────────────────────────────────────────────────────────────────────────────


def _track(running: Array | None, batch: Array, momentum: float) -> None:
    """running ← (1 − momentum)·running + momentum·batch, in place."""
    if running is not None:
        running *= 1 - momentum
        running += momentum * batch


def _require_several(where: str, x: Array, m: int) -> int:
    """The number of values a channel: a single one has no variance."""
    require(m != 1, f"{where}: x has shape {x.shape}, expected more than one value a channel when training")
    return m


def _check_channels(where: str, x: Array, **vectors: Array | None) -> None:
    """x is (N, C, *) of floats, every other array (C,) of the same dtype."""
    require_floating(where, "x", x)
    require(x.ndim >= 2, f"{where}: x has shape {x.shape}, expected at least 2 axes (N, C, *)")
    require_same_dtype(where, x=x, **vectors)
    for name, vector in vectors.items():
        if vector is not None and vector.shape != x.shape[1:2]:
            raise ValueError(f"{where}: {name} has shape {vector.shape}, expected {x.shape[1:2]} for x {x.shape}")


def _normalized_shape(
    where: str, x: Array, weight: Array | None, bias: Array | None, shape: int | tuple[int, ...] | None
) -> tuple[int, ...]:
    """The last axes of x that are normalised, checked against x, weight and bias."""
    require_floating(where, "x", x)
    require_same_dtype(where, x=x, weight=weight, bias=bias)
    if shape is None:
        shape = x.shape[-1:] if weight is None else weight.shape
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    require(
        0 < len(shape) <= x.ndim and x.shape[x.ndim - len(shape) :] == shape,
        f"{where}: x has shape {x.shape}, expected it to end in normalized_shape {shape}",
    )
    for name, array in (("weight", weight), ("bias", bias)):
        require(
            array is None or array.shape == shape,
            f"{where}: {name} has shape {array.shape if array is not None else None}, expected {shape}",
        )
    return shape
