"""Convolution in any number of dimensions, and its transpose: what is checked, and which strategy computes it.

y[n, k, o] = Σ_{c, t} x[n, c, s·o + d·t − p] w[k, c, t] + b[k]

The kernel is not flipped: as everywhere in deep learning this is a correlation, with stride s, dilation d, padding p.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from twice.kernels.checks import Array, as_tuple, require, require_floating, require_same_dtype
from twice.kernels.convolution.batch_last import batch_last
from twice.kernels.convolution.depthwise import depthwise
from twice.kernels.convolution.im2col import im2col
from twice.kernels.convolution.one_position import one_position
from twice.kernels.convolution.pointwise import pointwise
from twice.kernels.convolution.shifted_rows import shifted_rows
from twice.kernels.convolution.space_to_depth import space_to_depth
from twice.kernels.convolution.strategy import Convolution
from twice.kernels.convolution.window import Window
from twice.kernels.convolution.winograd import winograd
from twice.kernels.pullback import Parts

Ints = int | Sequence[int]


def conv(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
):
    """x (N, C, S…), w (K, C/groups, k…), b (K) → y (N, K, O…), with O = ⌊(S + 2p − d(k−1) − 1)/s⌋ + 1"""
    where = f"conv{w.ndim - 2}d"
    _check(where, x, w, b, groups, x_channels=w.shape[1] * groups, bias_channels=w.shape[0])
    window = _window(where, x, w, stride, padding, dilation)
    window.outputs(x.shape[2:], where)
    way = _grouped(w, window, x.shape, groups)
    y = way.forward(x)
    if b is not None:
        y += b.reshape(-1, *(1,) * window.rank)
    to_b = _to_bias if b is not None else None
    if way.to_both is None:
        return y, Parts(way.to_x, lambda dy: way.to_w(x, dy), to_b)
    both = way.to_both
    together = lambda dy: (*both(x, dy), to_b and to_b(dy))
    return y, Parts(way.to_x, lambda dy: way.to_w(x, dy), to_b, together=together)


def conv_transpose(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
):
    """The pullback of a convolution to its input, used as a layer: x (N, C, S…), w (C, K/groups, k…) → y (N, K, O…),
    with O = s(S − 1) − 2p + d(k−1) + output_padding + 1"""
    where = f"conv_transpose{w.ndim - 2}d"
    _check(where, x, w, b, groups, x_channels=w.shape[0], bias_channels=w.shape[1] * groups)
    window = _window(where, x, w, stride, padding, dilation)
    extra = as_tuple(where, "output_padding", output_padding, window.rank, 0)
    require(
        all(e < max(s, d) for e, s, d in zip(extra, window.stride, window.dilation)),
        f"{where}: output_padding is {extra}, expected less than stride {window.stride} or dilation {window.dilation}",
    )
    axes = zip(x.shape[2:], window.stride, window.padding, window.reach, extra)
    outputs = tuple(s * (n - 1) - before - after + r + e + 1 for n, s, (before, after), r, e in axes)
    require(min(outputs) >= 1, f"{where}: the output would have size {outputs}, expected at least 1 along each axis")
    way = _grouped(w, window, (len(x), w.shape[1] * groups, *outputs), groups)
    y = way.to_x(x)
    if b is not None:
        y += b.reshape(-1, *(1,) * window.rank)
    return y, Parts(way.forward, lambda dy: way.to_w(dy, x), None if b is None else _to_bias)


def _to_bias(dy: Array) -> Array:
    return dy.reshape(*dy.shape[:2], math.prod(dy.shape[2:])).sum(-1).sum(0)


def strategy(n: int, w_shape: Sequence[int], window: Window, outputs: Sequence[int]) -> Callable:
    """Which way is fastest, for one group: `n` images, weights (K, C, k…). The first that fits is taken."""
    k, c = w_shape[:2]
    size, step = window.kernel[-1], window.stride[-1]
    square = window.rank == 2 and set(window.kernel) == {size} and set(window.stride) == {step}
    plain = square and set(window.dilation) == {1}
    if not any(map(any, window.padding)):
        if window.taps == 1:
            return pointwise
        if math.prod(outputs) == 1:
            return one_position
    if plain and step == 1 and size in (3, 5) and min(c, k) * size >= 144 and _tiles(n, outputs) >= 40:
        return winograd
    if plain and step > 2 and size > 2 * step and c <= 4:
        return strided
    if size >= 5 and c * size <= 32 and n >= 16 and window.dilation[0] == 1:
        return batch_last
    return rows_and_columns if c >= 32 else shifted_rows


def _tiles(n: int, outputs: Sequence[int]) -> int:
    """How many tiles use Winograd's transformed kernels: fewer than some dozens do not repay their making."""
    return n * -(-outputs[0] // 4) * -(-outputs[1] // 4)


def strided(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """AlexNet's first layer: fold the stride into the channels, then tiles."""
    return space_to_depth(w, window, shape, winograd)


def rows_and_columns(w: Array, window: Window, shape: tuple[int, ...]) -> Convolution:
    """Many channels: shifted rows copy least, but dw is one large product over the columns of im2col."""
    rows = shifted_rows(w, window, shape)
    return Convolution(rows.forward, rows.to_x, im2col(w, window, shape).to_w)


def _grouped(w: Array, window: Window, shape: tuple[int, ...], groups: int) -> Convolution:
    """One convolution a group, side by side in the channels; groups of a single channel are depthwise."""
    if groups == shape[1] and groups > 1:
        return depthwise(w, window, shape)
    chosen = strategy(shape[0], (len(w) // groups, *w.shape[1:]), window, window.outputs(shape[2:]))
    if groups == 1:
        return chosen(w, window, shape)
    part = (shape[0], shape[1] // groups, *shape[2:])
    ways = [chosen(kernels, window, part) for kernels in np.split(w, groups)]

    def forward(x: Array) -> Array:
        return np.concatenate([way.forward(part) for way, part in zip(ways, np.split(x, groups, 1))], 1)

    def to_x(dy: Array) -> Array:
        return np.concatenate([way.to_x(part) for way, part in zip(ways, np.split(dy, groups, 1))], 1)

    def to_w(x: Array, dy: Array) -> Array:
        pairs = zip(np.split(x, groups, 1), np.split(dy, groups, 1))
        return np.concatenate([way.to_w(*pair) for way, pair in zip(ways, pairs)])

    return Convolution(forward, to_x, to_w)


def _check(where: str, x: Array, w: Array, b: Array | None, groups: int, x_channels: int, bias_channels: int) -> None:
    axes = ("", "", "", "(N, C, L)", "(N, C, H, W)", "(N, C, D, H, W)")
    require(3 <= w.ndim <= 5, f"{where}: w has shape {w.shape}, expected 3 to 5 axes (K, C/groups, k…)")
    require(x.ndim == w.ndim, f"{where}: x has shape {x.shape}, expected {w.ndim} axes {axes[w.ndim]}")
    require_floating(where, "x", x)
    require_same_dtype(where, x=x, w=w, b=b)
    require(isinstance(groups, int) and groups >= 1, f"{where}: groups is {groups!r}, expected a whole number from 1")
    require(
        w.shape[0] % groups == 0, f"{where}: groups is {groups}, expected a divisor of the {w.shape[0]} kernels of w"
    )
    require(
        x.shape[1] == x_channels,
        f"{where}: x has {x.shape[1]} channels, expected {x_channels} for w {w.shape} and groups {groups}",
    )
    require(
        b is None or b.shape == (bias_channels,),
        f"{where}: b has shape {None if b is None else b.shape}, expected ({bias_channels},)",
    )


def _window(where: str, x: Array, w: Array, stride: Ints, padding: Ints | str, dilation: Ints) -> Window:
    rank, kernel = w.ndim - 2, w.shape[2:]
    strides = as_tuple(where, "stride", stride, rank, 1)
    dilations = as_tuple(where, "dilation", dilation, rank, 1)
    if isinstance(padding, str):
        require(padding in ("same", "valid"), f"{where}: padding is {padding!r}, expected 'same', 'valid' or numbers")
        require(
            padding == "valid" or max(strides) == 1, f"{where}: padding is 'same' with stride {strides}, expected 1"
        )
        totals = [d * (k - 1) * (padding == "same") for d, k in zip(dilations, kernel)]
        pads = tuple((total // 2, total - total // 2) for total in totals)
    else:
        pads = tuple((p, p) for p in as_tuple(where, "padding", padding, rank, 0))
    return Window(tuple(kernel), strides, pads, dilations)
