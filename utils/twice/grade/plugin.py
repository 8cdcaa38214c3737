"""pytest's part: it collects the rebuilt notebook, runs its cells in the sandbox, and checks with items of its own."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from twice.grade.checker import Checker
from twice.grade.session import Spent
from twice.labs.exercise import Lab
from twice.labs.judge import Verdict

OPTIONS = ("--noconftest", "--quiet", "--no-header", "--no-summary", "--tb=no", "--capture=no", "--color=no")
WITHOUT = (
    *("cacheprovider", "faulthandler", "logging", "doctest", "stepwise", "junitxml", "pastebin", "warnings"),
    *("unraisableexception", "threadexception"),  # they collect garbage for a third of a second
)
ORDINARY = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}


class Broken(Exception):
    """pytest did not come to an end as it should; the message is what it said."""


class NotPassed(Exception):
    """A check that did not pass."""


def run(notebook: str, folder: Path, lab: Lab, checker: Checker) -> None:
    """Have pytest go through the notebook, in a folder where there is nothing else."""
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    path = folder / "rebuilt.ipynb"
    path.write_text(notebook, encoding="utf-8")
    where = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    plugins = ["-p", "nbval.plugin", *(word for name in WITHOUT for word in ("-p", f"no:{name}"))]
    said = io.StringIO()
    grading = Grading(lab, checker)
    with _alone(), redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([str(path), *where, *OPTIONS, *plugins], plugins=[grading])
    if grading.trouble is not None:
        raise grading.trouble
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in ORDINARY:
        raise Broken(said.getvalue().strip()[-1000:])


@contextmanager
def _alone() -> Iterator[None]:
    """No plugin that happens to be installed, no option from the environment."""
    settings = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PY_COLORS"))}
    with mock.patch.dict(os.environ, {**settings, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, clear=True):
        yield


class Grading:
    """The plugin of one submission; `trouble` is what the machinery itself ran into."""

    def __init__(self, lab: Lab, checker: Checker):
        self.lab, self.checker = lab, checker
        self.trouble: BaseException | None = None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        if file_path.suffix != ".ipynb":
            return None
        notebook = RebuiltNotebook.from_parent(parent, path=file_path)
        notebook.grading = self
        return notebook


class RebuiltNotebook(IPyNbFile):
    """nbval's notebook, whose kernels are the sandboxed ones of the submission."""

    grading: Grading

    def setup(self) -> None:
        """Kernels start when an exercise needs one."""

    def collect(self) -> Iterator[pytest.Item]:
        self.nb = nbformat.read(self.path, as_version=4)
        for number, cell in enumerate(self.nb.cells):
            ours, options = cell.metadata.twice, {"cell_num": number, "cell": cell, "options": {}}
            kind, name = (Check, f"check {ours.exercise}") if ours.role == "check" else (Run, f"cell {number}")
            yield kind.from_parent(self, name=name, **options)

    def teardown(self) -> None:
        self.grading.checker.sessions.stop()


class Run(IPyNbCell):
    """A cell of the student's, or of the lab's, that runs in the sandbox and decides nothing."""

    def runtest(self) -> None:
        ours, grading = self.cell.metadata.twice, self.parent.grading
        if ours.role == "solution":
            with grading_trouble(grading):
                grading.checker.run(grading.lab.find(ours.exercise), self.cell_num + 1)


class Check(IPyNbCell):
    """The trusted item in the place of a check cell."""

    def runtest(self) -> None:
        ours, grading = self.cell.metadata.twice, self.parent.grading
        with grading_trouble(grading):
            verdict: Verdict = grading.checker.check(grading.lab.find(ours.exercise), self.cell_num)
        if not verdict.passed:
            raise NotPassed(verdict.message)

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        return str(excinfo.value)


@contextmanager
def grading_trouble(grading: Grading) -> Iterator[None]:
    """Keep what goes wrong in the grader itself, and end the run: it is no verdict."""
    try:
        yield
    except Spent:
        return
    except BaseException as error:  # also what asks this process to end, which pytest would take for a failed test
        grading.trouble = error
        pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)
