"""Submissions of one lab, found in whatever an instructor has: who handed in what, when, and what is refused unread."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from twice.grade import foreign
from twice.grade.archive import Entry, Refused, entries
from twice.grade.layouts import (
    GRADESCOPE_METADATA,
    NBGRADER_TIME,
    Owner,
    nbgrader_time,
    owners,
    shared_folders,
    surroundings,
)


@dataclass(frozen=True)
class Submission:
    """One notebook of one student. `read` gives its bytes, or raises Refused where `refused` says why."""

    owner: Owner
    path: str
    sha256: str
    read: Callable[[], bytes]
    handed_in: datetime | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Collected:
    """All submissions of the lab, and in sentences what was left aside."""

    submissions: tuple[Submission, ...]
    aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A notebook that was read once: its hash, and the lab that its cells name."""

    entry: Entry
    sha256: str = ""
    lab: str | None = None
    refused: str | None = None


def collect(root: Path, canonical: bytes) -> Collected:
    """The submissions under `root` to the lab whose notebook `canonical` is. A notebook is known by its cells, not by
    its name. Nothing is executed and nothing is written."""
    lab, known = _identity(json.loads(canonical))
    files = list(entries(root))
    notebooks = [_examined(entry, lab, known) for entry in files if _may_be_one(entry)]
    paths = [found.entry.path for found in notebooks]
    around = surroundings(lab, paths, _gradescope(files, paths), _times(files))
    owned = [(owner, found) for found in notebooks for owner in owners(found.entry.path, around)]
    empty = _without_notebook(files, {owner.id for owner, _ in owned}, around)
    chosen, aside = _sorted_out(owned, lab)
    return Collected(tuple(_submission(owner, found) for owner, found in [*chosen, *empty]), tuple(aside))


@dataclass(frozen=True)
class Outline:
    """What the lab's own notebook says: its title, and the names of its exercises and texts."""

    title: str
    exercises: tuple[str, ...]


def outline(canonical: bytes) -> Outline:
    """The outline of the lab whose notebook this is."""
    notebook = foreign.parsed(canonical)
    lab, _ = _identity(notebook)
    cells = foreign.cells(notebook)
    names = dict.fromkeys(filter(None, (foreign.name(cell, "twice", "exercise") for cell in cells)))
    return Outline(next(filter(None, map(_heading, cells)), lab), tuple(names))


def _heading(cell: Mapping[str, Any]) -> str | None:
    lines = (line for line in foreign.source(cell).splitlines() if line.startswith("# "))
    return next(lines, "")[2:].strip() if cell.get("cell_type") == "markdown" else None


def lab_name(canonical: Mapping[str, Any]) -> str:
    """The lab whose own notebook this is."""
    return _identity(canonical)[0]


def _identity(notebook: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The lab's name and the ids of its cells."""
    cells = foreign.cells(notebook)
    names = Counter(filter(None, (foreign.name(cell, "twice", "lab") for cell in cells)))
    if not names:
        raise ValueError(
            "canonical: no cell names its lab in the metadata `twice.lab`; expected a notebook built from labs/source"
        )
    return names.most_common(1)[0][0], frozenset(
        filter(None, (foreign.name(cell, "nbgrader", "grade_id") for cell in cells))
    )


def lab_of(notebook: object, lab: str, known: frozenset[str]) -> str | None:
    """The lab whose cells the notebook holds: by the name they carry, else `lab` where half of its cells are there."""
    cells = foreign.cells(notebook)
    names = Counter(filter(None, (foreign.name(cell, "twice", "lab") for cell in cells)))
    if names:
        return lab if names[lab] else names.most_common(1)[0][0]
    there = known & {foreign.name(cell, "nbgrader", "grade_id") for cell in cells}
    return lab if known and 2 * len(there) >= len(known) else None


def _may_be_one(entry: Entry) -> bool:
    return entry.path.suffix.lower() in (".ipynb", ".zip")  # a zip stands here only where it was refused


def _examined(entry: Entry, lab: str, known: frozenset[str]) -> Found:
    try:
        content = entry.read()
        notebook = foreign.parsed(content)
    except Refused as refusal:
        return Found(entry, refused=str(refusal))
    return Found(entry, hashlib.sha256(content).hexdigest(), lab_of(notebook, lab, known))


def _sorted_out(owned: Iterable[tuple[Owner, Found]], lab: str) -> tuple[list[tuple[Owner, Found]], list[str]]:
    """What is graded or refused, and what is left aside: other notebooks of a student who has one of this lab."""
    owned = list(owned)
    has = {owner.id for owner, found in owned if found.lab == lab}
    seen: set[tuple[str, str]] = set()
    chosen, aside = [], []
    for owner, found in owned:
        twin = (owner.id, found.sha256)
        if found.lab == lab and twin in seen:
            aside.append(f"{found.entry.path}: the same bytes as another file of {owner.name or owner.id}.")
        elif found.lab == lab or (found.refused and not _elsewhere(found, lab)):
            chosen.append((owner, found))
        elif owner.id in has or _elsewhere(found, lab):
            aside.append(f"{found.entry.path}: {_whose(found)}")
        else:
            chosen.append((owner, Found(found.entry, found.sha256, None, _whose(found))))
        seen.add(twin)
    return chosen, aside


def _elsewhere(found: Found, lab: str) -> bool:
    """Whether the file lies where other labs are handed in: STUDENT/LAB/NAME.ipynb, as in nbgrader."""
    return found.lab not in (None, lab) and found.lab in found.entry.path.parts[:-1]


def _whose(found: Found) -> str:
    return f"It is the notebook of the lab {found.lab}." if found.lab else "None of its cells belongs to a lab."


def _submission(owner: Owner, found: Found) -> Submission:
    own_time = found.entry.changed if owner.layout in ("folder", "nbgrader") else None
    path = str(found.entry.path)
    read = partial(_read_again, found.entry, found.sha256)
    return Submission(owner, path, found.sha256, read, owner.handed_in or own_time, found.refused)


def _read_again(entry: Entry, sha256: str) -> bytes:
    content = entry.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refused("The file changed while the class was graded; run the command again.")
    return content


def _without_notebook(files: Sequence[Entry], known: set[str], around: Any) -> list[tuple[Owner, Found]]:
    """Students whom the layout names by a folder in which there is no notebook."""
    empty = {}
    for entry in files:
        for owner in owners(entry.path, around):
            if owner.layout in ("moodle", "gradescope", "canvas") and owner.id not in known:
                empty[owner.id] = (owner, Found(entry, refused="There is no notebook among the files handed in."))
    return list(empty.values())


def _gradescope(files: Sequence[Entry], notebooks: Sequence[PurePosixPath]) -> Mapping[str, Any] | None:
    """What Gradescope says of its folders; a file of that name in a student's own folder says nothing."""
    depth = shared_folders(notebooks) + 1
    named = [entry for entry in files if entry.path.name == GRADESCOPE_METADATA and len(entry.path.parts) <= depth]
    if not named:
        return None
    import yaml

    entry = min(named, key=lambda entry: len(entry.path.parts))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the pure one takes minutes for a large class
    try:
        about = yaml.load(entry.read(), Loader=loader)
    except (Refused, yaml.YAMLError, ValueError) as trouble:
        raise ValueError(f"submissions: {entry.path} cannot be read: {trouble}") from None
    return about if isinstance(about, Mapping) else {}


def _times(files: Sequence[Entry]) -> dict[PurePosixPath, datetime]:
    """When nbgrader collected each folder; one that says nothing readable says nothing."""
    times = {}
    for entry in files:
        if entry.path.name == NBGRADER_TIME:
            try:
                moment = nbgrader_time(entry.read().decode("utf-8", "replace"))
            except Refused:
                continue
            if moment:
                times[entry.path.parent] = moment
    return times
