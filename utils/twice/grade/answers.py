"""What is right for every case of a lab: computed once for a seed, in a process of its own, and kept."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from twice.labs.exercise import Exercise, Lab
from twice.labs.judge import Prepared, prepare, restore, store

LIBRARY = Path(__file__).parents[1]
PACKAGE = "twice.labs"
COMPUTE = "import sys; sys.path[:] = {!r}; from twice.grade.answers import compute; compute({!r}, {!r}, {!r}, {!r})"
SUFFIX = ".plain"


class NoAnswers(Exception):
    """The right answers could not be computed; the message says why."""


def declared(lab: str, package: str = PACKAGE) -> Lab:
    """The declaration of a lab."""
    if not lab.isidentifier():
        raise ValueError(f"lab: got {lab!r}, expected the name of a lab")
    try:
        return import_module(f"{package}.{lab}").LAB
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{lab}":
            raise
        raise ValueError(f"lab: there is no lab {lab!r} in {package}") from None


@cache
def answers(lab: str, seed: int, folder: Path, package: str = PACKAGE) -> dict[str, tuple[Prepared, ...]]:
    """Cases and right answers of each exercise, from the folder where they are kept; computed where they are not."""
    kept = folder / f"{lab}-{seed}-{_made_from(lab, package)}"
    if not kept.is_dir():
        _keep(kept, lab, seed, package)
    return {path.stem: restore(path.read_bytes()) for path in sorted(kept.glob(f"*{SUFFIX}"))}


def _keep(kept: Path, lab: str, seed: int, package: str) -> None:
    """Have them computed, by one process where several ask at once."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.is_dir():
            return
        made = Path(tempfile.mkdtemp(dir=kept.parent))
        try:
            command = COMPUTE.format([part or os.getcwd() for part in sys.path], lab, seed, str(made), package)
            done = subprocess.run(
                [sys.executable, "-c", command], capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            if done.returncode != 0:
                said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                raise NoAnswers(f"The right answers of the lab {lab} could not be computed: {said}")
            made.rename(kept)
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(made)


def compute(lab: str, seed: int, folder: str, package: str) -> None:
    """Write the cases and right answers of each exercise into the folder."""
    for exercise in declared(lab, package).exercises:
        if isinstance(exercise, Exercise):
            Path(folder, exercise.name + SUFFIX).write_bytes(store(prepare(exercise, seed)))


@cache
def _made_from(lab: str, package: str) -> str:
    """A hash of all that the answers depend on: the library's sources, the lab's, the versions of the engines."""
    declared(lab, package)
    module = Path(sys.modules[f"{package}.{lab}"].__file__ or "")
    made = hashlib.sha256(repr([sys.version, *map(_version, ("numpy", "torch", "torchvision"))]).encode())
    for path in [*sorted(LIBRARY.rglob("*.py")), module]:
        made.update(path.read_bytes())
    return made.hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
