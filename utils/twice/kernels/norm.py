"""Normalisation: mean 0 and variance 1 over a batch, an example, a group of channels or a row, then a learned scale."""

import math
from collections.abc import Iterator

import numpy as np

from twice.kernels.checks import Array, require, require_floating, require_same_dtype

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


def _fixed_norm(
    x: Array, weight: Array | None, bias: Array | None, mean: Array | None, var: Array | None, eps: float
):
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
    m = math.prod(x.shape[2:])
    require(m != 1, f"instance_norm: x has shape {x.shape}, expected more than one value a channel when training")
    examples = x.shape[0]
    planes = x.reshape(1, -1, m)
    scale = None if weight is None else np.tile(weight, examples)
    y, mean, var = _standardise(planes, scale, None if bias is None else np.tile(bias, examples), eps)
    _track(running_mean, mean.reshape(examples, -1).mean(0), momentum)
    _track(running_var, var.reshape(examples, -1).mean(0) * (m / max(m - 1, 1)), momentum)
    inverse = 1 / np.sqrt(var + eps)

    def back(dy: Array):
        dx, dw, db = _standardise_back(dy.reshape(planes.shape), planes, mean, inverse, scale)
        dw, db = dw.reshape(examples, -1).sum(0), db.reshape(examples, -1).sum(0)
        return dx.reshape(x.shape), None if weight is None else dw, None if bias is None else db

    return y.reshape(x.shape), back


def group_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, num_groups: int = 1, eps: float = 1e-5
):
    """y = w·x̂ + b, x̂ standardised over each of `num_groups` groups of channels in each example of x (N, C, *)."""
    _check_channels("group_norm", x, weight=weight, bias=bias)
    channels = x.shape[1]
    require(
        num_groups > 0 and channels % num_groups == 0,
        f"group_norm: num_groups is {num_groups}, expected a divisor of the {channels} channels of x {x.shape}",
    )
    planes = x.reshape(1, x.shape[0] * num_groups, math.prod(x.shape[1:]) // num_groups)
    normal, mean, var = _standardise(planes, None, None, eps)
    inverse = 1 / np.sqrt(var + eps)
    column = (channels,) + (1,) * (x.ndim - 2)
    y = _affine(normal.reshape(x.shape), weight, bias, column)

    def back(dy: Array):
        scaled = dy if weight is None else dy * weight.reshape(column)
        dx = _standardise_back(scaled.reshape(planes.shape), planes, mean, inverse, None)[0]
        db = None if bias is None else _channel_sums(_planes(dy))
        if weight is None:
            return dx.reshape(x.shape), None, db
        normal = _scale_and_shift(planes, mean, inverse, None, None).reshape(x.shape)
        return dx.reshape(x.shape), _channel_sums(_planes(normal * dy)), db

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
    length = rows.shape[1]
    w = np.ones(length, x.dtype) if weight is None else weight.reshape(-1)
    share = np.full(length, 1 / length, x.dtype) if length else w  # a row times `share` is its mean
    y = np.empty_like(rows)
    mean, inverse = np.empty((2, len(rows), 1), x.dtype)
    for block in _row_blocks(rows):
        mean[block, 0] = rows[block] @ share
        d = rows[block] - mean[block]
        var = np.vecdot(d, d)[:, None] / length
        inverse[block] = 1 / np.sqrt(var + eps)
        d *= inverse[block]
        np.multiply(d, w, out=y[block])
        if bias is not None:
            y[block] += bias.reshape(-1)

    def back(dy: Array):
        flat = dy.reshape(rows.shape)
        dx = np.empty_like(rows)
        dw, db = np.zeros((2, length), x.dtype)
        for block in _row_blocks(rows):
            u, mu, i = flat[block], mean[block], inverse[block]
            product = u * rows[block]
            # mean g and i²·mean(g·(x − μ)), the latter as a difference: one pass less than centring x again
            s1 = (u @ w)[:, None] / length
            s2 = i * i * ((product @ w)[:, None] / length - mu * s1)
            dw += i[:, 0] @ product - (i * mu)[:, 0] @ u
            db += np.ones(len(u), x.dtype) @ u
            g = np.multiply(u, w, out=product)
            g -= rows[block] * s2
            g += mu * s2 - s1
            np.multiply(g, i, out=dx[block])
        dw, db = dw.reshape(shape), db.reshape(shape).copy()
        return dx.reshape(x.shape), None if weight is None else dw, None if bias is None else db

    return y.reshape(x.shape), back


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


def _standardise(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """y = w·(x − μ)/√(σ² + ε) + b, μ, σ² for each channel of x (N, C, L), a few channels at a time.

    The variance is that of x − μ, not mean x² − μ², which float32 would lose where μ is large.
    """
    y = np.empty_like(x)
    mean, var = np.empty((2, x.shape[1]), x.dtype)
    m = max(x.shape[0] * x.shape[2], 1)
    for block in _channel_blocks(x):
        mean[block] = _channel_sums(x[:, block]) / m
        d = x[:, block] - _column(mean[block], x)
        var[block] = _channel_products(d, d) / m
        scale = 1 / np.sqrt(var[block] + eps)
        if weight is not None:
            scale *= weight[block]
        if bias is None:
            np.multiply(d, _column(scale, x), out=y[:, block])
        else:
            d *= _column(scale, x)
            np.add(d, _column(bias[block], x), out=y[:, block])
    return y, mean, var


def _standardise_back(
    dy: Array, x: Array, mean: Array, inverse: Array, weight: Array | None, fixed: bool = False
) -> tuple[Array, Array, Array]:
    """dx, Σ dy·x̂ and Σ dy: with d = x − μ, dx = a·dy + k·d + c, three scalars a channel (k = c = 0 for fixed μ, σ)."""
    dx = np.empty_like(x)
    dw, db = np.empty_like(mean), np.empty_like(mean)
    a = inverse if weight is None else inverse * weight
    m = max(x.shape[0] * x.shape[2], 1)
    for block in _channel_blocks(x):
        u = dy[:, block]
        d = x[:, block] - _column(mean[block], x)
        db[block] = _channel_sums(u)
        dw[block] = _channel_products(u, d) * inverse[block]
        if fixed:
            np.multiply(u, _column(a[block], x), out=dx[:, block])
            continue
        # (dy − d·inverse·dw/m − db/m) · a
        d *= _column(dw[block] * inverse[block] / -m, x)
        d += u
        d -= _column(db[block] / m, x)
        np.multiply(d, _column(a[block], x), out=dx[:, block])
    return dx, dw, db


def _scale_and_shift(x: Array, mean: Array, inverse: Array, weight: Array | None, bias: Array | None) -> Array:
    """w·(x − μ)·i + b = a·x + c, two scalars a channel."""
    a = inverse if weight is None else inverse * weight
    y = x - _column(mean, x)
    y *= _column(a, x)
    if bias is not None:
        y += _column(bias, x)
    return y


def _affine(y: Array, weight: Array | None, bias: Array | None, shape: tuple[int, ...]) -> Array:
    """w·y + b in place, w and b seen in `shape`."""
    if weight is not None:
        y *= weight.reshape(shape)
    if bias is not None:
        y += bias.reshape(shape)
    return y


def _planes(x: Array) -> Array:
    """(N, C, *) as (N, C, L)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _channel_blocks(x: Array) -> Iterator[slice]:
    """As many channels of x (N, C, L) at a time as stay in cache, at least one."""
    step = max(1, _BLOCK // max(1, x.shape[0] * x.shape[2]))
    return (slice(start, start + step) for start in range(0, x.shape[1], step))


def _row_blocks(x: Array) -> Iterator[slice]:
    """As many rows at a time as stay in cache, at least one."""
    step = max(1, _BLOCK // max(1, x.shape[1]))
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
