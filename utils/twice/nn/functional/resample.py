"""Images at other places: resized, shuffled, cut into patches, padded."""

from collections.abc import Sequence
from typing import Any

from twice import creation, functions
from twice.autograd import Tensor, op
from twice.kernels import resample as kernels

Sizes = int | Sequence[int]
_interpolate, _pad, _unfold, _fold = op(kernels.interpolate), op(kernels.pad), op(kernels.unfold), op(kernels.fold)
_pixel_shuffle, _pixel_unshuffle = op(kernels.pixel_shuffle), op(kernels.pixel_unshuffle)
_channel_shuffle = op(kernels.channel_shuffle)
_affine_grid, _grid_sample = op(kernels.affine_grid), op(kernels.grid_sample)


def interpolate(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """(N, C, …) in another size"""
    options = {"size": size, "scale_factor": scale_factor, "mode": mode, "align_corners": align_corners}
    return _interpolate(input, recompute_scale_factor=recompute_scale_factor, antialias=antialias, **options)


def upsample(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """An older name of `interpolate`"""
    return interpolate(input, size, scale_factor, mode, align_corners)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """A border around the last axes, (before, after) of the last axis first"""
    options = {"pad": tuple(pad), "mode": mode, "value": value}
    if input.array.dtype.kind == "f":
        return _pad(input, **options)
    # whole numbers, such as token ids, are exact in float64, and have no gradient
    return functions.to(_pad(functions.to(input, creation.float64), **options), input.dtype)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(…, C r², H, W) → (…, C, H r, W r)"""
    return _pixel_shuffle(input, upscale_factor=upscale_factor)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(…, C, H r, W r) → (…, C r², H, W)"""
    return _pixel_unshuffle(input, downscale_factor=downscale_factor)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels, of every group one in turn"""
    return _channel_shuffle(input, groups=groups)


def unfold(input: Tensor, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> Tensor:
    """Every window as a column: (N, C, H, W) → (N, C·k, L)"""
    return _unfold(input, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Every column back to its window, sums where they overlap: (N, C·k, L) → (N, C, H, W)"""
    windows = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    return _fold(input, output_size=output_size, **windows)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Where θ sends every place of a plane, for `grid_sample`"""
    return _affine_grid(theta, size=tuple(size), align_corners=bool(align_corners))


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """(N, C, H, W) read at the places of a grid (N, H', W', 2), each from −1 to 1"""
    return _grid_sample(input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
