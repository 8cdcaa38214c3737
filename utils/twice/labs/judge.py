"""Is an answer right? One judgement for the notebook and the grader, and the mistake that explains a wrong answer."""

import inspect
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twice.labs import plain, showing
from twice.labs.calling import call as call_answer
from twice.labs.calling import fresh
from twice.labs.exercise import Case, Exercise
from twice.labs.plain import BadValue, Difference

Call = Callable[[tuple, dict[str, Any], float], Any]


class NotDefined(Exception):
    """There is no answer yet."""


class StudentError(Exception):
    """The answer raised: what, and the lines of it where."""

    def __init__(self, message: str, where: str = ""):
        super().__init__(message)
        self.message, self.where = message, where


class OutOfTime(Exception):
    """The answer took longer than the exercise allows."""


@dataclass(frozen=True)
class Prepared:
    """A case, what is right for it, and what each mistake gives (None where it raises): plain data."""

    case: Case
    expected: Any
    wrong: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What came of an exercise. `tried` are the notes of all cases up to the one that failed.

    `case` holds texts on that one: `note`, `inputs`, `expected`, `got`, and `where` in the answer or in its code.
    """

    exercise: str
    status: str
    tried: tuple[str, ...] = ()
    message: str = ""
    case: Mapping[str, str] | None = None
    mistake: str | None = None
    hint: str | None = None

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.__dict__, "tried": list(self.tried), "case": None if self.case is None else dict(self.case)}

    def __str__(self) -> str:
        return showing.as_text(self.as_dict())

    def as_html(self) -> str:
        """For a notebook or a page, in the colours around it."""
        return showing.as_html(self.as_dict())


# ── prepare ─────────────────────────────────────────────────────────────────────────────────────────────────────


def prepare(exercise: Exercise, seed: int) -> tuple[Prepared, ...]:
    """Cases drawn from the seed, with the right answer to each and the answer of every mistake."""
    rng = np.random.default_rng([seed, zlib.crc32(exercise.name.encode())])
    return tuple(_prepare(exercise, case) for case in exercise.cases(rng))


def _prepare(exercise: Exercise, case: Case) -> Prepared:
    wrong = {mistake.name: _or_none(exercise, mistake.answer, case) for mistake in exercise.mistakes}
    return Prepared(case, answered(exercise, exercise.reference, case), wrong)


def answered(exercise: Exercise, answer: Callable[..., Any], case: Case, device: str = "cpu") -> Any:
    """What an answer gives to a case, as plain data."""
    return plain.simplify(call_answer(answer, case.args, case.kwargs, exercise.engine, exercise.kind, device))


def _or_none(exercise: Exercise, answer: Callable[..., Any], case: Case) -> Any:
    with np.errstate(all="ignore"):
        try:
            return answered(exercise, answer, case)
        except Exception:
            return None


def store(prepared: Sequence[Prepared]) -> bytes:
    """Prepared cases as bytes, for a process that has no torch."""
    rows = [
        {"args": p.case.args, "kwargs": p.case.kwargs, "note": p.case.note, "expected": p.expected, "wrong": p.wrong}
        for p in prepared
    ]
    return plain.encode(rows)


def restore(data: bytes) -> tuple[Prepared, ...]:
    """The prepared cases that `store` gave these bytes for."""
    rows = plain.decode(data)
    return tuple(Prepared(Case(r["args"], r["kwargs"], r["note"]), r["expected"], r["wrong"]) for r in rows)


# ── judge ───────────────────────────────────────────────────────────────────────────────────────────────────────


def judge(exercise: Exercise, prepared: Sequence[Prepared], call: Call) -> Verdict:
    """Try the cases in their order until one fails. `call` gives the student's answer to one, or raises."""
    if not prepared:
        raise ValueError(f"judge: {exercise.name} has no cases, expected one or more")
    answers: list[Any] = []
    for number, here in enumerate(prepared):
        so_far = Verdict(exercise.name, "passed", tuple(p.case.note for p in prepared[: number + 1]))
        try:
            answers.append(plain.simplify(call(*fresh(here.case.args, here.case.kwargs), exercise.seconds)))
        except NotDefined as error:
            return replace(so_far, status="not_defined", tried=(), message=str(error))
        except (StudentError, BadValue, OutOfTime) as error:
            return _broken(exercise, here, so_far, error)
        objection = _objection(exercise, here, answers[-1])
        if objection is not None:
            return _wrong(exercise, prepared, answers, so_far, objection)
    return so_far


def forbidding(exercise: Exercise, used: Sequence[str]) -> Verdict:
    """The verdict on an answer that uses what the exercise forbids."""
    uses = ", ".join(f"`{expression}`" for expression in used)
    message = f"`{exercise.name}` uses {uses}, which is what this exercise asks you to write yourself"
    return Verdict(exercise.name, "failed", message=message)


def _objection(exercise: Exercise, here: Prepared, got: Any) -> Difference | None:
    if exercise.accept is None:
        return plain.difference(here.expected, got, exercise.rtol, exercise.atol)
    sentence = exercise.accept(here.case, here.expected, got)
    return None if sentence is None else Difference("", "value", sentence)


def _broken(exercise: Exercise, here: Prepared, so_far: Verdict, error: Exception) -> Verdict:
    """A verdict on an answer that did not come, or was no plain data."""
    shown = showing.case(here.case, _names(exercise), here.expected)
    if isinstance(error, OutOfTime):
        message = str(error) or f"no answer came within {exercise.seconds:g} seconds"
        return replace(so_far, status="timeout", message=message, case=shown)
    if isinstance(error, StudentError):
        shown["where"] = error.where
        return replace(so_far, status="student_error", message=error.message, case=shown)
    return replace(so_far, status="bad_value", message=str(error), case=shown)


def _wrong(
    exercise: Exercise, prepared: Sequence[Prepared], answers: Sequence[Any], so_far: Verdict, objection: Difference
) -> Verdict:
    here = prepared[len(answers) - 1]
    name = _named(objection.where, exercise.parts)
    message = (
        objection.sentence.replace(f"the answer{objection.where}", name, 1) if objection.where else objection.sentence
    )
    shown = showing.case(here.case, _names(exercise), here.expected, answers[-1], objection, name)
    mistake = _explanation(exercise, prepared, answers)
    hint = None if mistake is None else next(m.hint for m in exercise.mistakes if m.name == mistake)
    return replace(so_far, status="failed", message=message, case=shown, mistake=mistake, hint=hint)


def _explanation(exercise: Exercise, prepared: Sequence[Prepared], answers: Sequence[Any]) -> str | None:
    """The mistake that gives the student's answer in every case that was tried."""
    for mistake in exercise.mistakes:
        outputs = [p.wrong.get(mistake.name) for p in prepared[: len(answers)]]
        if all(
            output is not None and plain.difference(output, answer, exercise.rtol, exercise.atol) is None
            for output, answer in zip(outputs, answers)
        ):
            return mistake.name
    return None


def _named(where: str, parts: tuple[str, ...]) -> str:
    """'[1]' is 'dw' where the exercise names its parts."""
    number, _, rest = where.removeprefix("[").partition("]")
    known = where.startswith("[") and number.isdigit() and parts
    return f"`{parts[int(number)]}{rest}`" if known else f"the answer{where}"


def _names(exercise: Exercise) -> tuple[str, ...]:
    """What the reference calls its arguments."""
    try:
        return tuple(inspect.signature(exercise.reference).parameters)
    except (TypeError, ValueError):
        return ()
