"""Pascal VOC (Everingham et al. 2010): photographs of any size with boxes around 20 kinds of things, or with masks."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload
from xml.etree import ElementTree

import numpy as np

from twice.data.folders import LazySet, bring, opened, pixels, require_files, require_split
from twice.data.names import VOC
from twice.kernels.checks import Array

VOID = 255  # in a mask: the edges of things, and what is too hard to tell
COUNTS = {  # how many photographs each split has
    (2007, "detection"): {"train": 2501, "val": 2510, "trainval": 5011, "test": 4952},
    (2007, "segmentation"): {"train": 209, "val": 213, "trainval": 422, "test": 210},
    (2012, "detection"): {"train": 5717, "val": 5823, "trainval": 11540},
    (2012, "segmentation"): {"train": 1464, "val": 1449, "trainval": 2913},
}


class Detection(NamedTuple):
    """A photograph (H, W, 3) uint8; of each thing the box (x₁, y₁, x₂, y₂), the label, and whether it is hard to see.

    A box is given by its edges: (0, 0, W, H) is the whole image, x₂ − x₁ its width. The files count pixels from 1 and
    name the last one inside, so x₁ and y₁ are theirs less 1.
    """

    image: Array
    boxes: Array  # (n, 4) float32
    labels: Array  # (n,) int64, numbers of `classes`
    difficult: Array  # (n,) bool


class Segmentation(NamedTuple):
    """A photograph (H, W, 3) and for each pixel, uint8, its class and the number of its thing.

    0 is the background, c + 1 the class `classes[c]`, 255 (`VOID`) counts as nothing.
    """

    image: Array
    classes: Array  # (H, W)
    instances: Array  # (H, W)


@overload
def voc(year: int = ..., split: str = ..., task: Literal["detection"] = ...) -> LazySet[Detection]: ...


@overload
def voc(year: int = ..., split: str = ..., *, task: Literal["segmentation"]) -> LazySet[Segmentation]: ...


def voc(year: int = 2012, split: str = "train", task: str = "detection") -> LazySet[Any]:
    """VOC 2007 or 2012 from `VOCdevkit/VOCyear` under TWICE_DATA, where torchvision keeps it too.

    Splits: train, val, trainval, and of 2007 test, too. torch: `VOCDetection`, `VOCSegmentation`.
    """
    if (year, task) not in COUNTS:
        known = ", ".join(f"{task} {year}" for year, task in COUNTS)
        raise ValueError(f"voc: task and year are {task!r} and {year!r}, expected one of {known}")
    require_split("voc", split, COUNTS[year, task])
    return opened(f"voc{year}", f"VOCdevkit/VOC{year}", partial(_read, year=year, split=split, task=task))


def fetch_voc(year: int) -> Path:
    """Bring all splits of a year through torchvision.datasets, unless they are here."""
    return bring(f"voc{year}", f"VOCdevkit/VOC{year}", partial(_download, year), partial(_check, year))


def _read(folder: Path, year: int, split: str, task: str) -> LazySet[Any]:
    """The set, if all of its files are there."""
    chosen = folder / "ImageSets" / {"detection": "Main", "segmentation": "Segmentation"}[task] / f"{split}.txt"
    names = chosen.read_text(encoding="ascii").split()
    if len(names) != COUNTS[year, task][split]:
        raise ValueError(f"{chosen.name} names {len(names)} images, expected {COUNTS[year, task][split]}")
    for part, ending in PARTS[task].items():
        require_files(folder / part, (name + ending for name in names))
    paths = tuple(folder / "JPEGImages" / f"{name}.jpg" for name in names)
    return LazySet(paths, READERS[task], tuple(VOC.split(",")), f"Pascal VOC {year}, {split}; {folder}", {})


def _check(year: int, folder: Path) -> None:
    for (of, task), splits in COUNTS.items():
        for split in splits if of == year else ():
            _read(folder, year, split, task)


def _download(year: int, datasets: Any, folder: str) -> None:
    for part in ("trainval", "test") if year == 2007 else ("trainval",):
        datasets.VOCDetection(folder, year=str(year), image_set=part, download=True)


def _detection(path: Path) -> Detection:
    annotation = path.parents[1] / "Annotations" / f"{path.stem}.xml"
    try:
        things = ElementTree.parse(annotation).getroot().findall("object")
        labels = [VOC.split(",").index(thing.findtext("name", "").strip()) for thing in things]
        boxes = [[float(thing.findtext(f"bndbox/{edge}", "")) for edge in EDGES] for thing in things]
    except (ElementTree.ParseError, ValueError) as e:
        raise ValueError(f"{annotation} is broken ({e})") from e
    corners = np.array(boxes, np.float32).reshape(-1, 4) - np.array([1, 1, 0, 0], np.float32)
    difficult = [thing.findtext("difficult", "0").strip() == "1" for thing in things]
    return Detection(pixels(path), corners, np.array(labels, np.int64), np.array(difficult, bool))


def _segmentation(path: Path) -> Segmentation:
    masks = (path.parents[1] / part / f"{path.stem}.png" for part in ("SegmentationClass", "SegmentationObject"))
    return Segmentation(pixels(path), *(pixels(mask, "P") for mask in masks))


EDGES = ("xmin", "ymin", "xmax", "ymax")
READERS: dict[str, Callable[[Path], Any]] = {"detection": _detection, "segmentation": _segmentation}
PARTS = {
    "detection": {"JPEGImages": ".jpg", "Annotations": ".xml"},
    "segmentation": {"JPEGImages": ".jpg", "SegmentationClass": ".png", "SegmentationObject": ".png"},
}
