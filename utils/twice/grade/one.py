"""One submission in, one result out: it depends on the lab, the bytes handed in, the seed and the versions alone."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from twice.grade import plugin, rebuild, sandbox, scratch
from twice.grade.answers import PACKAGE, NoAnswers, answers, declared
from twice.grade.archive import Refused
from twice.grade.checker import Checker
from twice.grade.kernel import Kind, NotStarted
from twice.grade.rebuild import Canonical, Rebuilt
from twice.grade.sandbox import MEGABYTE, Limits
from twice.grade.session import Sessions, Shared
from twice.labs.exercise import Exercise, Lab
from twice.labs.judge import Verdict

SCHEMA = 1
SECONDS, CELL_SECONDS = 900.0, 20.0
TORCH = Limits(memory=4096 * MEGABYTE, tasks=80)
PARTS = ("built-twice", "numpy", "torch", "ipykernel", "nbval", "pytest")

Result = dict[str, Any]


@dataclass(frozen=True)
class Grader:
    """All that grading depends on beside the submission; it is called with the bytes of one and its name.

    `canonical` is the lab's own notebook, `answers` the folder where right answers are kept, `sandbox` one of auto,
    bwrap and none, `seconds` the time for a submission as a whole, `cell_seconds` for a cell, `package` where labs are
    declared.
    """

    canonical: bytes
    answers: Path
    seed: int = 1
    sandbox: str = "auto"
    seconds: float = SECONDS
    cell_seconds: float = CELL_SECONDS
    package: str = PACKAGE
    numpy_limits: Limits = field(default_factory=Limits)
    torch_limits: Limits = TORCH

    def __call__(self, content: bytes, name: str = "") -> Result:
        return grade_one(self, content, name)

    def kind(self, exercise: Exercise) -> Kind:
        """The kernel that an exercise needs."""
        torch = exercise.engine == "torch"
        limits = self.torch_limits if torch else self.numpy_limits
        return Kind(torch, tuple(sorted(exercise.allows)), limits, sandbox.choose(self.sandbox), self.seconds)


@cache
def versions() -> dict[str, str]:
    """What a result depends on that is installed."""
    found = {}
    for part in PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            continue
    return found


def grade_one(grader: Grader, content: bytes, name: str = "") -> Result:
    """Grade what was handed in. Nothing in it can make this raise; without a sandbox NoSandbox is raised."""
    begun = time.monotonic()
    chosen = sandbox.choose(grader.sandbox)
    canonical = _canonical(grader.canonical)
    result = {
        **_head(grader, canonical, chosen),
        "submission": {"sha256": hashlib.sha256(content).hexdigest(), "name": name},
    }
    try:
        result |= _graded(grader, canonical, rebuild.rebuild(canonical, content))
    except Refused as refusal:
        result |= {"status": "refused", "reason": str(refusal)}
    except (NotStarted, NoAnswers, plugin.Broken) as trouble:
        result |= {"status": "infra_error", "reason": str(trouble)}
    return {**result, "seconds": round(time.monotonic() - begun, 3)}


@cache
def _canonical(content: bytes) -> Canonical:
    return rebuild.canonical(content)


def _head(grader: Grader, canonical: Canonical, chosen: str) -> Result:
    lab = declared(canonical.lab, grader.package)
    if {*canonical.points} != {e.name for e in lab.exercises}:
        raise ValueError(f"canonical: the notebook does not hold the exercises of the lab {lab.name}; build it again")
    own = {
        "schema": SCHEMA,
        "lab": canonical.lab,
        "canonical": canonical.sha256,
        "versions": versions(),
        "seed": grader.seed,
    }
    empty: Result = {
        "sandbox": chosen,
        "status": "graded",
        "reason": None,
        "points": 0.0,
        "possible": _possible(lab, canonical),
    }
    return {**own, **empty, "exercises": [], "texts": [], "notes": [], "fingerprint": None, "shingles": []}


def _possible(lab: Lab, canonical: Canonical) -> float:
    return sum(canonical.points[e.name] for e in lab.exercises if not e.extra)


def _graded(grader: Grader, canonical: Canonical, rebuilt: Rebuilt) -> Result:
    lab = declared(canonical.lab, grader.package)
    prepared = answers(canonical.lab, grader.seed, grader.answers, grader.package)
    engines = {e.name: e.engine for e in lab.exercises if isinstance(e, Exercise)}
    until = time.monotonic() + grader.seconds
    sessions = Sessions(Shared(rebuilt.cells, engines, until, grader.cell_seconds), grader.kind)
    checker = Checker(rebuilt.cells, prepared, sessions)
    folder = scratch.make()
    try:
        plugin.run(rebuilt.notebook(), folder, lab, checker)
    finally:
        sessions.stop()
        scratch.remove(folder)
    return _result(lab, canonical, rebuilt, checker)


def _result(lab: Lab, canonical: Canonical, rebuilt: Rebuilt, checker: Checker) -> Result:
    rows = [_row(e, canonical, checker.verdicts) for e in lab.exercises if isinstance(e, Exercise)]
    texts = [
        {
            "name": e.name,
            "title": e.title,
            "possible": canonical.points[e.name],
            "points": None,
            "answer": rebuilt.texts[e.name],
        }
        for e in lab.exercises
        if not isinstance(e, Exercise)
    ]
    status, reason = _status(checker)
    return {
        **{"status": status, "reason": reason, "points": sum(row["points"] for row in rows)},
        **{"exercises": rows, "texts": texts, "notes": [*rebuilt.notes, *checker.notes(), *checker.review]},
        **{"fingerprint": rebuilt.fingerprint, "shingles": list(rebuilt.shingles)},
    }


def _row(exercise: Exercise, canonical: Canonical, verdicts: Mapping[str, Verdict]) -> Result:
    verdict, possible = verdicts[exercise.name], canonical.points[exercise.name]
    own = {"name": exercise.name, "title": exercise.title, "engine": exercise.engine, "extra": exercise.extra}
    return {**own, "points": possible if verdict.passed else 0.0, "possible": possible, "verdict": verdict.as_dict()}


def _status(checker: Checker) -> tuple[str, str | None]:
    if checker.spent:
        return "killed", "The submission took longer than is allowed for all of it."
    if checker.review:
        return "needs_review", checker.review[0]
    return "graded", None
