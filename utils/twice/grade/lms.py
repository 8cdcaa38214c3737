"""Grades in the forms that Gradescope, Canvas and Moodle take."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

from twice.grade import sheets
from twice.grade.gradebook import Grade
from twice.grade.policy import Item
from twice.grade.roster import Roster
from twice.labs.showing import as_text

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
CANVAS_POINTS = "    Points Possible"  # as Canvas writes it, with the four spaces
MOODLE = ("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade")
MOODLE_TIMES = ("Last modified (submission)", "Last modified (grade)")
MOODLE_COMMENTS = "Feedback comments"


# ── Gradescope ──────────────────────────────────────────────────────────────────────────────────────────────────


def gradescope(grade: Grade) -> dict[str, Any]:
    """What an autograder writes to results.json (gradescope-autograders.readthedocs.io, "Autograder Specifications"):
    a score over all, and a test with its own score for each exercise."""
    verdicts = {row["name"]: row["verdict"] for row in (grade.result or {}).get("exercises", ())}
    tests = [_test(item, verdicts.get(item.name), grade.comments or {}) for item in grade.items]
    seconds = (grade.result or {}).get("seconds", 0.0)
    said = [grade.reason] if grade.reason else []
    if grade.total.lost:
        said.append(f"{sheets.number(grade.total.lost)} points lost because it came late.")
    return {
        "score": grade.points or 0.0,
        "execution_time": round(seconds),
        "output": "\n".join(said),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _test(item: Item, verdict: Mapping[str, Any] | None, comments: Mapping[str, str]) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": item.title,
        "name_format": "text",
        "score": item.points or 0.0,
        "max_score": item.possible,
    }
    if verdict:
        test["status"] = "passed" if verdict["status"] == "passed" else "failed"
    text = (
        as_text(verdict) if verdict else comments.get(item.name, "" if item.points is not None else "Not graded yet.")
    )
    return {**test, "output": text, "output_format": "text", "visibility": "visible"}


def gradescope_file(grade: Grade) -> bytes:
    """The same as the content of a file."""
    return json.dumps(gradescope(grade), indent=1, ensure_ascii=False).encode("utf-8", "replace")


# ── Canvas ──────────────────────────────────────────────────────────────────────────────────────────────────────


def canvas(found: Sequence[Grade], title: str, roster: Roster | None) -> str:
    """What "Import" in the gradebook of Canvas takes (lib/gradebook_importer.rb): students are found by the column ID,
    the column of the assignment by the id in parentheses at the end of its title, else by the title; a student whose
    grade is empty keeps what is there. With Canvas's own export as roster its rows and columns are kept."""
    possible = max((grade.total.possible for grade in found), default=0.0)
    points = _canvas_possible(roster, title) or possible
    known = roster.header[: roster.header.index("Section") + 1] if roster and roster.kind == "canvas" else CANVAS
    rows: list[list[sheets.Cell]] = [[CANVAS_POINTS, *[""] * (len(known) - 1), points]]
    rows += [[*_canvas_student(grade, known), scaled(grade, points)] for grade in found if _in_canvas(grade, roster)]
    return sheets.text((*known, title), rows)


def _canvas_student(grade: Grade, header: Sequence[str]) -> list[str]:
    row = grade.person.row if grade.person else {}
    own = {"Student": grade.called, "ID": grade.owner.id}
    return [row.get(column) or own.get(column, "") for column in header]


def _in_canvas(grade: Grade, roster: Roster | None) -> bool:
    return grade.person is not None if roster and roster.kind == "canvas" else grade.owner.layout == "canvas"


def _canvas_possible(roster: Roster | None, title: str) -> float | None:
    for row in roster.heads if roster and roster.kind == "canvas" else ():
        if "Points Possible" in row.get("Student", ""):
            return _float(row.get(title, ""))
    return None


# ── Moodle ──────────────────────────────────────────────────────────────────────────────────────────────────────


def moodle(found: Sequence[Grade], roster: Roster | None) -> str:
    """What "Upload grading worksheet" of an assignment takes (mod/assign/feedback/offline/importgradeslib.php): it
    needs Identifier ("Participant" and the number that the download has too), Grade and Last modified (grade). With
    Moodle's own worksheet as roster its rows and columns are kept."""
    own = roster is not None and roster.kind == "moodle"
    header = [*(roster.header if roster and own else (*MOODLE, *MOODLE_TIMES))]
    header += [MOODLE_COMMENTS] * (MOODLE_COMMENTS not in header)
    rows = [_moodle_row(grade, header) for grade in found if (grade.person if own else grade.owner.layout == "moodle")]
    return sheets.text(header, rows)


def _moodle_row(grade: Grade, header: Sequence[str]) -> list[sheets.Cell]:
    row = dict(grade.person.row) if grade.person else {}
    most = _float(row.get("Maximum Grade", "")) or grade.total.possible
    new: dict[str, sheets.Cell] = {
        "Identifier": row.get("Identifier") or f"Participant {grade.owner.id}",
        "Full name": row.get("Full name") or grade.owner.name,
        "Email address": row.get("Email address") or grade.owner.email,
        "Maximum Grade": most,
        "Grade": scaled(grade, most),
    }
    if grade.points is not None:
        new[MOODLE_COMMENTS] = summary(grade)
    else:
        new["Grade"] = row.get("Grade", "")
    return [new.get(column, row.get(column, "")) for column in header]


def moodle_feedback(found: Sequence[Grade], page: Callable[[Grade], bytes], file: str) -> bytes:
    """What "Upload multiple feedback files in a zip" takes (mod/assign/feedback/file/importziplib.php): a file for each
    student in a folder that is called like the one of the download."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for grade in found:
            if grade.owner.layout == "moodle":
                member = zipfile.ZipInfo(f"{grade.owner.folder}/{file}")  # of 1980: the same grades give the same bytes
                archive.writestr(member, page(grade), zipfile.ZIP_DEFLATED)
    return out.getvalue()


# ── both ────────────────────────────────────────────────────────────────────────────────────────────────────────


def scaled(grade: Grade, most: float) -> float | None:
    """The points on the system's own scale."""
    if grade.points is None:
        return None
    return grade.points * most / grade.total.possible if grade.total.possible else grade.points


def above(found: Sequence[Grade]) -> list[Grade]:
    """Those whose extra credit exceeds the maximum: Moodle skips such lines unless its own maximum is raised."""
    return [grade for grade in found if (grade.points or 0.0) > grade.total.possible]


def summary(grade: Grade) -> str:
    """All exercises in one line."""
    parts = [f"{item.title} {_points(item)}" for item in grade.items]
    if grade.total.lost:
        parts.append(f"late: −{sheets.number(grade.total.lost)}")
    return "; ".join(parts)


def _points(item: Item) -> str:
    earned = "not graded yet" if item.points is None else sheets.number(item.points)
    return f"{earned}/{sheets.number(item.possible)}"


def _float(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
