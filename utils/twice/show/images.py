"""Photographs, feature maps and kernels side by side, each as large as the page allows."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from twice.show.picture import Picture, figure

SIGNED = "RdBu"


def images(
    pictures: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[str] = (),
    *,
    alt: str,
    signed: bool = False,
    together: bool = False,
    colors: str = "",
    width: str = "8em",
    columns: int = 0,
) -> Picture:
    """Pictures (H, W), (H, W, 3) or (3, H, W), in a row that breaks where the page is narrow.

    signed     zero is white, below it red, above it blue (kernels, gradients)
    together   one scale for all of them; else each uses its own range
    colors     a colour map of matplotlib for (H, W); by default grey, and `RdBu` where signed
    width      how wide each is at least
    columns    so many in a row, however narrow the page; by default as many as fit
    """
    planes = [to_picture(p) for p in pictures]
    shared = np.concatenate([p.ravel() for p in planes if p.ndim == 2]) if together else None
    shown = [_encode(_colored(p, p if shared is None else shared, signed, colors)) for p in planes]
    words = [*titles, *[""] * (len(planes) - len(titles))]
    tiles = "".join(_tile(data, title, p.shape) for data, title, p in zip(shown, words, planes))
    row = f"repeat({columns},minmax(0,1fr))" if columns else f"repeat(auto-fit,minmax(min(100%,{width}),1fr))"
    look = f"display:grid;grid-template-columns:{row};gap:.6em;max-width:calc({columns or len(planes)} * 1.9 * {width})"
    return figure(tiles, alt, look)


def to_picture(picture: np.ndarray) -> np.ndarray:
    """Height and width first, colours (if any) last, as arrays of NumPy."""
    array = np.asarray(picture)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3):
        raise ValueError(f"images: a picture has shape {np.shape(picture)}, expected (H, W), (H, W, 3) or (3, H, W)")
    return array


def _colored(plane: np.ndarray, scale: np.ndarray, signed: bool, colors: str) -> np.ndarray:
    """uint8 colours: RGB as it is (0 … 1 or 0 … 255), a plane through a colour map."""
    if plane.ndim == 3:
        top = 1.0 if plane.dtype.kind == "f" else 255.0
        return (np.clip(plane / top, 0, 1) * 255).astype(np.uint8)
    from matplotlib import colormaps

    low, high = float(np.min(scale)), float(np.max(scale))
    if signed:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    unit = (plane - low) / (high - low) if high > low else np.full(plane.shape, 0.5)
    rgba = colormaps[colors or (SIGNED if signed else "gray")](unit)
    return np.asarray(rgba[..., :3] * 255).astype(np.uint8)


def _encode(pixels: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _tile(data: str, title: str, shape: tuple[int, ...]) -> str:
    sharp = "image-rendering:pixelated;" if max(shape[:2]) <= 96 else ""
    below = f'<div style="font-size:.85em;text-align:center;margin-top:.2em">{escape(title)}</div>' if title else ""
    look = f"{sharp}width:100%;height:auto;display:block;background:none"
    size = f'width="{shape[1]}" height="{shape[0]}"'
    picture = f'<img alt="" src="data:image/png;base64,{data}" {size} style="{look}"/>'
    return f'<div style="min-width:0">{picture}{below}</div>'
