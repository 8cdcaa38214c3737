"""Images at other places: enlarge, shuffle, cut into patches, pad, sample on a grid. All but the grid are linear."""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from twice.kernels.checks import Array, as_tuple, require, require_floating, require_rank, require_same_dtype
from twice.kernels.convolution.window import Window
from twice.kernels.geometry import along, apply_along
from twice.kernels.pool import adaptive_avg_pool, map_axes
from twice.kernels.scatter import sum_by_index

Sizes = int | Sequence[int]
Scales = float | Sequence[float]

# ── interpolation ───────────────────────────────────────────────────────────────────────────────────────────

LINEAR = {"linear": 3, "bilinear": 4, "trilinear": 5}
CUBIC_A = -0.75  # torch's constant of the cubic convolution kernel


def interpolate(
    x: Array,
    size: Sizes | None = None,
    scale_factor: Scales | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
):
    """y = M₁ M₂ … x, one matrix M (out, in) for each spatial axis; dx = M₁ᵀ M₂ᵀ … dy.

    A row of M holds the weights of one output entry: a single 1 (nearest), two (linear) or four (bicubic).
    """
    require_floating("interpolate", "x", x)
    _check_mode(x, mode, align_corners, antialias)
    sizes, factors = _sizes_and_factors(x, size, scale_factor, bool(recompute_scale_factor))
    if mode == "area":
        return adaptive_avg_pool(x, sizes)
    if mode.startswith("nearest"):
        return _nearest(x, sizes, factors, mode)
    weights = _cubic_matrix if mode == "bicubic" else _linear_matrix
    matrices = [weights(n, o, f, bool(align_corners), x.dtype) for n, o, f in zip(x.shape[2:], sizes, factors)]
    return map_axes(x, matrices)


def _check_mode(x: Array, mode: str, align_corners: bool | None, antialias: bool) -> None:
    known = ("nearest", "nearest-exact", "area", *LINEAR, "bicubic")
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not implemented")
    if mode not in known:
        raise NotImplementedError(f"interpolate: mode is {mode!r}, expected one of {known}")
    require(x.ndim in (3, 4, 5), f"interpolate: x has shape {x.shape}, expected (N, C, …) with 1 to 3 spatial axes")
    axes = 4 if mode == "bicubic" else LINEAR.get(mode, x.ndim)
    require(x.ndim == axes, f"interpolate: x has shape {x.shape}, expected {axes} axes for mode {mode!r}")
    require(
        align_corners is None or mode in LINEAR or mode == "bicubic",
        f"interpolate: align_corners is {align_corners}, expected None for mode {mode!r}",
    )


def _sizes_and_factors(x: Array, size: Sizes | None, scale_factor: Scales | None, recompute: bool):
    """The output size of each axis, and the scale factor that its coordinates use (None: the ratio of the sizes)."""
    rank = x.ndim - 2
    require(
        (size is None) != (scale_factor is None),
        f"interpolate: size is {size} and scale_factor is {scale_factor}, expected exactly one of them",
    )
    if size is not None:
        require(not recompute, "interpolate: recompute_scale_factor is True, expected a scale_factor with it")
        return as_tuple("interpolate", "size", size, rank, 1), (None,) * rank
    assert scale_factor is not None
    factors = (scale_factor,) * rank if isinstance(scale_factor, int | float) else tuple(scale_factor)
    require(
        len(factors) == rank,
        f"interpolate: scale_factor is {scale_factor}, expected {rank} factors for x of shape {x.shape}",
    )
    sizes = as_tuple("interpolate", "size", [int(n * f) for n, f in zip(x.shape[2:], factors)], rank, 1)
    return sizes, (None,) * rank if recompute else factors


def _scale(n: int, o: int, factor: float | None, dtype: np.dtype) -> np.floating:
    """Input entries for each output entry, rounded as torch rounds it."""
    return dtype.type(1 / factor) if factor else dtype.type(n) / dtype.type(o)


def _source(n: int, o: int, factor: float | None, align_corners: bool, dtype: np.dtype) -> Array:
    """Where output entry i reads: centres on centres, (i + ½)·scale − ½, or corner entries on corner entries."""
    i = np.arange(o, dtype=dtype)
    if align_corners:
        return i * (dtype.type(n - 1) / dtype.type(o - 1) if o > 1 else dtype.type(0))
    return (i + dtype.type(0.5)) * _scale(n, o, factor, dtype) - dtype.type(0.5)


def _linear_matrix(n: int, o: int, factor: float | None, align_corners: bool, dtype: np.dtype) -> Array:
    """Two weights a row, 1 − t and t, on the neighbours of the source; beyond the borders the border repeats."""
    if n == o:  # a copy, whatever the scale factor was
        return np.eye(n, dtype=dtype)
    source = np.maximum(_source(n, o, factor, align_corners, dtype), 0)
    low = np.minimum(source.astype(np.int64), n - 1)
    t = np.clip(source - low.astype(dtype), 0, 1)
    return _matrix(n, [low, np.minimum(low + 1, n - 1)], [1 - t, t])


def _cubic_matrix(n: int, o: int, factor: float | None, align_corners: bool, dtype: np.dtype) -> Array:
    """Four weights a row, the cubic convolution kernel at the distances 1 + t, t, 1 − t and 2 − t."""
    source = _source(n, o, factor, align_corners, dtype)
    low = np.floor(source)
    t = source - low
    entries = [np.clip(low.astype(np.int64) + step, 0, n - 1) for step in (-1, 0, 1, 2)]
    return _matrix(n, entries, [_cubic_far(1 + t), _cubic_near(t), _cubic_near(1 - t), _cubic_far(2 - t)])


def _cubic_near(d: Array) -> Array:
    """The kernel for distances of at most 1."""
    return ((CUBIC_A + 2) * d - (CUBIC_A + 3)) * d * d + 1


def _cubic_far(d: Array) -> Array:
    """The kernel for distances from 1 to 2."""
    return ((d - 5) * d + 8) * d * CUBIC_A - 4 * CUBIC_A


def _matrix(n: int, entries: list[Array], weights: list[Array]) -> Array:
    """M[i, entries[k][i]] += weights[k][i]: entries that were clipped to the border fall together."""
    rows = np.arange(len(entries[0]))
    matrix = np.zeros((len(rows), n), weights[0].dtype)
    for entry, weight in zip(entries, weights):
        matrix[rows, entry] += weight
    return matrix


def _nearest(x: Array, sizes: tuple[int, ...], factors: Sequence[float | None], mode: str):
    """y[i] = x[⌊i·scale⌋], or ⌊(i + ½)·scale⌋ for nearest-exact; dx sums the dy of the entries that read x."""
    half = np.float32(0.5 if mode == "nearest-exact" else 0)
    places = []
    for n, o, factor in zip(x.shape[2:], sizes, factors):
        # In float32 whatever x is: so does torch, and the rounding of the product decides the floor
        i = np.arange(o, dtype=np.float32) + half
        places.append(np.minimum((i * _scale(n, o, factor, np.dtype("float32"))).astype(np.int64), n - 1))
    spatial, y = x.shape[2:], x
    for a, place in reversed(list(enumerate(places, 2))):
        y = _read(y, place, a)

    def back(dy: Array) -> Array:
        for a, (n, place) in enumerate(zip(spatial, places), 2):
            dy = _unread(dy, place, n, a)
        return dy

    return y, back


def _repeats(place: Array, n: int) -> int:
    """s if every entry of n is read s times in a row, else 0: this case needs no index."""
    s = len(place) // n
    return s if s * n == len(place) and (place == np.arange(len(place)) // s).all() else 0


def _read(x: Array, place: Array, a: int) -> Array:
    s = _repeats(place, x.shape[a])
    if not s:
        return x.take(place, a)
    y = np.empty((*x.shape[:a], len(place), *x.shape[a + 1 :]), x.dtype)
    for t in range(s):
        y[along(a, slice(t, None, s))] = x
    return y


def _unread(dy: Array, place: Array, n: int, a: int) -> Array:
    s = _repeats(place, n)
    if not s:
        return apply_along(_matrix(n, [place], [np.ones(len(place), dy.dtype)]).T, dy, a)
    dx = dy[along(a, slice(0, None, s))].copy()
    for t in range(1, s):
        dx += dy[along(a, slice(t, None, s))]
    return dx


# ── shuffles ────────────────────────────────────────────────────────────────────────────────────────────────


def pixel_shuffle(x: Array, upscale_factor: int):
    """(…, C r², H, W) → (…, C, H r, W r): y[c, h r + i, w r + j] = x[c r² + i r + j, h, w]."""
    r = _factor("pixel_shuffle", "upscale_factor", upscale_factor)
    require_floating("pixel_shuffle", "x", x)
    require(
        x.ndim >= 3 and x.shape[-3] % (r * r) == 0,
        f"pixel_shuffle: x has shape {x.shape}, expected (…, C, H, W) with C a multiple of {r}² = {r * r}",
    )
    return _shuffled(x, r), lambda dy: _unshuffled(dy, r)


def pixel_unshuffle(x: Array, downscale_factor: int):
    """(…, C, H r, W r) → (…, C r², H, W), the inverse of `pixel_shuffle`."""
    r = _factor("pixel_unshuffle", "downscale_factor", downscale_factor)
    require_floating("pixel_unshuffle", "x", x)
    require(
        x.ndim >= 3 and x.shape[-1] % r == 0 and x.shape[-2] % r == 0,
        f"pixel_unshuffle: x has shape {x.shape}, expected (…, C, H, W) with H and W multiples of {r}",
    )
    return _unshuffled(x, r), lambda dy: _shuffled(dy, r)


def _factor(where: str, name: str, value: int) -> int:
    return as_tuple(where, name, value, 1, 1)[0]


def _shuffled(x: Array, r: int) -> Array:
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c // (r * r), h, r, w, r), x.dtype)
    y[...] = np.moveaxis(x.reshape(*lead, c // (r * r), r, r, h, w), (-4, -3), (-3, -1))
    return y.reshape(*lead, c // (r * r), h * r, w * r)


def _unshuffled(x: Array, r: int) -> Array:
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c, r, r, h // r, w // r), x.dtype)
    y[...] = np.moveaxis(x.reshape(*lead, c, h // r, r, w // r, r), (-3, -1), (-4, -3))
    return y.reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(x: Array, groups: int):
    """Channel g·(C/groups) + i goes to i·groups + g: each group then sees something of every group."""
    require_floating("channel_shuffle", "x", x)
    g = _factor("channel_shuffle", "groups", groups)
    require(
        x.ndim >= 3 and x.shape[1] % g == 0,
        f"channel_shuffle: x has shape {x.shape}, expected (N, C, …) with C a multiple of {g}",
    )
    return _swapped(x, g), lambda dy: _swapped(dy, dy.shape[1] // g)


def _swapped(x: Array, groups: int) -> Array:
    """The channels as a table of `groups` rows, transposed."""
    table = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    return table.swapaxes(1, 2).copy().reshape(x.shape)


# ── patches ─────────────────────────────────────────────────────────────────────────────────────────────────


def unfold(x: Array, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1):
    """(N, C, H, W) → (N, C·kh·kw, L): the patch under each of the L windows, as a column; dx folds dy."""
    require_floating("unfold", "x", x)
    require_rank("unfold", "x", x, 4, "(N, C, H, W)")
    window = _window("unfold", kernel_size, dilation, padding, stride)
    spatial, outputs = x.shape[2:], window.outputs(x.shape[2:], "unfold")
    return _patches(x, window, outputs), lambda dy: _sum_of_patches(dy, window, spatial, outputs)


def fold(x: Array, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1):
    """(N, C·kh·kw, L) → (N, C, H, W): each column back to its window, sums where windows overlap; dx unfolds dy."""
    require_floating("fold", "x", x)
    require_rank("fold", "x", x, 3, "(N, C·kh·kw, L)")
    spatial = as_tuple("fold", "output_size", output_size, 2, 1)
    window = _window("fold", kernel_size, dilation, padding, stride)
    outputs = window.outputs(spatial, "fold")
    require(
        x.shape[1] % window.taps == 0 and x.shape[2] == math.prod(outputs),
        f"fold: x has shape {x.shape}, expected (N, a multiple of {window.taps}, {math.prod(outputs)}) "
        f"for an output of {spatial}",
    )
    return _sum_of_patches(x, window, spatial, outputs), lambda dy: _patches(dy, window, outputs)


def _window(where: str, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes) -> Window:
    kernel = as_tuple(where, "kernel_size", kernel_size, 2, 1)
    gap = as_tuple(where, "dilation", dilation, 2, 1)
    border = as_tuple(where, "padding", padding, 2, 0)
    return Window(kernel, as_tuple(where, "stride", stride, 2, 1), tuple((p, p) for p in border), gap)


def _patches(x: Array, window: Window, outputs: tuple[int, ...]) -> Array:
    padded = _bordered(x, [(0, 0), (0, 0), *window.padding])
    columns = np.empty((*x.shape[:2], *window.kernel, *outputs), x.dtype)
    for (i, j), positions in window.shifts(outputs):
        columns[:, :, i, j] = padded[(..., *positions)]
    return columns.reshape(x.shape[0], x.shape[1] * window.taps, math.prod(outputs))


def _sum_of_patches(columns: Array, window: Window, spatial: tuple[int, ...], outputs: tuple[int, ...]) -> Array:
    """The adjoint of `_patches`."""
    n, channels = columns.shape[0], columns.shape[1] // window.taps
    patches = columns.reshape(n, channels, *window.kernel, *outputs)
    padded = np.zeros((n, channels, *window.padded(spatial)), columns.dtype)
    for (i, j), positions in window.shifts(outputs):
        padded[(..., *positions)] += patches[:, :, i, j]
    return np.ascontiguousarray(padded[window.inside(spatial, lead=2)])


# ── padding ─────────────────────────────────────────────────────────────────────────────────────────────────


def pad(x: Array, pad: Sequence[int], mode: str = "constant", value: float | None = None):
    """A border around x. `pad` is (before, after) of the last axis, then of the last but one, …; negative crops.

    constant: `value`; reflect: mirrored at the border entry; replicate: the border entry; circular: from the other
    side. dx: each dy goes to the entry it was copied from.
    """
    require_floating("pad", "x", x)
    borders = _borders(x, pad, mode, value)
    if mode == "constant":
        shape = x.shape
        y = _bordered(x, borders, value or 0)
        return (x.copy() if y is x else y), lambda dy: _bordered_back(dy, borders, shape)
    grow = [(max(before, 0), max(after, 0)) for before, after in borders]
    crop = [(min(before, 0), min(after, 0)) for before, after in borders]
    first, second = (crop, grow) if mode == "circular" else (grow, crop)
    y, shapes = x, []
    for step in (first, second):
        shapes.append(y.shape)
        y = _filled(y, step, mode) if step is grow else _bordered(y, step)

    def back(dy: Array) -> Array:
        for step, shape in ((second, shapes[1]), (first, shapes[0])):
            dy = _filled_back(dy, step, mode) if step is grow else _bordered_back(dy, step, shape)
        return dy

    return y, back


def _borders(x: Array, pad: Sequence[int], mode: str, value: float | None) -> list[tuple[int, int]]:
    """(before, after) for every axis of x, in the order of its axes."""
    amounts = [int(p) for p in pad]
    require(
        len(amounts) % 2 == 0 and len(amounts) <= 2 * x.ndim,
        f"pad: pad is {tuple(amounts)}, expected up to {x.ndim} pairs (before, after) for x of shape {x.shape}",
    )
    pairs = list(zip(amounts[::2], amounts[1::2]))[::-1]
    borders = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    cropped = [(min(before, 0), min(after, 0)) for before, after in borders] if mode == "constant" else borders
    sizes = [n + before + after for n, (before, after) in zip(x.shape, cropped)]
    require(min(sizes, default=0) >= 0, f"pad: pad is {tuple(amounts)}, expected not to crop more than x {x.shape}")
    if mode != "constant":
        _check_fill(x, borders, len(pairs), mode, value)
    return borders


def _check_fill(x: Array, borders: list[tuple[int, int]], pairs: int, mode: str, value: float | None) -> None:
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad: mode is {mode!r}, expected constant, reflect, replicate or circular")
    if not 1 <= pairs <= 3 or x.ndim - pairs not in (1, 2):
        raise NotImplementedError(
            f"pad: pad has {pairs} pairs for x of shape {x.shape}, expected mode {mode!r} to pad the last 1 to 3 axes "
            "and to leave one or two"
        )
    require(value is None, f"pad: value is {value}, expected none for mode {mode!r}")
    for n, border in zip(x.shape, borders):
        most = {"reflect": n - 1, "circular": n + min(*border, 0), "replicate": max(border) if n else 0}[mode]
        require(
            max(border) <= most,
            f"pad: pad is {border} on an axis of {n} of x {x.shape}, expected at most {most} for mode {mode!r}",
        )


def _bordered(x: Array, borders: list[tuple[int, int]], value: float = 0) -> Array:
    """x inside a border of `value`: a fresh array, or x itself where there is nothing to do."""
    if not any(map(any, borders)):
        return x
    shape = [n + before + after for n, (before, after) in zip(x.shape, borders)]
    y = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    outer, inner = _common(x.shape, borders)
    y[outer] = x[inner]
    return y


def _bordered_back(dy: Array, borders: list[tuple[int, int]], shape: tuple[int, ...]) -> Array:
    """What of dy lies on x, with zeros for what was cropped; without a crop it is a view of dy."""
    outer, inner = _common(shape, borders)
    if not any(before < 0 or after < 0 for before, after in borders):
        return dy[outer]
    dx = np.zeros(shape, dy.dtype)
    dx[inner] = dy[outer]
    return dx


def _common(shape: tuple[int, ...], borders: list[tuple[int, int]]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the entries that survive lie in the padded array, and where in x."""
    outer, inner = [], []
    for n, (before, after) in zip(shape, borders):
        kept = max(0, n + min(before, 0) + min(after, 0))
        outer.append(slice(max(before, 0), max(before, 0) + kept))
        inner.append(slice(max(-before, 0), max(-before, 0) + kept))
    return tuple(outer), tuple(inner)


def _filled(x: Array, borders: list[tuple[int, int]], mode: str) -> Array:
    """Lay x in the middle, then fill the border of one axis after another from what is already there."""
    shape = [n + before + after for n, (before, after) in zip(x.shape, borders)]
    y = np.empty(shape, x.dtype)
    y[_common(x.shape, borders)[0]] = x
    for a, (n, border) in enumerate(zip(x.shape, borders)):
        for target, source in _copies(n, *border, mode):
            y[along(a, target)] = y[along(a, source)]
    return y


def _filled_back(dy: Array, borders: list[tuple[int, int]], mode: str) -> Array:
    """The same copies backwards: each border is added to what it was copied from."""
    dy = dy.copy()
    for a, border in reversed(list(enumerate(borders))):
        n = dy.shape[a] - sum(border)
        for target, source in _copies(n, *border, mode):
            part = dy[along(a, target)]
            if mode == "replicate":
                part = part.sum(a, keepdims=True)
            dy[along(a, source)] += part
    shape = tuple(size - sum(border) for size, border in zip(dy.shape, borders))
    return dy[_common(shape, borders)[0]]


def _copies(n: int, before: int, after: int, mode: str) -> list[tuple[slice, slice]]:
    """(border, where it is copied from) on both sides of an axis whose n entries begin at `before`."""
    end, total = before + n, before + n + after
    if mode == "reflect":
        low = slice(2 * before, before, -1)
        high = slice(end - 2, end - 2 - after if end - 2 - after >= 0 else None, -1)
    elif mode == "replicate":
        low, high = slice(before, before + 1), slice(end - 1, end)
    else:
        low, high = slice(n, n + before), slice(before, before + after)
    sides = [(slice(0, before), low)] if before else []
    return sides + ([(slice(end, total), high)] if after else [])


# ── sampling on a grid ──────────────────────────────────────────────────────────────────────────────────────


def affine_grid(theta: Array, size: Sequence[int], align_corners: bool = False):
    """grid[n, i, j] = θ[n] (xⱼ, yᵢ, 1), θ (N, 2, 3), x and y from −1 to 1 over the plane; dθ = Σ dgrid (x, y, 1)."""
    require_floating("affine_grid", "theta", theta)
    if len(size) == 5:
        raise NotImplementedError("affine_grid: five sizes, a volume, are not implemented")
    n, _, h, w = as_tuple("affine_grid", "size", size, 4, 1)
    require(theta.shape == (n, 2, 3), f"affine_grid: theta has shape {theta.shape}, expected {(n, 2, 3)}")
    base = np.ones((h, w, 3), theta.dtype)
    base[..., 0] = _unit(w, align_corners, theta.dtype)
    base[..., 1] = _unit(h, align_corners, theta.dtype)[:, None]
    base = base.reshape(h * w, 3)

    def back(dy: Array) -> Array:
        return dy.reshape(n, h * w, 2).swapaxes(1, 2) @ base

    return (base @ theta.swapaxes(1, 2)).reshape(n, h, w, 2), back


def _unit(n: int, align_corners: bool, dtype: np.dtype) -> Array:
    """n places from −1 to 1: the first and last entry there, or the outer edges of the first and last entry."""
    if n == 1:
        return np.zeros(1, dtype)
    places = np.linspace(-1, 1, n, dtype=dtype)
    return places if align_corners else places * (dtype.type(n - 1) / dtype.type(n))


def grid_sample(
    x: Array, grid: Array, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
):
    """y[n, :, i, j] = x[n] read at grid[n, i, j] = (x, y), in −1 … 1, between the four nearest entries.

    With t and s the fractions towards the right and the lower neighbour, v the four entries:
    y = (1−s)(1−t) v₀₀ + (1−s) t v₀₁ + s (1−t) v₁₀ + s t v₁₁; dx spreads dy by these weights, dgrid follows t and s.
    """
    _check_grid(x, grid, mode, padding_mode)
    shape, border = x.shape, padding_mode == "border"
    extents = [_extent(size, bool(align_corners)) for size in (shape[3], shape[2])]
    lines = _lines(x)
    corners = _corners(grid, shape[2:], extents, mode, border)
    y = reduce(np.add, (lines[index] * weight[:, None] for index, weight, _ in corners))

    def back(dy: Array, needs=(True, True)):
        rows, corners = _lines(dy), list(_corners(grid, shape[2:], extents, mode, border))
        dx = dgrid = None
        if needs[0]:
            spread = np.concatenate([rows * weight[:, None] for _, weight, _ in corners])
            dx = sum_by_index(np.concatenate([index for index, *_ in corners]), spread, len(lines))
            dx = _from_lines(dx, shape)
        if needs[1]:
            dgrid = reduce(np.add, (np.vecdot(rows, lines[index])[:, None] * slopes for index, _, slopes in corners))
            dgrid = dgrid.reshape(grid.shape)
        return dx, dgrid

    return _from_lines(y, (*shape[:2], *grid.shape[1:3])), back


def _lines(x: Array) -> Array:
    """(N, C, H, W) → (N·H·W, C)."""
    n, channels, h, w = x.shape
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).reshape(n * h * w, channels)


def _from_lines(lines: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `_lines`."""
    n, channels, h, w = shape
    return np.ascontiguousarray(np.moveaxis(lines.reshape(n, h, w, channels), -1, 1))


def _check_grid(x: Array, grid: Array, mode: str, padding_mode: str) -> None:
    require_floating("grid_sample", "x", x)
    require_same_dtype("grid_sample", x=x, grid=grid)
    if mode not in ("bilinear", "nearest") or padding_mode not in ("zeros", "border"):
        raise NotImplementedError(
            f"grid_sample: mode is {mode!r} and padding_mode {padding_mode!r}, "
            "expected bilinear or nearest, and zeros or border"
        )
    require_rank("grid_sample", "x", x, 4, "(N, C, H, W)")
    require(
        grid.ndim == 4 and grid.shape[0] == x.shape[0] and grid.shape[3] == 2 and 0 not in x.shape[2:],
        f"grid_sample: grid has shape {grid.shape}, expected ({x.shape[0]}, H, W, 2) for x of shape {x.shape}",
    )


def _extent(size: int, align_corners: bool) -> tuple[float, float]:
    """(a, b) with entry = a·g + b for g in −1 … 1."""
    a = (size - 1) / 2 if align_corners else size / 2
    return a, (size - 1) / 2


def _corners(grid: Array, plane: tuple[int, int], extents: list[tuple[float, float]], mode: str, border: bool):
    """For each neighbour of each sample: its row among the N·H·W entries, its weight, and ∂weight/∂grid (…, 2)."""
    (h, w), n, kind = plane, len(grid), grid.dtype.type
    axes = []
    for axis, (size, (a, b)) in enumerate(zip((w, h), extents)):
        place = grid[..., axis].reshape(-1) * kind(a) + kind(b)
        slope = np.full(place.shape, kind(a))
        if border:
            slope *= (place > 0) & (place < size - 1)
            place = np.clip(place, 0, size - 1)
        axes.append(_neighbours(place, slope, size, mode))
    offset = np.repeat(np.arange(n) * (h * w), grid.shape[1] * grid.shape[2])
    for row, weight_y, slope_y in axes[1]:
        for column, weight_x, slope_x in axes[0]:
            yield offset + row * w + column, weight_y * weight_x, np.stack([weight_y * slope_x, slope_y * weight_x], 1)


def _neighbours(place: Array, slope: Array, size: int, mode: str) -> list[tuple[Array, Array, Array]]:
    """Along one axis: (entry, weight, ∂weight/∂grid) of the neighbours of each place, both 0 outside."""
    low = np.rint(place) if mode == "nearest" else np.floor(place)
    t = place - low
    found = (
        [(low, np.ones_like(t), np.zeros_like(t))] if mode == "nearest" else [(low, 1 - t, -slope), (low + 1, t, slope)]
    )
    neighbours = []
    for entry, weight, change in found:
        inside = (entry >= 0) & (entry < size)
        neighbours.append((np.clip(entry, 0, size - 1).astype(np.int64), weight * inside, change * inside))
    return neighbours
