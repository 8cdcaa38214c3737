"""From one source to two notebooks: the student's, with gaps and no outputs, and the solved one, executed.

An author marks nothing but the solutions. A code cell with `# BEGIN SOLUTION` … `# END SOLUTION` answers the exercise
whose name it defines, a cell that is `check("NAME")` checks it, and a Markdown cell with the metadata
`{"answer": "NAME"}` asks for words.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from twice.labs.exercise import Exercise, Lab, Text
from twice.labs.running import run

BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
CODE_GAP = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_GAP = ("YOUR ANSWER HERE",)
CHECK = re.compile(r'check\("(\w+)"\)')
DEFINES = re.compile(r"^(?:def|class) (\w+)|^(\w+) *=", re.MULTILINE)
DIRECTIVE = re.compile(r"^(?:```|~~~|:::)\s*\{|\{[\w:-]+\}`", re.MULTILINE)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SETUP = """\
# On Colab this fetches the course; elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    if not os.path.isdir("{folder}"):
        subprocess.run("git clone --quiet --depth=1 {address}".split(), check=True)
    sys.path.insert(0, os.path.abspath("{folder}/utils"))

from twice.labs import checks

check = checks("{lab}")"""


class BuildError(Exception):
    """A source that makes no lab, in a sentence."""


# ── the two notebooks ───────────────────────────────────────────────────────────────────────────────────────────


def student(lab: Lab, source: str, address: str) -> NotebookNode:
    """The notebook that students open: gaps where the solutions were."""
    notebook = solved(lab, source, address)
    for cell in notebook.cells:
        if BEGIN in cell.source:
            cell.source = with_gap(cell.source, CODE_GAP if cell.cell_type == "code" else TEXT_GAP)
        if "nbgrader" in cell.metadata:
            cell.metadata.update(_locks(cell.metadata.nbgrader))
    return notebook


def solved(lab: Lab, source: str, address: str) -> NotebookNode:
    """The notebook with its solutions between their marks, not executed."""
    cells = [_cell(lab, cell) for cell in jupytext.reads(source, fmt="md:myst").cells]
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cells.insert(first, _setup(lab, address))
    _require_all(lab, cells)
    _identify(cells)
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "twice": {"lab": lab.name, "schema": 1}}
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def with_gap(source: str, gap: tuple[str, ...]) -> str:
    """The source with each solution replaced by the gap, indented as the solution was."""
    lines, inside = [], False
    for line in source.splitlines():
        if BEGIN in line and not inside:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + text for text in gap]
            inside = True
        elif END in line and inside:
            inside = False
        elif END in line or BEGIN in line:
            raise BuildError(f"`{line.strip()}` stands where it cannot, expected {BEGIN}, the solution, {END}")
        elif not inside:
            lines.append(line)
    if inside:
        raise BuildError(f"a solution has no end, expected a line with {END}")
    return "\n".join(lines)


def text(notebook: NotebookNode) -> str:
    """The notebook as its file holds it."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def unexecuted(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs and without what an execution adds."""
    bare = nbformat.from_dict(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return bare


# ── cells ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _cell(lab: Lab, cell: NotebookNode) -> NotebookNode:
    """One cell of the source with the metadata that its role in the lab asks for."""
    make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    metadata = {k: v for k, v in cell.metadata.items() if k != "answer"}
    new = make(cell.source, metadata=metadata)
    role, exercise = _role(lab, cell)
    if exercise is not None:
        new.metadata.update(_metadata(lab, role, exercise))
    elif BEGIN in cell.source or END in cell.source:
        raise BuildError(f"a solution answers no exercise: {cell.source.strip().splitlines()[0]!r} begins its cell")
    elif cell.cell_type == "markdown" and (found := DIRECTIVE.search(cell.source)):
        raise BuildError(f"{found.group()!r} is MyST, which notebooks do not show: expected plain Markdown")
    return new


def _role(lab: Lab, cell: NotebookNode) -> tuple[str, Exercise | Text | None]:
    """'solution', 'check' or 'text' with the exercise, or none."""
    if "answer" in cell.metadata:
        return "text", _known(lab, cell.metadata["answer"], Text)
    if check := CHECK.fullmatch(cell.source.strip()):
        return "check", _known(lab, check.group(1), Exercise)
    if cell.cell_type == "code" and BEGIN in cell.source:
        defined = [a or b for a, b in DEFINES.findall(cell.source)]
        answers = [name for name in defined if name in {e.name for e in lab.exercises}]
        if len(answers) > 1:
            raise BuildError(f"one cell answers {' and '.join(answers)}, expected a cell for each")
        return ("solution", _known(lab, answers[0], Exercise)) if answers else ("", None)
    return "", None


def _known(lab: Lab, name: str, kind: type) -> Any:
    found = [e for e in lab.exercises if e.name == name and isinstance(e, kind)]
    if not found:
        known = ", ".join(e.name for e in lab.exercises if isinstance(e, kind))
        raise BuildError(f"the source speaks of {name!r}, expected one of {known}")
    return found[0]


def _metadata(lab: Lab, role: str, exercise: Exercise | Text) -> dict[str, Any]:
    """nbgrader's keys (schema 3), and ours beside them."""
    graded = role in ("check", "text")
    ours = {"lab": lab.name, "role": role, "exercise": exercise.name}
    theirs = {
        "grade": graded,
        "grade_id": f"check-{exercise.name}" if role == "check" else exercise.name,
        "locked": role == "check",
        "schema_version": 3,
        "solution": role in ("solution", "text"),
        "task": False,
    }
    return {"nbgrader": {**theirs, "points": exercise.points} if graded else theirs, "twice": ours}


def _locks(theirs: dict[str, Any]) -> dict[str, bool]:
    """What nbgrader's LockCells adds on the way to students: no graded cell is lost, none but answers is rewritten."""
    return {"deletable": False} if theirs["solution"] else {"deletable": False, "editable": False}


def _setup(lab: Lab, address: str) -> NotebookNode:
    """The first code cell."""
    folder = address.rstrip("/").rpartition("/")[2].removesuffix(".git")
    source = SETUP.format(address=address, folder=folder, lab=lab.name)
    theirs = {
        "grade": False,
        "grade_id": "setup",
        "locked": True,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    ours = {"lab": lab.name, "role": "setup", "exercise": ""}
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": theirs, "twice": ours})


def _require_all(lab: Lab, cells: list[NotebookNode]) -> None:
    """Each exercise has its solution, then its check, once; each question its answer."""
    roles = [(c.metadata.twice.role, c.metadata.twice.exercise) for c in cells if "twice" in c.metadata][1:]
    wanted = [(role, e.name) for e in lab.exercises for role in _roles(e)]
    if roles != wanted:
        came = next((r for r, w in zip([*roles, None], [*wanted, None]) if r != w), None)
        place = next((w for r, w in zip([*roles, None], [*wanted, None]) if r != w), None)
        raise BuildError(f"the cells are to follow the declaration: {_named(place)} is expected, {_named(came)} came")


def _roles(exercise: Exercise | Text) -> tuple[str, ...]:
    return ("text",) if isinstance(exercise, Text) else ("solution", "check")


def _named(place: tuple[str, str] | None) -> str:
    return "no further cell" if place is None else f"the {place[0]} of {place[1]}"


def _identify(cells: list[NotebookNode]) -> None:
    """Ids that stay when other cells come or go: of the role, or of what the cell says."""
    seen: dict[str, int] = {}
    for cell in cells:
        name = _identity(cell)
        seen[name] = seen.get(name, 0) + 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _identity(cell: NotebookNode) -> str:
    if "twice" in cell.metadata:
        return "-".join(filter(None, (cell.metadata.twice.role, cell.metadata.twice.exercise)))
    return hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def paths(root: Path, name: str) -> tuple[Path, Path, Path]:
    """Source, student's notebook and solved notebook of a lab."""
    labs = root / "labs"
    return labs / "source" / f"{name}.md", labs / f"{name}.ipynb", labs / "solutions" / f"{name}.ipynb"


def notebooks(root: Path, lab: Lab) -> tuple[NotebookNode, NotebookNode]:
    """Both notebooks that a lab's source makes now: the student's, and the solved one, not executed."""
    from twice.book.repository import address

    problems = lab.problems()
    if problems:
        raise BuildError("; ".join(problems))
    source = paths(root, lab.name)[0]
    if not source.is_file():
        raise BuildError(f"lab {lab.name}: its source {source} is missing")
    try:
        words = source.read_text(encoding="utf-8")
        return student(lab, words, address(root)), solved(lab, words, address(root))
    except BuildError as error:
        raise BuildError(f"{source.name}: {error}") from None


def build(root: Path, lab: Lab, again: bool = False) -> list[Path]:
    """Write both notebooks of a lab, where they changed; the solved one is executed when it did, or `again`."""
    _, open_path, solved_path = paths(root, lab.name)
    open_notebook, solved_notebook = notebooks(root, lab)
    written = []
    if _differs(open_path, text(open_notebook)):
        open_path.write_text(text(open_notebook), encoding="utf-8")
        written.append(open_path)
    if again or not solved_path.is_file() or text(unexecuted(read(solved_path))) != text(solved_notebook):
        solved_path.parent.mkdir(parents=True, exist_ok=True)
        solved_path.write_text(text(execute(solved_notebook, solved_path.parent)), encoding="utf-8")
        written.append(solved_path)
    return written


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)


def _differs(path: Path, content: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != content


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with its outputs; every check must pass and nothing may be written to stderr."""
    from nbclient.exceptions import CellExecutionError

    done = nbformat.from_dict(notebook)
    try:
        run(done, folder)
    except CellExecutionError as error:
        raise BuildError(f"the solved notebook stops: {error}") from None
    for cell in done.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise BuildError(f"the solved notebook writes to stderr: {output.text.strip()}")
    done.metadata = nbformat.from_dict(notebook.metadata)
    return done
