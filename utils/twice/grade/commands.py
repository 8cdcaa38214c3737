"""`twice grade`: from a folder of submissions to a gradebook, in one call that may be stopped and called again."""

import hashlib
import json
import math
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from twice.grade import batch, gradebook, lms, manual, roster
from twice.grade.archive import Refused
from twice.grade.collect import Submission, collect, outline
from twice.grade.engine import CannotGrade, Engine
from twice.grade.gradebook import Grade
from twice.grade.policy import Keep, Policy, penalty, worth_grading
from twice.grade.publish import Class, publish
from twice.grade.store import Result, Store, key, write_atomically
from twice.grade.worker import Grade as Grader
from twice.grade.worker import own


@dataclass(frozen=True)
class Request:
    """What is graded, where the results go, and how."""

    notebook: Path
    submissions: Path
    out: Path
    policy: Policy = field(default_factory=Policy)
    seed: int | None = None
    jobs: int | None = None
    sandbox: str = "auto"
    scheduler: str | None = None
    manual: Path | None = None
    roster: Path | None = None
    column: str | None = None


def rules(deadline: str, late_penalty: str, keep: Keep, weight: Sequence[str], extra_limit: float | None) -> Policy:
    """The policy in the words of the command line."""
    try:
        most = math.inf if extra_limit is None else extra_limit
        weights = dict(map(_weight, weight))
        return Policy(roster.moment(deadline), {}, penalty(late_penalty), keep, weights, most)
    except ValueError as mistake:
        raise CannotGrade(str(mistake)) from None


def _weight(text: str) -> tuple[str, float]:
    name, _, factor = text.partition("=")
    try:
        weight = float(factor)
        if not 0 <= weight < math.inf:
            raise ValueError
    except ValueError:
        raise ValueError(f"weight: got {text!r}, expected something like conv2d=2") from None
    return name.strip(), weight


def run(request: Request, grading: Engine, console: Console) -> int:
    """Grade and write everything. The exit status: 0, 1 where the grader failed for somebody, 130 after Ctrl-C."""
    try:
        known = _read(request)
        _say_what_came(known, console)
        results = _graded(request, known, grading, console)
    except KeyboardInterrupt:
        kept = len(list((request.out / "graded").glob("*.json")))
        console.print(f"Stopped. {kept} results are kept in {request.out}; the same command goes on from there.")
        return 130
    found = gradebook.grades(known.collected.submissions, results, known.policy, known.marks, known.roster)
    publish(request.out, known, found, request.column)
    return _say_what_was_done(request, known, found, console)


def _read(request: Request) -> Class:
    """The lab, the submissions, the class and its rules."""
    try:
        return read(request)
    except (ValueError, OSError, Refused) as mistake:
        raise CannotGrade(str(mistake)) from None


def read(request: Request) -> Class:
    """The same, where what is wrong raises ValueError, OSError or Refused."""
    canonical = request.notebook.read_bytes()
    about = outline(canonical)
    unknown = set(request.policy.weights) - set(about.exercises)
    if unknown:
        raise ValueError(f"weight: got {', '.join(sorted(unknown))}, expected some of {', '.join(about.exercises)}")
    people = roster.read(request.roster) if request.roster else None
    collected = collect(request.submissions, canonical)
    known = tuple(_with_times(submission, people) for submission in collected.submissions)
    if not known:
        raise ValueError(f"submissions: there is no notebook in {request.submissions}")
    policy = replace(request.policy, deadlines=_extensions(known, people))
    filled = request.manual or request.out / "manual.csv"
    marks = manual.read(filled) if request.manual or filled.exists() else {}
    return Class(canonical, about.title, replace(collected, submissions=known), people, policy, marks)


def _with_times(submission: Submission, people: roster.Roster | None) -> Submission:
    """Moodle says only in its worksheet when a file was handed in."""
    person = _person(submission, people)
    time = submission.handed_in or (person.handed_in if person else None)
    return replace(submission, handed_in=time)


def _extensions(submissions: Sequence[Submission], people: roster.Roster | None) -> dict[str, Any]:
    found = ((submission.owner.id, _person(submission, people)) for submission in submissions)
    return {id: person.deadline for id, person in found if person and person.deadline}


def _person(submission: Submission, people: roster.Roster | None) -> roster.Person | None:
    owner = submission.owner
    return people.find(owner.id, owner.email, owner.name) if people else None


# ── grading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _graded(request: Request, known: Class, grading: Engine, console: Console) -> dict[str, Result]:
    """Results by hash of the submission: those that were kept, and those that this call adds."""
    from twice.grade.progress import bar

    seed = _seed(request)
    grader, facts = grading.prepare(known.canonical, seed, request.sandbox, request.out)
    store = Store(request.out / "graded")
    tasks = _tasks(known, {**facts, "seed": seed})
    results = {task.sha256: kept for task in tasks if (kept := store.get(task.key))}
    left = [task for task in tasks if task.sha256 not in results]
    if len(left) < len(tasks):
        console.print(f"{len(tasks) - len(left)} of {len(tasks)} notebooks were graded before and have not changed.")
    with bar(len(left), console) as step:

        def done(task: batch.Task, result: Result) -> None:
            results[task.sha256] = own(result, task.sha256)
            store.put(task.key, results[task.sha256])
            step()

        if left:
            _grade_all(request, left, grader, done, grading)
    return results


def _grade_all(request: Request, left: list[batch.Task], grader: Grader, done: batch.Done, grading: Engine) -> None:
    if request.scheduler:
        from twice.grade import cluster

        cluster.run(left, grader, request.scheduler, done, grading.about)
    else:
        batch.run(left, grader, request.jobs or _cores(), done)


def _tasks(known: Class, facts: Mapping[str, Any]) -> list[batch.Task]:
    """One for each different notebook that may count; the same bytes from two students are graded once."""
    canonical = hashlib.sha256(known.canonical).hexdigest()
    by_student: dict[str, list[Submission]] = {}
    for submission in known.collected.submissions:
        by_student.setdefault(submission.owner.id, []).append(submission)
    tasks: dict[str, batch.Task] = {}
    for group in by_student.values():
        for submission in worth_grading(group, known.policy.keep):
            made_from = key(submission.sha256, canonical, facts)
            tasks.setdefault(made_from, batch.Task(made_from, submission.sha256, submission.path, submission.read))
    return list(tasks.values())


def _seed(request: Request) -> int:
    """The seed that was asked for; else the one of the last call into the same folder; else a new one."""
    path = request.out / "seed.json"
    if request.seed is None and path.exists():
        return int(json.loads(path.read_text())["seed"])
    seed = secrets.randbelow(2**31) if request.seed is None else request.seed
    write_atomically(path, json.dumps({"seed": seed}).encode())
    return seed


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────


def _say_what_came(known: Class, console: Console) -> None:
    submissions = known.collected.submissions
    students = {submission.owner.id for submission in submissions}
    refused = [submission for submission in submissions if submission.refused]
    say = partial(console.print, markup=False, highlight=False)
    say(f"{known.title}: {len(submissions)} notebooks of {len(students)} students.")
    for submission in refused:
        say(f"  refused {submission.path}: {submission.refused}")


def _say_what_was_done(request: Request, known: Class, found: Sequence[Grade], console: Console) -> int:
    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    failed = [grade for grade in found if grade.status == "infra_error"]
    looks = sum(bool(grade.looks) or grade.status not in ("graded", "missing") for grade in found)
    waiting = sum(item.points is None for grade in found if grade.points is not None for item in grade.items)
    above = len(lms.above(found))
    for count, said in (
        (1, f"Results are in {request.out}: begin with instructor.html."),
        (waiting, f"{waiting} answers in words wait for points: fill in manual.csv there and run this command again."),
        (looks, f"{looks} students need a look: the page lists them."),
        (above, f"{above} grades exceed the maximum by extra credit: Moodle skips these unless its maximum is raised."),
        *((1, f"Not graded: {grade.called}: {grade.reason}") for grade in failed),
        (len(failed), f"The grader failed for {len(failed)} students; the same command tries these again."),
    ):
        if count:
            say(said)
    return 1 if failed else 0
