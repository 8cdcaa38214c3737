"""The grade of every student: results under the policy, points given by hand, and what somebody should look at."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twice.grade import manual, sheets
from twice.grade.collect import Submission
from twice.grade.layouts import Owner
from twice.grade.policy import Item, Lateness, Policy, Total, in_order, items, lateness, total, worth_grading
from twice.grade.roster import Person, Roster
from twice.grade.store import Result, write_atomically

UNGRADED = ("refused", "infra_error", "missing")  # no number is sent to anybody for these: a person decides


@dataclass(frozen=True)
class Grade:
    """One student: the submission that counts, its result, its points, and sentences for whoever grades."""

    owner: Owner
    status: str
    items: tuple[Item, ...]
    total: Total
    late: Lateness
    submission: Submission | None = None
    result: Result | None = None
    attempts: int = 0
    comments: Mapping[str, str] | None = None
    looks: tuple[str, ...] = ()
    person: Person | None = None

    @property
    def points(self) -> float | None:
        """What goes into the gradebook; None where nothing was graded."""
        return None if self.status in UNGRADED else self.total.points

    @property
    def reason(self) -> str:
        """Why the status is what it is."""
        if self.submission and self.submission.refused:
            return self.submission.refused
        return str((self.result or {}).get("reason") or "")

    @property
    def called(self) -> str:
        """A name for people."""
        return self.owner.name or self.owner.id


def grades(
    submissions: Iterable[Submission],
    results: Mapping[str, Result],
    policy: Policy,
    marks: manual.Marks,
    roster: Roster | None = None,
) -> list[Grade]:
    """One grade for each student who handed something in, and for each of the roster who did not. `results` holds
    results by the hash of their submission."""
    groups: dict[str, list[Submission]] = defaultdict(list)
    for submission in submissions:
        groups[submission.owner.id].append(submission)
    graded = [_grade(in_order(group), results, policy, marks) for group in groups.values()]
    found = [replace(grade, person=_person(grade.owner, roster)) for grade in graded]
    named = [_named(grade) for grade in found]
    there = {grade.person.id for grade in named if grade.person}
    absent = [_missing(person) for person in roster.people if person.id not in there] if roster else []
    return sorted(_with_possible([*named, *absent]), key=lambda grade: (grade.called.casefold(), grade.owner.id))


def _person(owner: Owner, roster: Roster | None) -> Person | None:
    return roster.find(owner.id, owner.email, owner.name) if roster else None


def _named(grade: Grade) -> Grade:
    person = grade.person
    if person is None:
        return grade
    owner = replace(grade.owner, name=person.name or grade.owner.name, email=person.email or grade.owner.email)
    return replace(grade, owner=owner)


def _missing(person: Person) -> Grade:
    owner = Owner(person.id, person.name, person.email, layout="roster")
    return Grade(owner, "missing", (), Total(0.0, 0.0, 0.0), Lateness(), person=person)


def _with_possible(found: Sequence[Grade]) -> list[Grade]:
    """Who has nothing graded has nothing of the same exercises."""
    outline = next((grade.items for grade in found if grade.items), ())
    empty = tuple(replace(item, points=None) for item in outline)
    possible = sum(item.possible for item in outline if not item.extra)
    return [grade if grade.items else replace(grade, items=empty, total=Total(0.0, 0.0, possible)) for grade in found]


def _grade(attempts: Sequence[Submission], results: Mapping[str, Result], policy: Policy, marks: manual.Marks) -> Grade:
    """The attempt that counts. Results of attempts that need not be graded are not there."""
    candidates = [
        _attempt(submission, results[submission.sha256], policy, marks)
        for submission in worth_grading(attempts, policy.keep)
        if submission.sha256 in results
    ]
    if not candidates:
        submission = attempts[-1]
        return Grade(
            submission.owner, "refused", (), Total(0.0, 0.0, 0.0), Lateness(), submission, attempts=len(attempts)
        )
    chosen = max(candidates, key=lambda grade: grade.points if grade.points is not None else -1.0)
    return replace(chosen, attempts=len(attempts), looks=(*chosen.looks, *_of_others(attempts, chosen)))


def _of_others(attempts: Sequence[Submission], chosen: Grade) -> list[str]:
    return [f"Another file was refused: {other.path}: {other.refused}" for other in attempts if other.refused]


def _attempt(submission: Submission, result: Result, policy: Policy, marks: manual.Marks) -> Grade:
    answers = list(answers_of(submission.owner, result))
    held = {answer.text: manual.mark_of(answer, marks) for answer in answers}
    points = {text: mark.points for text, (mark, _) in held.items() if mark and mark.points is not None}
    comments = {text: mark.comment for text, (mark, _) in held.items() if mark and mark.comment}
    found, late = items(result, policy, points), lateness(submission, policy)
    outdated = [f"{text}: graded by hand before the answer changed." for text, (_, old) in held.items() if old]
    looks = (*_looks(result), *outdated, *_looks_of_time(late))
    worth = total(found, late, policy)
    status = result["status"]
    return Grade(submission.owner, status, found, worth, late, submission, result, 1, comments, looks)


def answers_of(owner: Owner, result: Result) -> Iterable[manual.Answer]:
    """The answers in words of a result."""
    for row in result.get("texts", ()):
        yield manual.Answer(owner.id, owner.name, row["name"], row["title"], row["possible"], row["answer"])


def _looks(result: Result) -> list[str]:
    """What the grader noted, and exercises that ran out of time: slow is not always wrong."""
    rows = result.get("exercises", ())
    slow = [f"{row['name']}: stopped at its time limit." for row in rows if row["verdict"]["status"] == "timeout"]
    unsafe = ["Graded without a sandbox."] if result.get("sandbox") == "none" else []
    return [*map(str, result.get("notes", ())), *slow, *unsafe]


def _looks_of_time(late: Lateness) -> list[str]:
    return ["Marked late, but how late is not in the download: one day was counted."] if late.guessed else []


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def write_csv(path: Path, found: Sequence[Grade]) -> None:
    """One line a student, one column an exercise."""
    columns = list(dict.fromkeys(item.name for grade in found for item in grade.items))
    head = ("student", "name", "email", "status", "points", "possible", "earned", "late_hours", "lost_to_lateness")
    tail = ("attempts", "submission", "sha256", "seed", "reason")
    sheets.write(path, (*head, *columns, *tail), (_line(grade, columns) for grade in found))


def _line(grade: Grade, columns: Sequence[str]) -> list[sheets.Cell]:
    owner, worth, submission = grade.owner, grade.total, grade.submission
    points = {item.name: item.points for item in grade.items}
    hours = grade.late.by.total_seconds() / 3600
    return [
        *(owner.id, owner.name, owner.email, grade.status),
        *(grade.points, worth.possible, None if grade.points is None else worth.earned, hours, worth.lost),
        *(points.get(name) for name in columns),
        *(grade.attempts, submission.path if submission else "", submission.sha256 if submission else ""),
        *((grade.result or {}).get("seed"), grade.reason),
    ]


def write_json(path: Path, found: Sequence[Grade], about: Mapping[str, Any]) -> None:
    """Everything that is known, for other programs."""
    content = {"schema": 1, **about, "students": [_as_dict(grade) for grade in found]}
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8", "replace"))


def _as_dict(grade: Grade) -> dict[str, Any]:
    owner, worth = grade.owner, grade.total
    result = {key: value for key, value in (grade.result or {}).items() if key != "shingles"}
    return {
        "student": {"id": owner.id, "name": owner.name, "email": owner.email},
        "status": grade.status,
        "reason": grade.reason or None,
        "points": grade.points,
        "possible": worth.possible,
        "earned": worth.earned,
        "late": {
            "seconds": grade.late.by.total_seconds(),
            "share_lost": grade.late.lost,
            "guessed": grade.late.guessed,
        },
        "items": [vars(item) for item in grade.items],
        "comments": dict(grade.comments or {}),
        "attempts": grade.attempts,
        "submission": grade.submission.path if grade.submission else None,
        "looks": list(grade.looks),
        "result": result or None,
    }
