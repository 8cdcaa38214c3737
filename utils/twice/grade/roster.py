"""The list of the class: a plain CSV, Canvas's exported gradebook or Moodle's grading worksheet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from twice.grade import sheets

Kind = Literal["plain", "canvas", "moodle"]


@dataclass(frozen=True)
class Person:
    """A student of the roster; `row` is the line as it was read."""

    id: str
    name: str
    email: str = ""
    deadline: datetime | None = None
    handed_in: datetime | None = None
    row: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Roster:
    """The people of a class, and the header of the file that names them."""

    kind: Kind
    header: tuple[str, ...]
    people: tuple[Person, ...]
    heads: tuple[Mapping[str, str], ...] = ()  # lines that are nobody's, such as Canvas's "Points Possible"

    def find(self, id: str, email: str = "", name: str = "") -> Person | None:
        """The person with this id, else this address, else this name if only one bears it."""
        for key, wanted in (("id", id), ("email", email or id)):
            for person in self.people:
                if wanted and getattr(person, key).lower() == wanted.lower():
                    return person
        namesakes = [person for person in self.people if name and _words(person.name) == _words(name)]
        return namesakes[0] if len(namesakes) == 1 else None


def read(path: Path) -> Roster:
    """The roster in this file."""
    header, rows = sheets.read(path)
    if {"Student", "ID", "Section"} <= set(header):
        return _canvas(header, rows)
    if {"Identifier", "Grade"} <= set(header):
        return _moodle(header, rows)
    return _plain(path, header, rows)


def _canvas(header: list[str], rows: list[dict[str, str]]) -> Roster:
    """Columns Student, ID, SIS User ID, SIS Login ID, Section, then assignments; the second line holds their points."""
    heads = tuple(row for row in rows if not sheets.cell(row, "ID"))
    students = [row for row in rows if sheets.cell(row, "ID")]
    email = sheets.column(header, ["SIS Login ID"])
    people = (
        Person(sheets.cell(row, "ID"), sheets.cell(row, "Student"), sheets.cell(row, email), row=row)
        for row in students
    )
    return Roster("canvas", tuple(header), tuple(people), heads)


def _moodle(header: list[str], rows: list[dict[str, str]]) -> Roster:
    """Columns Identifier ("Participant 123"), Full name, Email address, Grade, Last modified (submission), others."""
    people = []
    for row in rows:
        number = re.search(r"(\d+)$", sheets.cell(row, "Identifier"))
        if number:
            name, email = sheets.cell(row, "Full name"), sheets.cell(row, "Email address")
            time = _moodle_time(sheets.cell(row, "Last modified (submission)"))
            people.append(Person(number[1], name, email, None, time, row))
    return Roster("moodle", tuple(header), tuple(people))


def _moodle_time(text: str) -> datetime | None:
    """`Monday, 5 May 2025, 11:58 PM`, without a zone: the one of this machine."""
    for form in ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M"):
        try:
            return datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
    return None


def _plain(path: Path, header: list[str], rows: list[dict[str, str]]) -> Roster:
    """Columns id (or student, sid, username), and if wanted name, email, deadline (an extension)."""
    id = sheets.column(header, ["id", "student", "student_id", "sid", "username"])
    if id is None:
        raise ValueError(
            f"{path}: got the columns {', '.join(header)}; expected one called id, and if wanted name, email, deadline"
        )
    name, email = sheets.column(header, ["name", "full name"]), sheets.column(header, ["email", "email address"])
    time = sheets.column(header, ["deadline"])
    people = (
        Person(
            sheets.cell(row, id),
            sheets.cell(row, name),
            sheets.cell(row, email),
            moment(sheets.cell(row, time), path),
            row=row,
        )
        for row in rows
        if sheets.cell(row, id)
    )
    return Roster("plain", tuple(header), tuple(people))


def moment(text: str, source: object = "deadline") -> datetime | None:
    """A date and time as ISO 8601 writes it; a bare date means the end of that day, no zone means this machine's."""
    if not text:
        return None
    try:
        bare = re.fullmatch(r"\d{4}-\d\d-\d\d", text)
        found = datetime.fromisoformat(f"{text} 23:59:59" if bare else text)
    except ValueError:
        raise ValueError(
            f"{source}: got {text!r}, expected a time like 2026-05-04 23:59 or 2026-05-04T23:59+02:00"
        ) from None
    return found if found.tzinfo else found.astimezone()


def _words(name: str) -> list[str]:
    return sorted(re.findall(r"\w+", name.casefold()))
