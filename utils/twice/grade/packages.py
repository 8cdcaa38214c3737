"""The installed packages that a kernel sees: a few, in a folder of their own that lies where all are installed."""

import os
import shutil
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

from twice.grade import scratch

KERNEL = ("ipykernel", "numpy", "matplotlib")  # what every kernel can import, with what these need

UNUSED = ("tests", "typeshed", "django-stubs")  # thousands of files that no kernel reads
Shown = tuple[tuple[str, str], ...]


def search_path() -> list[str]:
    """Where a kernel finds installed packages."""
    return [*dict.fromkeys(str(Path(str(dist.locate_file("")))) for dist in closure(KERNEL))]


@cache
def shown(names: tuple[str, ...]) -> Shown:
    """What to show, and where: the kernel's packages linked together, and these others, which may be large, one by one.

    A sandbox starts in the time that its mounts take: one for a folder is much less than one for each package.
    """
    small = {path for dist in closure(KERNEL) for path in _places(dist)}
    large = {path for dist in closure(names) for path in _places(dist)} - small
    site = scratch.make()
    folders = {parent: site / str(number) for number, parent in enumerate(sorted({p.parent for p in small | large}))}
    for path in sorted(small):
        _link(path, folders[path.parent] / path.name)
    for path in sorted(large):
        _hold_place(path, folders[path.parent] / path.name)
    for folder in (site, *(f for f in site.rglob("*") if f.is_dir())):
        folder.chmod(0o755)
    whole = [(str(folder), str(parent)) for parent, folder in folders.items()]
    return (*whole, *((str(path), str(path)) for path in sorted(large)))


def closure(names: Iterable[str]) -> list[Distribution]:
    """The installed packages of these names and all that they require."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # optional, or provided by another package
        needs = (Requirement(line) for line in found[name].requires or ())
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return list(found.values())


def _places(dist: Distribution) -> set[Path]:
    """The top-level files and folders of a package."""
    names = {file.parts[0] for file in dist.files or () if file.parts[0] not in ("..", "__pycache__")}
    places = {Path(str(dist.locate_file(name))) for name in names if not name.endswith(".pth")}
    return {place for place in places if place.exists()}


def _link(path: Path, place: Path) -> None:
    """The same files under another name, as links where the disk allows it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(
            path, place, copy_function=_link_file, ignore=shutil.ignore_patterns(*UNUSED), dirs_exist_ok=True
        )
    else:
        _link_file(str(path), str(place))
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            _link(compiled, place.parent / "__pycache__" / compiled.name)


def _link_file(path: str, place: str) -> None:
    try:
        os.link(path, place)
    except OSError:
        shutil.copy2(path, place)


def _hold_place(path: Path, place: Path) -> None:
    """Something empty for a mount to cover."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()
