"""The same images seen otherwise: AlexNet's augmentations as pure functions of (images, rng).

Images are (N, H, W, C), uint8 or floats from 0 to 1, in and out; crops and flips take (N, H, W) too. Each image of a
batch draws its own numbers, all images at once. Every function names its counterpart in `torchvision.transforms.v2`,
which takes (N, C, H, W) and draws once for the whole batch.
"""

from collections.abc import Sequence

import numpy as np

from twice.data.preprocess import ColorAxes, require_rgb
from twice.kernels.checks import Array, as_tuple, require

Sizes = int | Sequence[int]
Factors = float | Array
GREY = (0.2989, 0.587, 0.114)  # how bright red, green and blue are; torchvision's digits

# ── where: crops and flips ──────────────────────────────────────────────────────────────────────────────────────


def horizontal_flip(images: Array) -> Array:
    """Left becomes right. torch: `v2.functional.horizontal_flip`."""
    _require_images("horizontal_flip", images)
    return images[:, :, ::-1].copy()


def random_flip(images: Array, rng: np.random.Generator, p: float = 0.5) -> Array:
    """Each image is flipped with probability p. torch: `v2.RandomHorizontalFlip(p)`."""
    _require_images("random_flip", images)
    require(0 <= p <= 1, f"random_flip: p is {p}, expected a probability")
    out = images.copy()
    chosen = rng.random(len(images)) < p
    out[chosen] = images[chosen, :, ::-1]
    return out


def random_crop(images: Array, rng: np.random.Generator, size: Sizes, padding: Sizes = 0, fill: float = 0) -> Array:
    """A window of `size` at a place of each image's own, all places alike, after a border of `fill` all around.

    torch: `v2.RandomCrop(size, padding, fill=fill)`.
    """
    (height, width), (rows, columns) = _sizes("random_crop", size), as_tuple("random_crop", "padding", padding, 2, 0)
    _require_images("random_crop", images)
    border = ((0, 0), (rows, rows), (columns, columns), (0, 0))[: images.ndim]
    padded = np.pad(images, border, constant_values=fill) if rows or columns else images
    _require_inside("random_crop", padded, height, width)
    top = rng.integers(0, padded.shape[1] - height + 1, len(images))
    left = rng.integers(0, padded.shape[2] - width + 1, len(images))
    # (N, places down, places across, …, height, width), a view
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    crops = windows[np.arange(len(images)), top, left]
    return np.ascontiguousarray(np.moveaxis(crops, 1, -1)) if images.ndim == 4 else crops


def center_crop(images: Array, size: Sizes) -> Array:
    """The window in the middle; where the border is odd, half rounds to even. torch: `v2.CenterCrop(size)`."""
    height, width = _sizes("center_crop", size)
    _require_inside("center_crop", images, height, width)
    top, left = round((images.shape[1] - height) / 2), round((images.shape[2] - width) / 2)
    return images[:, top : top + height, left : left + width].copy()


def ten_crop(images: Array, size: Sizes) -> Array:
    """(N, H, W, …) → (N, 10, h, w, …): the four corners and the centre, then the same of the flipped image.

    The order is top left, top right, bottom left, bottom right, centre. AlexNet averages the softmax over the ten.
    torch: `v2.TenCrop(size)`, which gives a tuple of ten.
    """
    five = [_five_crop(x, *_sizes("ten_crop", size)) for x in (images, horizontal_flip(images))]
    return np.stack([*five[0], *five[1]], axis=1)


def count_crops(height: int, width: int, size: Sizes, flips: bool = True) -> int:
    """How many different windows of `size` there are: (H − h + 1) (W − w + 1), twice that with the flipped ones."""
    h, w = _sizes("count_crops", size)
    require(h <= height and w <= width, f"count_crops: size is {size}, expected at most {(height, width)}")
    return (height - h + 1) * (width - w + 1) * (2 if flips else 1)


def _five_crop(x: Array, h: int, w: int) -> list[Array]:
    _require_inside("ten_crop", x, h, w)
    bottom, right = x.shape[1] - h, x.shape[2] - w
    corners = [x[:, top : top + h, left : left + w] for top in (0, bottom) for left in (0, right)]
    return [*corners, center_crop(x, (h, w))]


# ── which colour ────────────────────────────────────────────────────────────────────────────────────────────────


def fancy_pca(images: Array, rng: np.random.Generator, axes: ColorAxes, sigma: float = 0.1) -> Array:
    """Each image's pixels, all by the same: x + [p₁ p₂ p₃] [α₁λ₁ α₂λ₂ α₃λ₃]ᵀ, each α from N(0, σ²).

    λ and p: `color_axes(training images)`. AlexNet's "Fancy PCA" (Krizhevsky et al. 2012, section 4.1): in light of
    another strength and colour an object is the same. Floats are not clipped, uint8 is. torchvision has no counterpart.
    """
    require_rgb("fancy_pca", images)
    alpha = rng.normal(0, sigma, (len(images), 3)).astype(np.float32)
    shift = ((alpha * axes.values) @ axes.vectors.T)[:, None, None, :]
    if images.dtype == np.uint8:
        return np.rint(images + np.float32(255) * shift).clip(0, 255).astype(np.uint8)
    return images + shift.astype(images.dtype)


def color_jitter(
    images: Array,
    rng: np.random.Generator,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> Array:
    """Four adjustments in an order drawn for the batch, with factors drawn for each image.

    A strength b draws from [max(0, 1 − b), 1 + b]; a hue h ≤ ½ draws from [−h, h]; 0 leaves that adjustment out.
    torch: `v2.ColorJitter(brightness, contrast, saturation, hue)`.
    """
    require(0 <= hue <= 0.5, f"color_jitter: hue is {hue}, expected 0 to 0.5")
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, strength in strengths.items():
        require(strength >= 0, f"color_jitter: {name} is {strength}, expected at least 0")
    ranges = [*((max(0.0, 1 - s), 1 + s) for s in strengths.values()), (-hue, hue)]
    adjustments = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
    factors = [rng.uniform(low, high, len(images)) for low, high in ranges]
    for i in rng.permutation(4):
        if ranges[i][0] < ranges[i][1]:
            images = adjustments[i](images, factors[i])
    return images


def adjust_brightness(images: Array, factor: Factors) -> Array:
    """f x: black at 0, the image at 1. torch: `v2.functional.adjust_brightness`."""
    return _blend("adjust_brightness", images, lambda x: x.dtype.type(0), factor)


def adjust_contrast(images: Array, factor: Factors) -> Array:
    """f x + (1 − f) m, m the image's mean brightness: plain grey at 0. torch: `v2.functional.adjust_contrast`."""
    return _blend("adjust_contrast", images, lambda x: _grey(x, images.dtype).mean((1, 2, 3), keepdims=True), factor)


def adjust_saturation(images: Array, factor: Factors) -> Array:
    """f x + (1 − f) g, g the image in grey: colourless at 0. torch: `v2.functional.adjust_saturation`."""
    return _blend("adjust_saturation", images, lambda x: _grey(x, images.dtype), factor)


def adjust_hue(images: Array, shift: Factors) -> Array:
    """The hue turned by `shift` of the colour circle, −½ … ½. torch: `v2.functional.adjust_hue`."""
    _require_colors("adjust_hue", images)
    x = images / np.float32(255) if images.dtype == np.uint8 else images
    hue, saturation, value = _hsv(x)
    turned = _rgb(hue + _each("adjust_hue", images, shift, x.dtype)[..., 0], saturation, value)
    # torchvision's way from [0, 1] to uint8: 256 equal bins
    return (turned * np.float32(255.999)).astype(np.uint8) if images.dtype == np.uint8 else turned


def _blend(where, images, other, factor):
    """f x + (1 − f) y, clipped; uint8 is cut, not rounded, as torchvision does."""
    _require_colors(where, images)
    x = images.astype(np.float32) if images.dtype == np.uint8 else images
    mine, others = (_each(where, images, f, x.dtype) for f in (factor, 1 - np.asarray(factor)))
    return (mine * x + others * other(x)).clip(0, 255 if images.dtype == np.uint8 else 1).astype(images.dtype)


def _grey(x: Array, dtype: np.dtype) -> Array:
    """Brightness (N, H, W, 1); of uint8 images a whole number, cut."""
    red, green, blue = (x[..., i : i + 1] * x.dtype.type(weight) for i, weight in enumerate(GREY))
    grey = red + green + blue
    return np.floor(grey) if dtype == np.uint8 else grey


def _hsv(x: Array) -> tuple[Array, Array, Array]:
    """Hue (in turns), saturation and value (N, H, W) of (N, H, W, 3); hue 0 for grey."""
    red, green, blue = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    value = np.maximum(np.maximum(red, green), blue)
    chroma = value - np.minimum(np.minimum(red, green), blue)
    divisor = np.where(chroma > 0, chroma, x.dtype.type(1))
    sixths = np.where(
        value == red,
        (green - blue) / divisor,
        np.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    return sixths / 6, chroma / np.where(value > 0, value, x.dtype.type(1)), value


def _rgb(hue: Array, saturation: Array, value: Array) -> Array:
    """v − v s max(0, min(k, 4 − k, 1)), k = (n + 6h) mod 6, n = 5 for red, 3 for green, 1 for blue."""
    turns = np.array([5 / 6, 3 / 6, 1 / 6], dtype=hue.dtype)[:, None, None, None] + hue  # (3, N, H, W)
    k = 6 * (turns - np.floor(turns))  # many times as fast as the remainder
    planes = value * (1 - saturation * np.minimum(k, 4 - k).clip(0, 1))
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1)).clip(0, 1)


# ── what came ───────────────────────────────────────────────────────────────────────────────────────────────────


def _sizes(where: str, size: Sizes) -> tuple[int, ...]:
    return as_tuple(where, "size", size, 2, 1)


def _require_images(where: str, images: Array) -> None:
    right = images.ndim in (3, 4)
    require(right, f"{where}: images has shape {images.shape}, expected (N, H, W) or (N, H, W, C)")


def _require_inside(where: str, images: Array, height: int, width: int) -> None:
    _require_images(where, images)
    inside = height <= images.shape[1] and width <= images.shape[2]
    require(inside, f"{where}: size is {(height, width)}, expected at most {images.shape[1:3]}, the images' own")


def _require_colors(where: str, images: Array) -> None:
    require_rgb(where, images)
    right = images.dtype == np.uint8 or images.dtype.kind == "f"
    require(right, f"{where}: images has dtype {images.dtype}, expected uint8 or floats from 0 to 1", TypeError)


def _each(where: str, images: Array, factor: Factors, dtype: np.dtype) -> Array:
    """One factor for all images, or one for each: (N, 1, 1, 1) or (1, 1, 1, 1)."""
    factors = np.atleast_1d(np.asarray(factor)).astype(dtype)
    right = factors.shape in ((1,), (len(images),))
    require(right, f"{where}: the factor has shape {factors.shape}, expected a number or one for each image")
    return factors[:, None, None, None]
