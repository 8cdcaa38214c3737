"""The notebook that is graded: the canonical one with the student's solutions in it. Nothing is executed here.

Of a submission count the sources of the cells that answer exercises, found by their `grade_id`, and the definitions in
other cells that these answers use. Checks, points, tags and all else come from the canonical notebook.
"""

import hashlib
import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import nbformat

from twice.grade import foreign
from twice.grade.archive import LARGEST, Refused
from twice.grade.needs import needed, statements

CELLS = 5000
ANSWER = 100_000  # characters of an answer in words
WINDOW = 8  # tokens of a piece of code that is compared between students
PIECES = 400


@dataclass(frozen=True)
class Cell:
    """One cell, as far as it counts: what it is to the lab, what it answers, its kind and source."""

    role: str
    exercise: str
    code: bool
    source: str


@dataclass(frozen=True)
class Canonical:
    """The lab's notebook as its author built it."""

    lab: str
    sha256: str
    cells: tuple[Cell, ...]
    points: Mapping[str, float]

    @property
    def starters(self) -> dict[str, str]:
        """What each cell to fill holds before anybody has."""
        return {cell.exercise: cell.source for cell in self.cells if cell.role in ("solution", "text")}


@dataclass(frozen=True)
class Rebuilt:
    """What is run for one submission, which exercises it answers, and what was odd."""

    cells: tuple[Cell, ...]
    answered: frozenset[str]
    texts: Mapping[str, str]
    notes: tuple[str, ...]
    fingerprint: str
    shingles: tuple[str, ...]

    def notebook(self) -> str:
        """As a file for pytest to collect."""
        made = nbformat.v4.new_notebook()
        for cell in self.cells:
            ours = {"role": cell.role, "exercise": cell.exercise}
            made.cells.append(nbformat.v4.new_code_cell(cell.source, metadata={"twice": ours}))
        return nbformat.writes(made)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def canonical(content: bytes) -> Canonical:
    """The lab's own notebook; it is trusted."""
    raw = json.loads(content)["cells"]
    labs = {foreign.name(cell, "twice", "lab") for cell in raw} - {""}
    if len(labs) != 1:
        raise ValueError(f"canonical: its cells belong to the labs {sorted(labs)}, expected one")
    tags = [foreign.tag(cell, "nbgrader") for cell in raw]
    points = {
        foreign.name(cell, "twice", "exercise"): float(tag["points"])
        for cell, tag in zip(raw, tags)
        if tag.get("grade")
    }
    cells = tuple(
        _cell(cell, foreign.name(cell, "twice", "role"), foreign.name(cell, "twice", "exercise")) for cell in raw
    )
    return Canonical(labs.pop(), hashlib.sha256(content).hexdigest(), cells, points)


def submitted(content: bytes) -> list[Cell]:
    """The cells of what was handed in; the role is '' and the exercise the cell's `grade_id`, whatever that is."""
    if len(content) > LARGEST:
        raise Refused(f"It is larger than {LARGEST // 2**20} MB.")
    raw = foreign.cells(foreign.parsed(content))
    if len(raw) > CELLS:
        raise Refused(f"It has {len(raw)} cells, expected at most {CELLS}.")
    return [_cell(cell, "", foreign.name(cell, "nbgrader", "grade_id")) for cell in raw]


def _cell(raw: foreign.Cell, role: str, exercise: str) -> Cell:
    return Cell(role, exercise, raw.get("cell_type") == "code", foreign.source(raw))


# ── rebuilding ──────────────────────────────────────────────────────────────────────────────────────────────────


def rebuild(lab: Canonical, content: bytes) -> Rebuilt:
    """The cells to run for a submission; raises Refused where there is no notebook in it."""
    cells = submitted(content)
    notes: list[str] = []
    taken = _answers(lab, cells, notes)
    taken |= _moved(lab, cells, taken, notes)
    solutions = {name: cell.source for name, cell in taken.items() if cell.code}
    wanted = [c.exercise for c in lab.cells if c.role == "solution"]
    texts = {c.exercise: _words(lab, taken.get(c.exercise)) for c in lab.cells if c.role == "text"}
    answered = {name: solutions[name] for name in wanted if name in solutions}
    code = "\n".join(answered.values())
    rebuilt = tuple(_sequence(lab, cells, answered, taken.values()))
    return Rebuilt(rebuilt, frozenset(answered), texts, tuple(notes), *likeness(code))


def _answers(lab: Canonical, cells: Sequence[Cell], notes: list[str]) -> dict[str, Cell]:
    """The last cell of each exercise's id that says something else than the starter."""
    taken: dict[str, Cell] = {}
    for cell in cells:
        starter = lab.starters.get(cell.exercise)
        if starter is None or _bare(cell.source) == _bare(starter):
            continue
        if cell.exercise in taken and _bare(taken[cell.exercise].source) != _bare(cell.source):
            notes.append(f"Several cells answer {cell.exercise}; the last one counts.")
        taken[cell.exercise] = cell
    for name in [name for name, cell in taken.items() if not cell.code and name not in _texts(lab)]:
        notes.append(f"The cell that answers {name} is not a code cell, so nothing is in it to run.")
        del taken[name]
    return taken


def _texts(lab: Canonical) -> set[str]:
    return {cell.exercise for cell in lab.cells if cell.role == "text"}


def _moved(lab: Canonical, cells: Sequence[Cell], taken: Mapping[str, Cell], notes: list[str]) -> dict[str, Cell]:
    """Answers that stand in cells without their exercise's id: the last one that defines the name."""
    missing = {c.exercise for c in lab.cells if c.role == "solution"} - taken.keys()
    known = {_bare(cell.source) for cell in (*lab.cells, *taken.values())}
    found: dict[str, Cell] = {}
    for cell in cells:
        if missing and cell.code and _bare(cell.source) not in known:
            defined = {name for statement in statements(cell.source) for name in statement.binds}
            found.update(dict.fromkeys(missing & defined, cell))
    notes += [
        f"The cell that answers {name} has lost its id; it was known by what it defines." for name in sorted(found)
    ]
    return found


def _words(lab: Canonical, cell: Cell | None) -> str:
    """An answer in words, without the mark where it was to stand."""
    return "" if cell is None else cell.source[:ANSWER]


def _bare(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def _sequence(
    lab: Canonical, cells: Sequence[Cell], answered: Mapping[str, str], taken: Iterable[Cell]
) -> Iterator[Cell]:
    """The canonical order: the setup, solutions and checks whole, of all else the definitions that solutions use."""
    given = [(place, s) for place, c in enumerate(lab.cells) if c.role == "" and c.code for s in statements(c.source)]
    extra = [(place, s) for place, c in _extra(lab, cells, {id(c) for c in taken}) for s in statements(c.source)]
    used = needed([s for _, s in given + extra], list(answered.values()))
    for place, cell in enumerate(lab.cells):
        if cell.role == "solution" and cell.exercise in answered:
            yield Cell("solution", cell.exercise, True, answered[cell.exercise])
        elif cell.role in ("setup", "check"):
            yield cell
        for statement in [s for at, s in given + extra if at == place and s in used]:
            yield Cell("helper", "", True, statement.source)


def _extra(lab: Canonical, cells: Sequence[Cell], taken: set[int]) -> Iterator[tuple[int, Cell]]:
    """The student's other code cells, each with the place of the canonical cell that it comes after."""
    by_source = {_bare(cell.source): place for place, cell in enumerate(lab.cells)}
    by_id = {_identity(cell): place for place, cell in enumerate(lab.cells) if cell.exercise}
    place = 0
    for cell in cells:
        known = by_id.get(cell.exercise, by_source.get(_bare(cell.source)))
        if known is not None:
            place = known
        elif cell.code and id(cell) not in taken:
            yield place, cell


def _identity(cell: Cell) -> str:
    return f"check-{cell.exercise}" if cell.role == "check" else cell.exercise


# ── likeness ────────────────────────────────────────────────────────────────────────────────────────────────────


def likeness(code: str) -> tuple[str, tuple[str, ...]]:
    """A hash of code that forgets names, spaces and comments, and hashes of its pieces, to find copies in a class."""
    words = list(_shape(code))
    pieces = {_hash(" ".join(words[i : i + WINDOW])) for i in range(len(words) - WINDOW + 1)}
    return _hash(" ".join(words)), tuple(sorted(pieces)[:PIECES])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _shape(code: str) -> Iterator[str]:
    """Its tokens, with one word for every name but those after a dot."""
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                continue
            is_name = token.type == tokenize.NAME and not keyword.iskeyword(token.string) and before != "."
            yield "name" if is_name else re.sub(r"\s+", " ", token.string)
            before = token.string
    except (tokenize.TokenError, SyntaxError):
        return
