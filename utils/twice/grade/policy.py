"""What a result is worth: weights, extra credit, lateness, and which of several submissions counts."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from twice.grade.collect import Submission
from twice.grade.store import Result

Keep = Literal["best", "last", "first"]
UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}


@dataclass(frozen=True)
class Penalty:
    """A share of the points earned that lateness costs: once, or for each day or hour begun, up to `most`."""

    share: float
    per: timedelta | None = None
    most: float = 1.0

    def of(self, late: timedelta) -> float:
        """The share lost when so much late."""
        if late <= timedelta(0):
            return 0.0
        return min(self.most, self.share * (math.ceil(late / self.per) if self.per else 1))


def penalty(text: str) -> Penalty:
    """`20%`, `10%/day`, `1%/hour`, `10%/day up to 50%`."""
    found = re.fullmatch(r"\s*([\d.]+)\s*%\s*(?:/\s*(day|hour))?\s*(?:up\s*to\s*([\d.]+)\s*%)?\s*", text)
    try:
        share, unit, most = float(found[1]), found[2], float(found[3] or 100)  # type: ignore[index]
        if not (0 <= share <= 100 and 0 <= most <= 100):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"late_penalty: got {text!r}, expected something like 10%, 10%/day or 1%/hour up to 50%"
        ) from None
    return Penalty(share / 100, UNITS.get(unit), most / 100)


@dataclass(frozen=True)
class Policy:
    """The rules of a class. `deadlines` holds the extensions of single students, by their id."""

    deadline: datetime | None = None
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    penalty: Penalty = Penalty(0.0)
    keep: Keep = "last"
    weights: Mapping[str, float] = field(default_factory=dict)
    extra_limit: float = math.inf

    def deadline_of(self, student: str) -> datetime | None:
        """The student's own deadline, else the class's."""
        return self.deadlines.get(student, self.deadline)


@dataclass(frozen=True)
class Lateness:
    """How late a submission came, and the share of its points that this costs; `guessed` where only a mark says so."""

    by: timedelta = timedelta(0)
    lost: float = 0.0
    guessed: bool = False


def lateness(submission: Submission, policy: Policy) -> Lateness:
    """From the time handed in; where there is none, a mark of lateness counts as one day begun."""
    deadline = policy.deadline_of(submission.owner.id)
    if deadline and submission.handed_in:
        by = max(submission.handed_in - deadline, timedelta(0))
        return Lateness(by, policy.penalty.of(by))
    if submission.owner.late and submission.owner.id not in policy.deadlines:
        return Lateness(UNITS["day"], policy.penalty.of(timedelta(seconds=1)), guessed=True)
    return Lateness()


@dataclass(frozen=True)
class Item:
    """An exercise or a text in weighted points; `points` is None until somebody has graded it."""

    name: str
    title: str
    points: float | None
    possible: float
    extra: bool = False


def items(result: Result, policy: Policy, manual: Mapping[str, float] | None = None) -> tuple[Item, ...]:
    """The exercises and texts of a result, weighted; `manual` holds points of texts, by name."""
    exercises = [_item(row, row["points"], policy) for row in result.get("exercises", ())]
    texts = [_item(row, (manual or {}).get(row["name"]), policy) for row in result.get("texts", ())]
    return (*exercises, *texts)


def _item(row: Mapping[str, Any], points: float | None, policy: Policy) -> Item:
    weight = policy.weights.get(row["name"], 1.0)
    extra = bool(row.get("extra"))
    return Item(row["name"], row["title"], None if points is None else points * weight, row["possible"] * weight, extra)


@dataclass(frozen=True)
class Total:
    """The points of a submission: earned (with extra credit as far as it counts), lost by lateness, and of how many."""

    earned: float
    lost: float
    possible: float

    @property
    def points(self) -> float:
        """What goes into the gradebook."""
        return self.earned - self.lost


def total(items: Sequence[Item], late: Lateness, policy: Policy) -> Total:
    """Extra credit adds points and asks for none; what nobody has graded yet counts as nothing so far."""
    usual = sum(item.points or 0.0 for item in items if not item.extra)
    extra = min(sum(item.points or 0.0 for item in items if item.extra), policy.extra_limit)
    earned = usual + extra
    return Total(earned, earned * late.lost, sum(item.possible for item in items if not item.extra))


def in_order(submissions: Iterable[Submission]) -> list[Submission]:
    """A student's submissions from the first to the last: by time, and by name where there is no time."""
    return sorted(submissions, key=lambda s: (s.handed_in.timestamp() if s.handed_in else -math.inf, _natural(s.path)))


def _natural(path: str) -> list[tuple[int, str]]:
    """Canvas and browsers number a file that is handed in again: `lab-2.ipynb` comes before `lab-10.ipynb`."""
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.removesuffix(".ipynb"))
    ]


def worth_grading(submissions: Sequence[Submission], keep: Keep) -> list[Submission]:
    """Those of a student's submissions whose result may count: all readable ones for `best`, else one."""
    readable = [submission for submission in in_order(submissions) if not submission.refused]
    return readable if keep == "best" else readable[-1:] if keep == "last" else readable[:1]
