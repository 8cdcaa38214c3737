"""Sets that stay folders of files, as their makers packed them: a sample is read when it is asked for."""

import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

from twice.doctor import data_folder
from twice.kernels.checks import Array

Sample = TypeVar("Sample")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False, repr=False)
class LazySet(Sequence[Sample], Generic[Sample]):
    """Samples by number: `set[3]` reads the fourth from its files, `set[:100]` is the set of the first hundred.

    `columns` holds what is known of all samples without reading an image, one row for each.
    """

    paths: tuple[Path, ...]  # of the images
    read: Callable[..., Sample]  # of a path and the row of each column
    classes: tuple[str, ...]
    provenance: str
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> "LazySet[Sample]": ...

    def __getitem__(self, index: int | slice) -> "Sample | LazySet[Sample]":
        rows = {name: column[index] for name, column in self.columns.items()}
        if isinstance(index, slice):
            return replace(self, paths=self.paths[index], columns=rows)
        return self.read(self.paths[index], *rows.values())

    def __repr__(self) -> str:
        return f"LazySet({len(self)} images, {len(self.classes)} classes; {self.provenance})"


def pixels(path: Path, mode: str = "RGB") -> Array:
    """The image of a file: (H, W, 3) uint8, or with the mode "P" the numbers of its palette's colours (H, W)."""
    try:
        from PIL import Image
    except ImportError as e:
        raise ImportError("reading images needs the package Pillow: python -m pip install pillow") from e
    try:
        with Image.open(path) as image:
            return np.array(image if image.mode == mode else image.convert(mode))
    except OSError as e:
        raise ValueError(f"{path} is broken ({e})") from e


def require_files(folder: Path, names: Iterable[str]) -> None:
    """Every name is a file of the folder; else an error that says how many are not, and the first of them."""
    wanted = list(names)
    found = set(os.listdir(folder)) if folder.is_dir() else set()
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ValueError(f"{len(missing)} of {len(wanted)} files are missing in {folder.name}, the first {missing[0]}")


def require_split(where: str, split: str, known: Collection[str]) -> None:
    """The split is one of those that the set has."""
    if split not in known:
        raise ValueError(f"{where}: split is {split!r}, expected one of {', '.join(known)}")


def opened(name: str, inside: str, read: Callable[[Path], Result]) -> Result:
    """What `read` makes of the folder `inside` TWICE_DATA, or an error that says what to type."""
    folder = data_folder(os.environ) / inside
    if not folder.is_dir():
        raise FileNotFoundError(f"{name} is not at {folder}; type: python -m twice.data {name}")
    try:
        return read(folder)
    except (ValueError, OSError) as e:
        raise ValueError(
            f"{folder} is broken ({e}) and was not used; move it away and type: python -m twice.data {name}"
        ) from e


def bring(name: str, inside: str, download: Callable[[Any, str], None], check: Callable[[Path], Any]) -> Path:
    """Let torchvision download a folder, check it, and put it in its place: the whole of it, or nothing.

    A folder that is there is left alone, and named where something is wrong with it.
    """
    place = data_folder(os.environ) / inside
    if place.exists():
        opened(name, inside, check)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{name}.") as temporary:
        _download(name, download, temporary, place)
        try:
            check(Path(temporary, inside))
        except (ValueError, OSError) as e:
            raise ValueError(f"fetch: {name} is not what was expected: {e}; nothing was kept") from e
        Path(temporary, inside).rename(place)
    return place


def _download(name: str, download: Callable[[Any, str], None], folder: str, place: Path) -> None:
    try:
        from torchvision import datasets
    except ImportError as e:
        raise ImportError(f"fetch: {name} needs the package torchvision: python -m pip install torchvision") from e
    try:
        download(datasets, folder)
    except (RuntimeError, OSError) as e:  # URLError is an OSError; so is what gdown raises
        reason = str(e).partition("\n")[0] or type(e).__name__
        raise ConnectionError(
            f"fetch: {name} could not be brought here ({reason.rstrip(':')}); with a network, type: "
            f"python -m twice.data {name}; or copy the folder from another machine to {place}"
        ) from e
