"""Pooling over 1, 2 or 3 spatial axes: the largest, the mean or a norm of each window.

A maximum of maxima and a sum of sums need no window of many axes: every kernel here goes axis by axis, from the
last to the first, over a block of planes that stays in cache. Rows are then compared only by their winners, so
the winner is the first in row-major order, as in torch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from twice.kernels.checks import Array, as_tuple, require, require_floating
from twice.kernels.geometry import along, apply_along, blocks, output_size

Sizes = int | Sequence[int]
AdaptiveSizes = int | None | Sequence[int | None]


@dataclass(frozen=True)
class Axis:
    """The windows along one axis: window o covers the entries o·stride − padding + k·dilation, k < kernel."""

    n: int
    out: int
    kernel: int
    stride: int
    padding: int = 0
    dilation: int = 1

    @property
    def whole(self) -> bool:
        """Is there one window, which is the axis?"""
        return self.out == 1 and self.kernel == self.n and self.padding == 0 and self.dilation == 1

    def entry(self, o: int, k: int) -> int:
        """The entry under tap k of window o; negative in the padding."""
        return o * self.stride - self.padding + k * self.dilation

    def first(self, o: int) -> int:
        """The first tap of window o that is not in the padding before the input."""
        return max(0, -(self.entry(o, 0) // self.dilation))

    def tap(self, k: int) -> tuple[slice, slice]:
        """The windows whose tap k is inside the input, and the entries under it."""
        offset = self.entry(0, k)
        low = min(self.out, max(0, -(offset // self.stride)))
        high = max(low, min(self.out, (self.n - 1 - offset) // self.stride + 1))
        start = low * self.stride + offset
        return slice(low, high), slice(start, start + (high - low) * self.stride, self.stride)

    def counts(self, include_pad: bool) -> Array:
        """How many entries each window has, with or without the padding (never what ceil_mode adds beyond it)."""
        start = np.arange(self.out) * self.stride - self.padding
        end = np.minimum(start + self.kernel, self.n + self.padding)
        return end - start if include_pad else np.minimum(end, self.n) - np.maximum(start, 0)


# The entries of a piece of an axis, the windows that lie in it, and how they lie there.
Piece = tuple[slice, slice, Axis]


def _axes(where: str, x: Array, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil: bool):
    """The checked options as one `Axis` for each spatial axis."""
    _require_planes(where, x)
    rank = x.ndim - 2
    kernel = as_tuple(where, "kernel_size", kernel_size, rank, 1)
    step = kernel if stride is None else as_tuple(where, "stride", stride, rank, 1)
    pad = as_tuple(where, "padding", padding, rank, 0)
    gap = as_tuple(where, "dilation", dilation, rank, 1)
    for k, p, d in zip(kernel, pad, gap):
        require(
            2 * p <= (k - 1) * d + 1,
            f"{where}: padding is {p}, expected at most half of the kernel, which covers {(k - 1) * d + 1}",
        )
    sizes = zip(x.shape[2:], kernel, step, pad, gap)
    return [Axis(n, output_size(n, k, s, p, d, ceil, where), k, s, p, d) for n, k, s, p, d in sizes]


def _require_planes(where: str, x: Array) -> None:
    require_floating(where, "x", x)
    require(x.ndim in (3, 4, 5), f"{where}: x has shape {x.shape}, expected (N, C, …) with 1 to 3 spatial axes")
    require(math.prod(x.shape[1:]) > 0, f"{where}: x has shape {x.shape}, expected no empty axis but the first")


def _planes(x: Array) -> Array:
    """(N, C, …) → (N·C, …)."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


# ── the maximum ─────────────────────────────────────────────────────────────────────────────────────────────


def max_pool(
    x: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
):
    """y[o] = max over the window of o; padding never wins, the first of equal entries wins, a NaN always wins.

    dx: each dy goes to the entry that won. `return_indices` adds that entry's flat position in its plane.
    """
    axes = _axes("max_pool", x, kernel_size, stride, padding, dilation, ceil_mode)
    for axis in axes:
        require(
            all(axis.entry(o, axis.first(o)) < axis.n for o in range(axis.tap(0)[0].start)),
            f"max_pool: padding is {axis.padding} and dilation {axis.dilation} for an axis of {axis.n}, "
            "expected no window that holds padding alone",
        )
    if all(axis.whole for axis in axes):
        return _global_max(x, return_indices)
    return _max_by_axis(x, [[(slice(0, axis.n), slice(0, axis.out), axis)] for axis in axes], return_indices)


def adaptive_max_pool(x: Array, output_size: AdaptiveSizes, return_indices: bool = False):
    """y[i] = max of x[⌊i·n/o⌋ : ⌈(i+1)·n/o⌉] on every axis, whatever n is; dx goes to the winners."""
    targets = _targets("adaptive_max_pool", x, output_size)
    if all(o == 1 for o in targets):
        return _global_max(x, return_indices)
    return _max_by_axis(x, [_pieces(n, o) for n, o in zip(x.shape[2:], targets)], return_indices)


def _pieces(n: int, o: int) -> list[Piece]:
    """The adaptive windows of an axis: one piece if all are alike, else one for each."""
    regular = _regular(n, o)
    if regular:
        return [(slice(0, n), slice(0, o), Axis(n, o, *regular))]
    bounds = zip(*(bound.tolist() for bound in _adaptive_bounds(n, o)))
    return [(slice(s, e), slice(i, i + 1), Axis(e - s, 1, e - s, e - s)) for i, (s, e) in enumerate(bounds)]


def _global_max(x: Array, return_indices: bool):
    """One window, the plane. The last NaN wins, as it does in a scan that prefers a NaN to what it has."""
    shape, planes = x.shape, x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    winner = planes.argmax(-1)[..., None]
    y = np.take_along_axis(planes, winner, -1)
    if np.isnan(y).any():
        last = planes.shape[-1] - 1 - np.isnan(planes[..., ::-1]).argmax(-1)
        winner = np.where(np.isnan(y), last[..., None], winner)

    def back(dy: Array, _=None) -> Array:
        dx = np.zeros((*shape[:2], math.prod(shape[2:])), dy.dtype)
        np.put_along_axis(dx, winner, dy.reshape(winner.shape), -1)
        return dx.reshape(shape)

    y = y.reshape(*shape[:2], *(1 for _ in shape[2:]))
    return ((y, winner.reshape(y.shape).copy()) if return_indices else y), back


def _max_by_axis(x: Array, pieces: list[list[Piece]], return_indices: bool):
    """The maximum along each axis in turn, from the last; `winners[a]` keeps which tap won along axis a."""
    shape, planes = x.shape, _planes(x)
    walk = list(blocks(len(planes), planes.itemsize * math.prod(shape[2:])))
    winners = _room_for_winners(planes.shape, pieces)
    y = np.empty(winners[0].shape, x.dtype)
    for block in walk:
        value = planes[block]
        for a in reversed(range(len(winners))):
            winner = winners[a][block]
            best = np.empty(winner.shape, x.dtype) if a else y[block]
            _max_of_pieces(value, a + 1, pieces[a], best, winner)
            value = best
    y = y.reshape(*shape[:2], *y.shape[1:])

    def back(dy: Array, _=None) -> Array:
        dy, dx = _planes(dy), np.empty((shape[0] * shape[1], *shape[2:]), dy.dtype)
        for block in walk:
            slope = dy[block]
            for a, winner in enumerate(winners):
                after = np.empty(winners[a + 1][block].shape, dy.dtype) if a + 1 < len(winners) else dx[block]
                _to_winners(slope, winner[block], a + 1, pieces[a], after)
                slope = after
        return dx.reshape(shape)

    return ((y, _flat_positions(winners, pieces, shape[2:]).reshape(y.shape)) if return_indices else y), back


def _room_for_winners(shape: tuple[int, ...], pieces: list[list[Piece]]) -> list[Array]:
    """For each axis of planes (P, …), which tap won: the axes before it are still whole, those after it pooled."""
    sizes = [parts[-1][1].stop for parts in pieces]
    taps = [max(axis.kernel for *_, axis in parts) for parts in pieces]
    return [np.empty((*shape[: a + 1], *sizes[a:]), np.min_scalar_type(k)) for a, k in enumerate(taps)]


def _max_of_pieces(x: Array, at: int, pieces: list[Piece], best: Array, winner: Array) -> None:
    for entries, outs, axis in pieces:
        into = along(at, outs)
        _max_along(x[along(at, entries)], at, axis, best[into], winner[into])


def _max_along(x: Array, at: int, axis: Axis, best: Array, winner: Array) -> None:
    """Fill `best` with the largest entry of each window along axis `at` of x, and `winner` with its tap."""
    outs, entries = axis.tap(0)
    best[along(at, outs)] = x[along(at, entries)]
    winner[...] = 0
    for o in range(outs.start):  # these windows begin in the padding
        k = axis.first(o)
        best[along(at, slice(o, o + 1))] = x[along(at, slice(axis.entry(o, k), axis.entry(o, k) + 1))]
        winner[along(at, slice(o, o + 1))] = k
    larger = np.empty(best.shape, bool)
    for k in range(1, axis.kernel):
        outs, entries = axis.tap(k)
        into = along(at, outs)
        _keep_larger(x[along(at, entries)], k, best[into], winner[into], larger[into])
    if np.isnan(best.max()):
        for k in range(axis.kernel):
            outs, entries = axis.tap(k)
            np.copyto(winner[along(at, outs)], k, where=np.isnan(x[along(at, entries)]))


def _keep_larger(tap: Array, k: int, best: Array, winner: Array, larger: Array) -> None:
    """Where tap > best, tap is the new best and k the new winner. k grows, so the winner is a maximum as well."""
    np.greater(tap, best, out=larger)
    np.maximum(best, tap, out=best)
    won = larger.view(np.uint8) if winner.dtype == np.uint8 else larger.astype(winner.dtype)
    won *= winner.dtype.type(k)
    np.maximum(winner, won, out=winner)


def _to_winners(dy: Array, winner: Array, at: int, pieces: list[Piece], dx: Array) -> None:
    """Add each dy, along axis `at`, to the entry that its window's winner came from."""
    if len(pieces) == 1:
        return _spread(_won(dy, winner), dy.shape, at, pieces[0][2], dx)
    dx[...] = 0
    for entries, outs, axis in pieces:
        slope, into = dy[along(at, outs)], along(at, entries)
        part = np.empty_like(dx[into])
        _spread(_won(slope, winner[along(at, outs)]), slope.shape, at, axis, part)
        dx[into] += part


def _won(dy: Array, winner: Array) -> Callable[[int, Array], None]:
    """A function of (k, out): dy where tap k won and 0 elsewhere. Done on the bits: ∞ · 0 would be NaN."""
    bits = f"i{dy.itemsize}"
    dy_bits = dy.view(bits)

    def masked(k: int, out: Array) -> None:
        mask = np.equal(winner, winner.dtype.type(k)).view(np.int8)
        np.bitwise_and(dy_bits, np.negative(mask, out=mask), out=out.view(bits))

    return masked


def _flat_positions(winners: list[Array], pieces: list[list[Piece]], spatial: tuple[int, ...]) -> Array:
    """Each winner's position in its plane: follow the axes from the first, each one's entry picking the next winner."""
    at = list(np.ogrid[tuple(slice(0, size) for size in winners[0].shape)])
    flat = np.zeros(winners[0].shape, np.int64)
    for a, n in enumerate(spatial):
        starts = [entries.start + axis.entry(o, 0) for entries, _, axis in pieces[a] for o in range(axis.out)]
        dilation = pieces[a][0][2].dilation
        at[a + 1] = np.asarray(starts)[at[a + 1]] + winners[a][tuple(at)].astype(np.int64) * dilation
        flat = flat * n + at[a + 1]
    return flat


def max_unpool(
    x: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
):
    """y is 0 but for y[indices[o]] = x[o], with the indices that max_pool returned; dx[o] = dy[indices[o]]."""
    _require_planes("max_unpool", x)
    require(indices.dtype == np.int64, f"max_unpool: indices has dtype {indices.dtype}, expected int64", TypeError)
    require(
        indices.shape == x.shape,
        f"max_unpool: indices has shape {indices.shape}, expected the shape of x, {x.shape}",
    )
    spatial = _unpooled("max_unpool", x, kernel_size, stride, padding, output_size)
    size, flat = math.prod(spatial), indices.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    low, high = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    require(
        low >= 0 and high < size,
        f"max_unpool: indices go from {low} to {high}, expected 0 to {size - 1} for an output of {spatial}",
    )
    y = np.zeros((*x.shape[:2], size), x.dtype)
    np.put_along_axis(y, flat, x.reshape(flat.shape), -1)

    def back(dy: Array):
        return np.take_along_axis(dy.reshape(*dy.shape[:2], size), flat, -1).reshape(indices.shape), None

    return y.reshape(*x.shape[:2], *spatial), back


def _unpooled(
    where, x: Array, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, output_size
) -> tuple[int, ...]:
    """The spatial shape that was pooled: (n−1)s − 2p + k, or what was asked for if it is within s of that."""
    rank = x.ndim - 2
    kernel = as_tuple(where, "kernel_size", kernel_size, rank, 1)
    step = kernel if stride is None else as_tuple(where, "stride", stride, rank, 1)
    pad = as_tuple(where, "padding", padding, rank, 0)
    default = tuple((n - 1) * s - 2 * p + k for n, k, s, p in zip(x.shape[2:], kernel, step, pad))
    if output_size is None:
        return default
    asked = tuple(output_size)[-rank:]
    require(
        len(output_size) in (rank, rank + 2) and all(abs(a - d) < s for a, d, s in zip(asked, default, step)),
        f"{where}: output_size is {tuple(output_size)}, expected less than {step} away from {default}",
    )
    return asked


# ── the mean ────────────────────────────────────────────────────────────────────────────────────────────────


def avg_pool(
    x: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
):
    """y[o] = Σ x over the window of o, divided by its count of entries; dx = Σ over its windows of dy / count."""
    axes = _axes("avg_pool", x, kernel_size, stride, padding, 1, ceil_mode)
    require(divisor_override != 0, "avg_pool: divisor_override is 0, expected another number")
    counts = reduce(np.multiply.outer, [axis.counts(count_include_pad) for axis in axes])
    divisor = (counts if divisor_override is None else np.asarray(divisor_override)).astype(x.dtype)
    if all(axis.whole for axis in axes):
        return _global_mean(x, divisor)
    spatial, plane_bytes = x.shape[2:], x.itemsize * math.prod(x.shape[2:])
    sizes, planes = tuple(axis.out for axis in axes), _planes(x)
    y = np.empty((len(planes), *sizes), x.dtype)
    for block in blocks(len(planes), plane_bytes):
        np.divide(_sum_by_axis(planes[block], axes), divisor, out=y[block])

    def back(dy: Array) -> Array:
        slopes = _planes(dy)
        dx = np.empty((len(slopes), *spatial), dy.dtype)
        for block in blocks(len(slopes), plane_bytes):
            _spread_by_axis(slopes[block] / divisor, axes, dx[block])
        return dx.reshape(*dy.shape[:2], *spatial)

    return y.reshape(*x.shape[:2], *sizes), back


def _global_mean(x: Array, divisor: Array):
    """One window, the plane: y = Σ x / count, dx = dy / count everywhere."""
    shape = x.shape
    y = x.reshape(*shape[:2], math.prod(shape[2:])) @ np.ones(math.prod(shape[2:]), x.dtype)
    y = y.reshape(*shape[:2], *(1 for _ in shape[2:]))
    y /= divisor

    def back(dy: Array) -> Array:
        return np.broadcast_to(dy / divisor, shape).copy()

    return y, back


def adaptive_avg_pool(x: Array, output_size: AdaptiveSizes):
    """y[i] = mean of x[⌊i·n/o⌋ : ⌈(i+1)·n/o⌉] on every axis, whatever n is: on each axis a product with A (o, n)."""
    targets, spatial = _targets("adaptive_avg_pool", x, output_size), x.shape[2:]
    if all(n % o == 0 for n, o in zip(spatial, targets)):
        return avg_pool(x, tuple(n // o for n, o in zip(spatial, targets)))
    return map_axes(x, [_adaptive_means(n, o, x.dtype) for n, o in zip(spatial, targets)])


def map_axes(x: Array, matrices: list[Array]):
    """y = M₁ M₂ … x, one matrix M (out, in) for each spatial axis of x (N, C, …); dx = M₁ᵀ M₂ᵀ … dy."""
    y = x
    for a, matrix in enumerate(matrices, 2):
        y = apply_along(matrix, y, a)

    def back(dy: Array) -> Array:
        for a, matrix in enumerate(matrices, 2):
            dy = apply_along(matrix.T, dy, a)
        return dy

    return y, back


def _adaptive_means(n: int, o: int, dtype: np.dtype) -> Array:
    """A[i, j] = 1 / length of window i where it holds j, else 0."""
    start, end = _adaptive_bounds(n, o)
    j = np.arange(n)
    inside = (j >= start[:, None]) & (j < end[:, None])
    return inside.astype(dtype) / (end - start)[:, None].astype(dtype)


def _adaptive_bounds(n: int, o: int) -> tuple[Array, Array]:
    """Window i goes from ⌊i·n/o⌋ to ⌈(i+1)·n/o⌉: the windows cover everything and overlap where they must."""
    i = np.arange(o)
    return i * n // o, -(-(i + 1) * n // o)


def _regular(n: int, o: int) -> tuple[int, int] | None:
    """(kernel, stride) if the adaptive windows are all of one length and equally far apart."""
    start, end = _adaptive_bounds(n, o)
    kernel, stride = int(end[0]), int(start[1]) if o > 1 else n
    alike = stride > 0 and (start == np.arange(o) * stride).all() and (end - start == kernel).all()
    return (kernel, stride) if alike else None


def _targets(where: str, x: Array, output_size: AdaptiveSizes) -> tuple[int, ...]:
    """One size for each spatial axis; None keeps the axis as it is."""
    _require_planes(where, x)
    rank = x.ndim - 2
    asked = (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    require(len(asked) == rank, f"{where}: output_size is {output_size!r}, expected {rank} sizes for x {x.shape}")
    return as_tuple(where, "output_size", [n if o is None else o for n, o in zip(x.shape[2:], asked)], rank, 1)


def lp_pool(x: Array, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False):
    """y = (Σ xᵖ over the window)^(1/p) with p = norm_type; dx = (x/y)^(p−1) dy, and 0 where the sum is 0.

    As in torch nothing takes the absolute value but an infinite p: an odd p sums signed powers.
    """
    require(norm_type != 0, "lp_pool: norm_type is 0, expected another number")
    if math.isinf(norm_type):
        return _extreme_pool(x, math.copysign(1, norm_type), kernel_size, stride, ceil_mode)
    size = math.prod(as_tuple("lp_pool", "kernel_size", kernel_size, x.ndim - 2, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        lower = _power(x, norm_type - 1)
        total, mean_back = avg_pool(lower * x, kernel_size, stride, ceil_mode=ceil_mode)
        total *= x.dtype.type(size)
        y = np.power(total, x.dtype.type(1 / norm_type))
    slope = np.divide(y, total, out=np.zeros_like(y), where=total != 0)  # Σ^(1/p − 1)
    slope *= x.dtype.type(size)

    def back(dy: Array) -> Array:
        return mean_back(dy * slope) * lower

    return y, back


def _extreme_pool(x: Array, sign: float, kernel_size: Sizes, stride: Sizes | None, ceil_mode: bool):
    """The limit of p = ±∞: the largest or the smallest |x| of the window."""
    require_floating("lp_pool", "x", x)
    towards, signs = x.dtype.type(sign), np.sign(x)
    y, max_back = max_pool(towards * np.abs(x), kernel_size, stride, ceil_mode=ceil_mode)
    return towards * y, lambda dy: max_back(dy) * signs  # the two factors `towards` cancel


def _power(x: Array, p: float) -> Array:
    """xᵖ; a small whole p by products, which are far faster than np.power."""
    if p in (0, 1, 2, 3):
        return reduce(np.multiply, [x] * int(p), np.ones_like(x))
    return np.power(x, x.dtype.type(p))


# ── along one axis ──────────────────────────────────────────────────────────────────────────────────────────


def _sum_by_axis(x: Array, axes: list[Axis]) -> Array:
    """Σ over each window, axis after axis, from the last."""
    for a in reversed(range(len(axes))):
        axis, at = axes[a], a + 1
        y = np.zeros((*x.shape[:at], axis.out, *x.shape[at + 1 :]), x.dtype)
        for k in range(axis.kernel):
            outs, entries = axis.tap(k)
            y[along(at, outs)] += x[along(at, entries)]
        x = y
    return x


def _spread_by_axis(dy: Array, axes: list[Axis], dx: Array) -> None:
    """The adjoint of `_sum_by_axis`, into dx: every entry gets the sum over the windows that hold it."""
    for a, axis in enumerate(axes):
        last = a == len(axes) - 1
        after = dx if last else np.empty((*dy.shape[: a + 1], axis.n, *dy.shape[a + 2 :]), dy.dtype)
        _spread(partial(_all_of, dy), dy.shape, a + 1, axis, after)
        dy = after


def _all_of(dy: Array, k: int, out: Array) -> None:
    out[...] = dy


def _spread(part: Callable[[int, Array], None], shape: tuple[int, ...], at: int, axis: Axis, dx: Array) -> None:
    """dx[i] = Σ part(k)[o] over the windows o and taps k with o·s − p + k·d = i, along axis `at`.

    With k·d = q·s + r, tap k of window o is entry o + q of phase r: each phase is summed on contiguous memory,
    then laid into every s-th entry of dx.
    """
    s, p = axis.stride, axis.padding
    length = axis.out + (axis.kernel - 1) * axis.dilation // s
    length = max(length, -(-(axis.n + p) // s))
    for r in range(s):
        taps = [k for k in range(axis.kernel) if k * axis.dilation % s == r]
        begin = max(0, -((r - p) // s))  # the first entry of the phase that is not padding
        entries = along(at, slice(begin * s + r - p, None, s))
        if not taps:
            dx[entries] = 0
            continue
        phase = np.empty((*shape[:at], length, *shape[at + 1 :]), dx.dtype)
        scratch = np.empty(shape, dx.dtype) if len(taps) > 1 else phase
        for k in taps:
            q = k * axis.dilation // s
            into = phase[along(at, slice(q, q + axis.out))]
            if k == taps[0]:
                phase[along(at, slice(0, q))] = 0
                phase[along(at, slice(q + axis.out, None))] = 0
                part(k, into)
            else:
                part(k, scratch)
                into += scratch
        dx[entries] = phase[along(at, slice(begin, begin + dx[entries].shape[at]))]
