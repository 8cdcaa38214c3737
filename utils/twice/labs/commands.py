"""What `twice lab …` does: list, open, check for students; new and build for authors."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twice.labs import catalog
from twice.labs.exercise import Exercise, Lab
from twice.labs.running import Progress, run

BY_HAND = "read by a person"


class LabError(Exception):
    """What a command cannot do, in a sentence."""


@dataclass(frozen=True)
class Line:
    """What a student's own check of a notebook says on one exercise."""

    title: str
    points: float
    possible: float
    said: str


def root(start: Path | None = None) -> Path:
    """The course's folder: the one around here, or the one that the library lies in."""
    here = Path.cwd() if start is None else start
    for folder in (here, *here.parents, Path(__file__).parents[3]):
        if (folder / "_config.yml").is_file() and (folder / "labs" / "source").is_dir():
            return folder
    raise LabError(f"lab: the course's folder is not around {here}: go there, or get it with git clone")


def listed() -> list[tuple[str, str, str, str]]:
    """Number, name, title and exercises of every lab."""
    labs = map(catalog.find, catalog.names())
    return [(str(lab.number), lab.name, lab.title, f"{len(lab.exercises)}") for lab in labs]


def named(name: str) -> Lab:
    """The lab, or a LabError."""
    try:
        return catalog.find(name)
    except ValueError as error:
        raise LabError(str(error)) from None


def copied(name: str, folder: Path, course: Path) -> Path:
    """The student's own copy of a lab's notebook; one that is there already stays as it is."""
    from twice.labs import build

    original, copy = build.paths(course, named(name).name)[1], folder / f"{name}.ipynb"
    if not original.is_file():
        raise LabError(f"lab {name}: {original} is missing: type twice lab build {name}")
    if not copy.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
    return copy


def opened(notebook: Path) -> int:
    """JupyterLab with this notebook, until it ends."""
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebook)])


def built(names: Sequence[str], course: Path, again: bool = False) -> list[Path]:
    """Build these labs, or all; the files that changed."""
    from twice.labs import build

    try:
        return [p for name in names or catalog.names() for p in build.build(course, named(name), again)]
    except build.BuildError as error:
        raise LabError(str(error)) from None


def checked(notebook: Path, progress: Progress | None = None) -> list[Line]:
    """Run a copy of the notebook in memory, and say what its checks said."""
    from nbclient.exceptions import DeadKernelError

    from twice.labs import build

    if not notebook.is_file():
        raise LabError(f"lab check: {notebook} is no file")
    try:
        student = build.read(notebook)
    except Exception as error:
        raise LabError(f"lab check: {notebook} is no notebook ({type(error).__name__})") from None
    lab = named(str(student.metadata.get("twice", {}).get("lab", "")))
    try:
        run(student, notebook.parent, errors=True, progress=progress)
    except DeadKernelError:
        raise LabError("lab check: the notebook's kernel died: run its cells one by one to see where") from None
    outcomes = {found.group(1): cell for cell in student.cells if (found := build.CHECK.fullmatch(cell.source.strip()))}
    return [_line(e, outcomes.get(e.name)) for e in lab.exercises]


def _line(exercise: Any, cell: Any) -> Line:
    """From the outputs of the check: no output, an error with its first lines, or what was tried."""
    if not isinstance(exercise, Exercise):
        return Line(exercise.title, 0, exercise.points, BY_HAND)
    if cell is None:
        return Line(exercise.title, 0, exercise.points, "its check cell is missing")
    errors = [o for o in cell.outputs if o.output_type == "error"]
    if errors:
        return Line(exercise.title, 0, exercise.points, _first_lines(errors[0].evalue))
    printed = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    right = printed.startswith("✓")
    return Line(exercise.title, exercise.points * right, exercise.points, "right" if right else "its check did not run")


def _first_lines(verdict: str) -> str:
    """The headline without the exercise's name, and the sentence below it."""
    head, _, rest = verdict.partition("\n\n")
    return f"{head.partition(': ')[2] or head}. {rest.partition(chr(10) * 2)[0]}".replace("\n  ", " ").strip()
