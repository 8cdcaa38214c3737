"""From pixels to what a network is fed: planes of floats, scaled and centred by the training set's numbers.

Images are (N, H, W, C) or (N, H, W), uint8; planes are (N, C, H, W), float32. The mean and the deviation come from the
training set alone and go with the network: a pretrained one is fed with its own.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from twice.kernels.checks import Array, require

Numbers = float | Sequence[float] | Array
ROWS = 2**18  # pixels that are summed at a time


class ColorAxes(NamedTuple):
    """The principal axes of colour: λ (3,), the largest first, and p (3, 3), one axis in each column."""

    values: Array
    vectors: Array


def to_planes(images: Array, top: int = 255) -> Array:
    """(N, H, W, C) or (N, H, W) uint8, 0 … top → (N, C, H, W) float32, 0 … 1.

    torch: `v2.ToImage()`, then `v2.ToDtype(torch.float32, scale=True)`.
    """
    planes = np.moveaxis(_with_channels("to_planes", images), -1, 1)
    return np.multiply(planes, np.float32(1 / top), dtype=np.float32, order="C")


def to_images(planes: Array) -> Array:
    """(N, C, H, W) floats, 0 … 1 → (N, H, W, C) uint8, rounded, what lies outside clipped: for looking at."""
    require(planes.ndim == 4, f"to_images: planes has shape {planes.shape}, expected (N, C, H, W)")
    pixels = np.rint(np.moveaxis(planes, 1, -1) * planes.dtype.type(255))
    return np.ascontiguousarray(pixels.clip(0, 255).astype(np.uint8))


def min_max(x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """Normalised: (x − min) / (max − min), from 0 to 1 along `axis` (None: all of x); 0 where x is constant."""
    x = x if x.dtype.kind == "f" else x.astype(np.float32)
    low, high = x.min(axis, keepdims=True), x.max(axis, keepdims=True)
    return (x - low) / np.where(high > low, high - low, x.dtype.type(1))


def standardize(x: Array, mean: Numbers, std: Numbers = 1.0) -> Array:
    """(x − μ) / σ. μ and σ: a number; one for each channel of (N, C, H, W); or an image mean (C, H, W).

    torch: `v2.Normalize(mean, std)`, for channels.
    """
    require(x.dtype.kind == "f", f"standardize: x has dtype {x.dtype}, expected floats such as to_planes gives")
    mu, sigma = (_along_channels(name, value, x) for name, value in (("mean", mean), ("std", std)))
    require(bool(np.all(sigma != 0)), f"standardize: std is {std}, expected no 0")
    return (x - mu) / sigma


def channel_moments(images: Array, top: int = 255) -> tuple[Array, Array]:
    """μ and σ of each channel over all images and places, (C,) each, in the units of `to_planes(images, top)`.

    The sums are sums of whole numbers, so they are exact: μ = Σx / M and σ² = Σx² / M − μ², M = N·H·W.
    """
    count, total, products = _channel_sums("channel_moments", images)
    mean = total / count
    std = np.sqrt(np.maximum(np.diag(products) / count - mean**2, 0))
    return (mean / top).astype(np.float32), (std / top).astype(np.float32)


def image_mean(images: Array, top: int = 255) -> Array:
    """The mean image (C, H, W): a mean for each place and channel, where `channel_moments` has one for each channel."""
    mean = _with_channels("image_mean", images).sum(0, dtype=np.uint64) / len(images) / top
    return np.ascontiguousarray(np.moveaxis(mean, -1, 0), dtype=np.float32)


def color_axes(images: Array) -> ColorAxes:
    """Eigenvalues λ and eigenvectors p of the 3×3 covariance of all pixels' (R, G, B), each from 0 to 1."""
    require_rgb("color_axes", images)
    count, total, products = _channel_sums("color_axes", images)
    mean = total / count
    values, vectors = np.linalg.eigh((products / count - np.outer(mean, mean)) / 255**2)
    vectors = vectors[:, ::-1]
    # an eigenvector's sign is free: its largest entry is made positive
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(3)])
    return ColorAxes(values[::-1].astype(np.float32), (vectors * signs).astype(np.float32))


def _channel_sums(where: str, images: Array) -> tuple[int, Array, Array]:
    """M, Σx (C,) and Σxxᵀ (C, C) over all pixels x; exact below 2⁵³."""
    pixels = _with_channels(where, images)
    require(pixels.size > 0, f"{where}: images has shape {images.shape}, expected at least one pixel")
    pixels = pixels.reshape(-1, pixels.shape[-1])
    total, products = np.zeros(pixels.shape[1]), np.zeros((pixels.shape[1],) * 2)
    for rows in _row_blocks(pixels):
        total += np.ones(len(rows)) @ rows
        products += rows.T @ rows
    return len(pixels), total, products


def _row_blocks(pixels: Array) -> Iterator[Array]:
    return (pixels[start : start + ROWS].astype(np.float64) for start in range(0, len(pixels), ROWS))


def _with_channels(where: str, images: Array) -> Array:
    require(images.dtype == np.uint8, f"{where}: images has dtype {images.dtype}, expected uint8", TypeError)
    require(images.ndim in (3, 4), f"{where}: images has shape {images.shape}, expected (N, H, W) or (N, H, W, C)")
    return images if images.ndim == 4 else images[..., None]


def require_rgb(where: str, images: Array) -> None:
    """Colour images: (N, H, W, 3)."""
    right = images.ndim == 4 and images.shape[-1] == 3
    require(right, f"{where}: images has shape {images.shape}, expected (N, H, W, 3)")


def _along_channels(name: str, value: Numbers, x: Array) -> Array:
    """In the dtype of x; one number for each channel becomes (C, 1, 1)."""
    numbers = np.asarray(value, dtype=x.dtype)
    if numbers.ndim == 0:
        return numbers
    if numbers.ndim == 1 and x.ndim == 4:
        numbers = numbers[:, None, None]
    right = numbers.ndim == 3 and x.ndim == 4 and numbers.shape in ((x.shape[1], 1, 1), x.shape[1:])
    require(
        right,
        f"standardize: {name} has shape {np.shape(value)}, expected a number, or (C,) or (C, H, W) of x {x.shape}",
    )
    return numbers
