"""What an exercise is: a name, points, the right answer, cases that try it, and known mistakes with their hints."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Answer = Callable[..., Any]
Accept = Callable[["Case", Any, Any], str | None]


@dataclass(frozen=True)
class Case:
    """The inputs of one try, as plain data; the note says what the case is, such as 'stride 2'."""

    args: tuple = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, called as the right one is, and the hint that it deserves."""

    name: str
    hint: str
    answer: Answer


@dataclass(frozen=True)
class Exercise:
    """A function or a torch module that the student writes.

    `reference` is the right answer; `cases(rng)` draws inputs, the smallest first. An answer is right where it equals
    the reference's within `rtol` and `atol`, or where `accept(case, expected, got)` has no objection.
    With engine 'torch', arrays among the inputs arrive as tensors. With kind 'module', a case holds the constructor's
    arguments and `{"state": arrays by name or None, "inputs": tuple of arrays}`, maybe with `"training": True`.
    `forbidden` names what the answer may not use, `allows` what it may import beside NumPy (and torch).
    `parts` names the members of an answer that is a tuple, such as `("dx", "dw", "db")`. With `keeps`, an answer may not
    change the arrays that come in.
    """

    name: str
    title: str
    points: float
    reference: Answer
    cases: Callable[[np.random.Generator], Sequence[Case]]
    mistakes: tuple[Mistake, ...] = ()
    engine: Literal["numpy", "torch"] = "numpy"
    kind: Literal["function", "module"] = "function"
    rtol: float = 1e-6
    atol: float = 1e-9
    forbidden: tuple[str, ...] = ()
    accept: Accept | None = None
    seconds: float = 10.0
    extra: bool = False
    allows: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    keeps: bool = False


@dataclass(frozen=True)
class Text:
    """A question that is answered in words, and graded by a person."""

    name: str
    title: str
    points: float
    extra: bool = False


@dataclass(frozen=True)
class Lab:
    """The exercises of one notebook, in its order; without the extra ones their points add up to 100."""

    name: str
    number: int
    title: str
    exercises: tuple[Exercise | Text, ...]

    def find(self, name: str) -> Exercise:
        """The exercise of this name that a check can try."""
        known = [e.name for e in self.exercises if isinstance(e, Exercise)]
        for exercise in self.exercises:
            if exercise.name == name and isinstance(exercise, Exercise):
                return exercise
        raise ValueError(f"lab {self.name}: there is no exercise {name!r}, expected one of {', '.join(known)}")

    def problems(self) -> list[str]:
        """What is wrong with the declaration, in sentences."""
        names = [e.name for e in self.exercises]
        total = sum(e.points for e in self.exercises if not e.extra)
        found = [f"lab {self.name}: two exercises are called {n!r}" for n in sorted({*names}) if names.count(n) > 1]
        if total != 100:
            found.append(f"lab {self.name}: the points add up to {total:g}, expected 100")
        return found + [
            f"lab {self.name}: {s}" for e in self.exercises if isinstance(e, Exercise) for s in _problems(e)
        ]


def _problems(exercise: Exercise) -> list[str]:
    found = [] if exercise.name.isidentifier() else [f"{exercise.name!r} is not a name that Python can define"]
    mistakes = [m.name for m in exercise.mistakes]
    if len(mistakes) < 2 or len({*mistakes}) < len(mistakes):
        found.append(f"{exercise.name} has the known mistakes {mistakes}, expected two or more with different names")
    if exercise.kind == "module" and exercise.engine != "torch":
        found.append(f"{exercise.name} is a module with the engine {exercise.engine!r}, expected 'torch'")
    return found
