"""CelebA (Liu et al. 2015): 202,599 faces of 10,177 people, aligned, with 40 attributes and five points each."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twice.data.folders import LazySet, bring, opened, pixels, require_files, require_split
from twice.kernels.checks import Array

SPLITS = {"train": 0, "valid": 1, "test": 2, "all": None}
TABLES = {  # file: md5; the lines above the first image's
    "list_eval_partition.txt": ("d32c9cbf5e040fd4025c592c306e6668", 0),
    "list_attr_celeba.txt": ("75e246fa4810816ffd6ee81facbd244c", 2),
    "identity_CelebA.txt": ("32bd1bd63d3c78cd57e08160ec5ed1e2", 0),
    "list_bbox_celeba.txt": ("00566efa6fedff7a56946cd1c10f1c16", 2),
    "list_landmarks_align_celeba.txt": ("cc24ecafdb5b50baae59b03474781f8c", 2),
}
IMAGES = "img_align_celeba"


class Face(NamedTuple):
    """An aligned image (218, 178, 3) uint8 and what is known of it.

    `box` is (x, y, width, height) in the photograph from which the image was cut, which the aligned set does not hold.
    """

    image: Array
    attributes: Array  # (40,) bool, named by `classes`
    identity: int  # the number of a person, from 1
    landmarks: Array  # (5, 2) float32: x and y of left eye, right eye, nose, left and right corner of the mouth
    box: Array  # (4,) float32


def celeba(split: str = "train") -> LazySet[Face]:
    """The faces of a split (train, valid, test, all) from the folder `celeba` under TWICE_DATA.

    `columns` has attributes, identity, landmarks and boxes of all of them. torch: `CelebA`.
    """
    require_split("celeba", split, SPLITS)
    return opened("celeba", "celeba", partial(_read, split=split))


def fetch_celeba() -> Path:
    """Bring the aligned faces and their tables through torchvision.datasets, unless they are here."""
    return bring("celeba", "celeba", _download, partial(_read, split="all"))


def _read(folder: Path, split: str) -> LazySet[Face]:
    """The set, if its tables are the known ones and all of its images are there."""
    names, (part, attributes, identity, boxes, landmarks) = _tables(folder)
    require_files(folder / IMAGES, names)
    chosen = np.flatnonzero(part[:, 0] == SPLITS[split]) if split != "all" else np.arange(len(names))
    columns = {
        "attributes": attributes[chosen] == 1,
        "identity": identity[chosen, 0],
        "landmarks": landmarks[chosen].reshape(-1, 5, 2).astype(np.float32),
        "boxes": boxes[chosen].astype(np.float32),
    }
    paths = tuple(folder / IMAGES / names[i] for i in chosen)
    words = (folder / "list_attr_celeba.txt").read_text(encoding="ascii").split("\n", 2)[1].split()
    return LazySet(paths, _face, tuple(words), f"CelebA, {split}; {folder}", columns)


def _tables(folder: Path) -> tuple[list[str], list[Array]]:
    """The images' names, the same in all tables, and the numbers of each table (n, columns)."""
    columns, names = [], None
    for file, (md5, head) in TABLES.items():
        content = (folder / file).read_bytes()
        if (digest := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
            raise ValueError(f"{file} has md5 {digest[:8]}…, expected {md5[:8]}…")
        lines = content.decode("ascii").splitlines()[head:]
        here = [line.split(maxsplit=1)[0] for line in lines]
        if names not in (None, here):
            raise ValueError(f"{file} names other images than list_eval_partition.txt")
        names = here
        width = len(lines[0].split())
        columns.append(np.loadtxt(lines, dtype=np.int32, usecols=range(1, width), ndmin=2))
    return names or [], columns


def _download(datasets: Any, folder: str) -> None:
    datasets.CelebA(folder, split="all", download=True)
    Path(folder, "celeba", f"{IMAGES}.zip").unlink(missing_ok=True)


def _face(path: Path, attributes: Array, identity: Any, landmarks: Array, box: Array) -> Face:
    return Face(pixels(path), attributes, int(identity), landmarks, box)
