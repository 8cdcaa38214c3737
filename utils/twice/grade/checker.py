"""The trusted side of a check: it asks the sandbox for data, compares it here, and says what came of the exercise."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twice.grade import forbidden
from twice.grade.kernel import Ended, OutOfTime
from twice.grade.needs import needed, statements
from twice.grade.rebuild import Cell
from twice.grade.session import CellFailed, Session, Sessions, Spent
from twice.labs import judge, plain
from twice.labs.exercise import Exercise
from twice.labs.judge import Prepared, Verdict

ROOM = 4 * 2**20  # bytes that any answer may take, and so many times what is expected
TIMES = 4
MESSAGE = 2000
UNCOMPARED = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)  # from an exercise's own `accept`
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\x1b\[[0-9;]*m")


class Uses(Exception):
    """The answer called what its exercise forbids: the names as the sandbox gives them."""

    def __init__(self, names: list[str]):
        super().__init__(", ".join(names))
        self.names = names


class Checker:
    """Verdicts on the exercises of one submission, in the order of its cells."""

    def __init__(self, cells: Sequence[Cell], prepared: Mapping[str, tuple[Prepared, ...]], sessions: Sessions):
        self.cells, self.prepared, self.sessions = cells, prepared, sessions
        self.verdicts: dict[str, Verdict] = {}
        self.spent = False
        self.review: list[str] = []

    def check(self, exercise: Exercise, at: int) -> Verdict:
        """What came of the exercise whose check stands at this place."""
        self.verdicts[exercise.name] = verdict = self._verdict(exercise, at)
        return verdict

    def run(self, exercise: Exercise, upto: int) -> None:
        """Run the cells before this place in the kernel of the exercise."""
        self.sessions.of(exercise).advance(upto)

    def notes(self) -> list[str]:
        """Errors of cells that answer an exercise and stopped before their end."""
        found = self.sessions.shared.errors
        return [
            f"The cell of {self.cells[at].exercise} stopped with {_tidy(error)}"
            for at, error in sorted(found.items())
            if self.cells[at].role == "solution"
        ]

    def _verdict(self, exercise: Exercise, at: int) -> Verdict:
        own = [i for i in range(at) if (self.cells[i].role, self.cells[i].exercise) == ("solution", exercise.name)]
        if not own:
            return Verdict(exercise.name, "not_defined", message=f"`{exercise.name}` is not written yet")
        used = self._mentioned(exercise, self.cells[own[-1]].source)
        if used:
            return judge.forbidding(exercise, used)
        try:
            return self._judged(exercise, at, own[-1])
        except Uses as names:
            return judge.forbidding(exercise, names.names)
        except Spent:
            self.spent = True
            return Verdict(
                exercise.name, "timeout", message="the time for the whole submission was over before this exercise"
            )

    def _mentioned(self, exercise: Exercise, source: str) -> list[str]:
        """What the answer, or a definition of another cell that it uses, may not mention."""
        if not exercise.forbidden:
            return []
        pool = [s for cell in self.cells if cell.role == "helper" for s in statements(cell.source)]
        sources = [source, *(s.source for s in needed(pool, [source]))]
        ways = sorted({way for text in sources for way in forbidden.detours(text)})
        if ways:
            self.review.append(
                f"The answer to {exercise.name} uses {', '.join(ways)}, which can hide what is forbidden."
            )
        return sorted({name for text in sources for name in forbidden.used(text, exercise.forbidden)})

    def _judged(self, exercise: Exercise, at: int, own: int) -> Verdict:
        session, prepared = self.sessions.of(exercise), self.prepared[exercise.name]
        largest = ROOM + TIMES * max(len(plain.encode(p.expected)) for p in prepared)
        asked = {"name": exercise.name, "engine": exercise.engine, "shape": exercise.kind, "keeps": exercise.keeps}
        passed = False

        def call(args: tuple, kwargs: dict[str, Any], seconds: float) -> Any:
            request = {**asked, "forbidden": exercise.forbidden, "args": args, "kwargs": kwargs}
            reply = _reply(session, at, own, request, seconds, largest)
            if reply["kind"] == "not_defined" and own in session.shared.errors:
                error = _tidy(session.shared.errors[own])
                raise judge.StudentError(f"the cell that defines `{exercise.name}` stops with {error}")
            return _value(reply)

        try:
            verdict = judge.judge(exercise, prepared, call)
            passed = verdict.passed
            return verdict
        except UNCOMPARED as error:
            what = f"{type(error).__name__}: {error}"
            self.review.append(f"The answer to {exercise.name} could not be compared ({what}).")
            return Verdict(exercise.name, "bad_value", message="the answer cannot be compared with what is expected")
        finally:
            session.settle(own, passed)


def _reply(
    session: Session, at: int, own: int, request: Mapping[str, Any], seconds: float, largest: int
) -> dict[str, Any]:
    """What the sandbox replies; the ways in which it does not become the judge's exceptions."""
    try:
        return session.call(at, own, request, seconds, largest)
    except CellFailed as cell:
        raise _cell(cell.reason) from None
    except OutOfTime:
        raise judge.OutOfTime from None
    except Ended as reason:
        raise judge.StudentError(f"the answer {reason}") from None


def _cell(reason: Exception) -> Exception:
    """What a cell that ended its kernel, or did not come to an end, is to its exercise."""
    if isinstance(reason, OutOfTime):
        return judge.OutOfTime("the cell itself did not come to an end: is there a loop that never ends?")
    return judge.StudentError(f"the cell {reason}")


def _value(reply: Mapping[str, Any]) -> Any:
    """The value in a reply; other kinds of reply become the judge's exceptions."""
    kind, message = reply["kind"], _tidy(reply.get("message"))
    if kind == "value" and "value" in reply:
        return reply["value"]
    if kind == "not_defined":
        raise judge.NotDefined(message)
    if kind == "student_error":
        raise judge.StudentError(message, _tidy(reply.get("where")))
    if kind == "forbidden":
        names = reply.get("names")
        raise Uses([_tidy(name) for name in names[:8]] if isinstance(names, list) else ["something else"])
    raise plain.BadValue(message or "the answer is no data that can be compared")


def _tidy(text: Any) -> str:
    """Text from the sandbox without what could disturb a terminal or a page."""
    return CONTROL.sub("", text)[:MESSAGE] if isinstance(text, str) else ""
