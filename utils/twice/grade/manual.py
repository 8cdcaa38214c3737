"""Points given by hand for answers in words: a CSV to fill in, read back on the next run."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twice.grade import sheets

HEADER = ("student", "name", "text", "title", "possible", "points", "comment", "answer", "answer_id")
LONGEST_CELL = 30_000  # Excel cuts a cell after 32767 characters


@dataclass(frozen=True)
class Answer:
    """What a student wrote for one text."""

    student: str
    name: str
    text: str
    title: str
    possible: float
    answer: str

    @property
    def id(self) -> str:
        """Changes when the answer does: points belong to an answer, not to a cell."""
        return hashlib.sha256(self.answer.encode("utf-8", "replace")).hexdigest()[:12]


@dataclass(frozen=True)
class Mark:
    """Points for an answer, and a comment for the student."""

    points: float | None
    comment: str
    answer_id: str


Marks = Mapping[tuple[str, str], Mark]  # by student and text


def read(path: Path) -> dict[tuple[str, str], Mark]:
    """The marks of a filled template; a line without points is not graded yet."""
    header, rows = sheets.read(path)
    missing = {"student", "text", "points"} - set(header)
    if missing:
        raise ValueError(f"{path}: got the columns {', '.join(header)}; expected also {', '.join(sorted(missing))}")
    return {(row["student"], row["text"]): _mark(row, path) for row in rows}


def _mark(row: Mapping[str, str], path: Path) -> Mark:
    text = sheets.cell(row, "points").replace(",", ".")
    try:
        points = float(text) if text else None
        possible = float(row.get("possible") or "inf")
        if points is not None and not 0 <= points <= possible:
            raise ValueError
    except ValueError:
        who = f"student {row['student']}, text {row['text']}"
        raise ValueError(
            f"{path}: {who}: points are {text!r}, expected a number from 0 to {row.get('possible')}"
        ) from None
    return Mark(points, sheets.cell(row, "comment"), sheets.cell(row, "answer_id"))


def mark_of(answer: Answer, marks: Marks) -> tuple[Mark | None, bool]:
    """The mark that holds for the answer, and whether there is one for an earlier answer that no longer does."""
    mark = marks.get((answer.student, answer.text))
    if mark is None or mark.points is None:
        return mark, False
    outdated = bool(mark.answer_id) and mark.answer_id != answer.id
    return (None, True) if outdated else (mark, False)


def write(path: Path, answers: Iterable[Answer], marks: Marks) -> None:
    """The template, with the marks that hold already in it."""
    sheets.write(path, HEADER, (_row(answer, mark_of(answer, marks)[0]) for answer in answers))


def _row(answer: Answer, mark: Mark | None) -> tuple[sheets.Cell, ...]:
    shown = answer.answer[:LONGEST_CELL]
    points, comment = (mark.points, mark.comment) if mark else (None, "")
    return (answer.student, answer.name, answer.text, answer.title, answer.possible, points, comment, shown, answer.id)
