"""What grades one notebook, made ready for a batch: sandbox chosen, right answers computed, versions told."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twice.grade.worker import Grade

LIBRARY = Path(__file__).parents[1]
ROOMS = ("grade", "labs", "kernels")  # whose code decides what a result is

Facts = Mapping[str, Any]


class CannotGrade(Exception):
    """Nothing can be graded; the message says why and what to do."""


@dataclass(frozen=True)
class Engine:
    """`prepare(canonical, seed, sandbox, folder)` gives the grader, which other processes import by name, and the facts
    that its results depend on; `about` tells the versions here, or there on a worker of a cluster."""

    prepare: Callable[[bytes, int, str, Path], tuple[Grade, Facts]]
    about: Callable[[], Facts] | None = None


def engine() -> Engine:
    """The grader of this package."""
    return Engine(_prepare, about)


def _prepare(canonical: bytes, seed: int, sandbox: str, folder: Path) -> tuple[Grade, Facts]:
    """Raises CannotGrade where there is no sandbox, unless none was asked for."""
    from twice.grade.answers import NoAnswers, answers
    from twice.grade.collect import lab_name
    from twice.grade.one import Grader
    from twice.grade.sandbox import NoSandbox, choose

    kept = folder.absolute() / "answers"
    try:
        chosen = choose(sandbox)
        answers(lab_name(json.loads(canonical)), seed, kept)
    except (NoSandbox, NoAnswers, ValueError) as trouble:
        raise CannotGrade(str(trouble)) from None
    return Grader(canonical, kept, seed=seed, sandbox=chosen), {"sandbox": chosen, **about()}


@cache
def about() -> dict[str, str]:
    """Versions of what is installed, and a hash of the code that grades."""
    from twice.grade.one import versions

    code = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((LIBRARY / room).rglob("*.py")):
            code.update(str(path.relative_to(LIBRARY)).encode() + b"\0" + path.read_bytes())
    return {**versions(), "code": code.hexdigest()[:16]}
