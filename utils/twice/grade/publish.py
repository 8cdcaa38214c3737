"""All files for instructor, students and learning management systems."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twice.grade import gradebook, lms, manual, roster
from twice.grade.collect import Collected
from twice.grade.feedback import feedback
from twice.grade.gradebook import Grade
from twice.grade.pages import file_name
from twice.grade.policy import Policy
from twice.grade.report import report
from twice.grade.similar import alike
from twice.grade.store import write_atomically


@dataclass(frozen=True)
class Class:
    """Everything read before anything is graded."""

    canonical: bytes
    title: str
    collected: Collected
    roster: roster.Roster | None
    policy: Policy
    marks: manual.Marks


def publish(out: Path, known: Class, found: Sequence[Grade], column: str | None = None) -> None:
    """Write everything to the folder `out`; `column` is the title of the assignment in Canvas's gradebook."""
    graded = [grade for grade in found if grade.status != "missing"]
    gradebook.write_csv(out / "gradebook.csv", found)
    gradebook.write_json(out / "results.json", found, {"lab": known.title, "policy": _as_dict(known.policy)})
    _write_each(
        out / "feedback", ".html", graded, lambda grade: feedback(grade, known.title).encode("utf-8", "replace")
    )
    _write_each(out / "gradescope", ".json", graded, lms.gradescope_file)
    _write_manual(out, known, found)
    _write_lms(out, known, found, column)
    link = lambda grade: f"feedback/{file_name(grade.owner.id)}.html"
    content = report(found, known.title, alike(graded), known.collected.aside, link)
    write_atomically(out / "instructor.html", content.encode("utf-8", "replace"))


def _write_each(folder: Path, suffix: str, found: Sequence[Grade], content: Callable[[Grade], bytes]) -> None:
    """One file a student, and none of students who are not there any more."""
    names = {f"{file_name(grade.owner.id)}{suffix}": grade for grade in found}
    for name, grade in names.items():
        write_atomically(folder / name, content(grade))
    for path in folder.glob(f"*-????????{suffix}"):
        if path.name not in names and re.search(r"-[0-9a-f]{8}\.", path.name):
            path.unlink()


def _write_manual(out: Path, known: Class, found: Sequence[Grade]) -> None:
    answers = [answer for grade in found if grade.result for answer in gradebook.answers_of(grade.owner, grade.result)]
    if answers:
        manual.write(out / "manual.csv", answers, known.marks)


def _write_lms(out: Path, known: Class, found: Sequence[Grade], column: str | None) -> None:
    layouts = {grade.owner.layout for grade in found} | ({known.roster.kind} if known.roster else set())
    if "canvas" in layouts:
        text = lms.canvas(found, column or known.title, known.roster)
        write_atomically(out / "canvas.csv", text.encode())
    if "moodle" in layouts:
        write_atomically(out / "moodle.csv", lms.moodle(found, known.roster).encode())
        page = lambda grade: feedback(grade, known.title).encode("utf-8", "replace")
        write_atomically(out / "moodle-feedback.zip", lms.moodle_feedback(found, page, "feedback.html"))


def _as_dict(policy: Policy) -> dict[str, Any]:
    return {
        "deadline": policy.deadline.isoformat() if policy.deadline else None,
        "extensions": {student: time.isoformat() for student, time in policy.deadlines.items()},
        "late_penalty": {
            "share": policy.penalty.share,
            "per_seconds": policy.penalty.per.total_seconds() if policy.penalty.per else None,
            "most": policy.penalty.most,
        },
        "keep": policy.keep,
        "weights": dict(policy.weights),
        "extra_limit": None if policy.extra_limit == float("inf") else policy.extra_limit,
    }
