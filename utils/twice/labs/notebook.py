"""The notebook's `check`: it tries the student's answer and shows what came of it."""

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from twice.labs import calling, culprit, forbidden, judge, showing
from twice.labs.exercise import Exercise, Lab
from twice.labs.judge import Verdict

SEED = 0


class CheckFailed(Exception):
    """An answer that is not right yet. IPython shows it in one line: the rest stands above."""

    def __init__(self, verdict: Verdict, told: bool, advice: str = ""):
        self.verdict, self.told = verdict, told
        super().__init__(f"{verdict}\n\n{advice}".rstrip())

    def _render_traceback_(self) -> list[str]:
        if not self.told:
            return [str(self)]
        return [f"CheckFailed: {showing.headline(self.verdict.as_dict())[2:]} (see above)"]


class Checks:
    """`check("conv2d")` tries the answer of that name; `check.passed` and `check.case` help with what follows."""

    def __init__(self, lab: Lab, namespace: dict[str, Any] | None = None):
        self.lab = lab
        self._namespace = vars(sys.modules["__main__"]) if namespace is None else namespace
        self._prepared: dict[str, tuple[judge.Prepared, ...]] = {}
        self._verdicts: dict[str, Verdict] = {}

    def __call__(self, name: str) -> None:
        """Say what was tried; raise CheckFailed with the smallest failing case where the answer is not right."""
        verdict = self.verdict(name)
        if verdict.passed:
            print(verdict)
            return
        advice = self._advice(verdict)
        raise CheckFailed(verdict, _display(verdict, advice), advice)

    def __repr__(self) -> str:
        points = sum(e.points for e in self.lab.exercises if self._right(e.name))
        return f"lab {self.lab.name}: {points:g} points of {sum(e.points for e in self.lab.exercises):g} checked"

    def verdict(self, name: str) -> Verdict:
        """What came of the answer of this name."""
        exercise = self.lab.find(name)
        self._verdicts[name] = self._judge(exercise)
        return self._verdicts[name]

    def passed(self, name: str) -> bool:
        """Whether the answer of this name was right when it was checked; if not, a line says what waits for it."""
        self.lab.find(name)
        if not self._right(name):
            print(f'This cell waits until check("{name}") has passed.')
        return self._right(name)

    def case(self, name: str) -> tuple[tuple, dict[str, Any]]:
        """Arguments and options of the case where the last check of this name failed, to try them by hand."""
        exercise, verdict = self.lab.find(name), self._verdicts.get(name)
        if verdict is None or verdict.passed or not verdict.tried:
            raise ValueError(f'check: {name} has no failing case, expected a call of check("{name}") that failed')
        here = self._prepare(exercise)[len(verdict.tried) - 1].case
        args, kwargs = calling.fresh(here.args, here.kwargs)
        if exercise.engine == "torch":
            return calling.as_tensors(args, device()), calling.as_tensors(kwargs, device())
        return args, kwargs

    def _advice(self, verdict: Verdict) -> str:
        """How to try the failing case by hand."""
        name = verdict.exercise
        if verdict.case is None or self.lab.find(name).kind == "module":
            return ""
        return f'To try this case: `args, options = check.case("{name}")`, then `{name}(*args, **options)`.'

    def _right(self, name: str) -> bool:
        return name in self._verdicts and self._verdicts[name].passed

    def _prepare(self, exercise: Exercise) -> tuple[judge.Prepared, ...]:
        if exercise.name not in self._prepared:
            self._prepared[exercise.name] = judge.prepare(exercise, SEED)
        return self._prepared[exercise.name]

    def _judge(self, exercise: Exercise) -> Verdict:
        answer = self._namespace.get(exercise.name)
        used = forbidden.used(answer, exercise.forbidden, self._namespace)
        if used:
            return judge.forbidding(exercise, used)
        return judge.judge(exercise, self._prepare(exercise), lambda *case: _try(exercise, answer, *case))


def device() -> str:
    """CUDA where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _try(exercise: Exercise, answer: Callable[..., Any] | None, args: tuple, kwargs: dict, seconds: float) -> Any:
    """The answer's output; whatever goes wrong in it becomes one of the judge's exceptions."""
    if answer is None:
        raise judge.NotDefined(f"There is no `{exercise.name}` here: run the cell that defines it")
    if not callable(answer):
        raise judge.BadValue(f"`{exercise.name}` is a {type(answer).__name__}, expected a function")
    where = device() if exercise.engine == "torch" else "cpu"
    with _quietly(), _precisely(exercise.engine), _limited(seconds):
        try:
            return calling.call(answer, args, kwargs, exercise.engine, exercise.kind, where, exercise.keeps)
        except NotImplementedError as error:
            if not error.args:
                raise judge.NotDefined(f"Write `{exercise.name}` in the cell above, then check again") from None
            raise judge.StudentError(*culprit.told(error)) from None
        except Exception as error:
            raise judge.StudentError(*culprit.told(error)) from None


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Warnings of an answer stay silent, and what it writes to stderr goes to stdout: a check must not be red."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(sys.stdout), _errors_as_output():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _errors_as_output() -> Iterator[None]:
    """The same for what does not pass through Python: C libraries and child processes write to file 2."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no such file, as in a program without a console
        yield
        return
    try:
        with contextlib.suppress(OSError):
            os.dup2(1, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _precisely(engine: str) -> contextlib.AbstractContextManager[None]:
    """A GPU's own float32 is coarser than what answers are compared with."""
    if engine == "numpy":
        return contextlib.nullcontext()
    from twice.parity.engines import full_precision

    return full_precision()


class _Alarm(BaseException):
    """The time is over; not an Exception, so that an answer's own `except` does not catch it."""


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Stop what runs after these seconds, where the system has alarms and this is the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise _Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _Alarm:
        message = f"no answer came within {seconds:g} seconds: is there a loop that never ends?"
        raise judge.OutOfTime(message) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _display(verdict: Verdict, advice: str) -> bool:
    """Show the verdict above the error, where there is a notebook; pytest reports nothing but the error itself."""
    if "PYTEST_VERSION" in os.environ or "PYTEST_CURRENT_TEST" in os.environ or not _in_notebook():
        return False
    from IPython.display import display

    text = f"{verdict}\n\n{advice}".rstrip()
    display({"text/plain": text, "text/html": showing.as_html(verdict.as_dict(), advice)}, raw=True)
    return True


def _in_notebook() -> bool:
    """Whether a kernel runs this, which can show HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")
