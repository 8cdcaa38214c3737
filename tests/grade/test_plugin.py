"""pytest as the engine of grading: what goes wrong in the grader itself is no verdict."""

import pytest

from grade.handing_in import PACKAGE, canonical, content, solved
from twice.grade import plugin, sandbox
from twice.grade.checker import Checker
from twice.grade.kernel import NotStarted
from twice.grade.one import Grader

pytestmark = pytest.mark.slow

GRADERS_OWN = [KeyError("a fault"), SystemExit(1), KeyboardInterrupt(), OSError("disk")]


@pytest.fixture
def grade(tmp_path):
    return Grader(canonical(), tmp_path, package=PACKAGE, sandbox="none")


@pytest.mark.parametrize("fault", GRADERS_OWN, ids=lambda fault: type(fault).__name__)
def test_a_fault_of_the_grader_is_raised_and_no_verdict(grade, monkeypatch, fault):
    def fail(*_):
        raise fault

    monkeypatch.setattr(Checker, "run", fail)
    with pytest.raises(type(fault)):
        grade(content(solved()))


def test_a_kernel_that_never_starts_is_a_fault_of_the_machinery(grade, monkeypatch):
    def fail(*_):
        raise NotStarted("No kernel came up: broken")

    monkeypatch.setattr("twice.grade.session.SandboxedKernel", fail)
    result = grade(content(solved()))
    assert (result["status"], result["reason"], result["points"]) == ("infra_error", "No kernel came up: broken", 0.0)


def test_what_pytest_itself_runs_into_is_told(grade, monkeypatch):
    monkeypatch.setattr(plugin, "OPTIONS", ("--no-such-option",))
    result = grade(content(solved()))
    assert result["status"] == "infra_error"
    assert "--no-such-option" in result["reason"]


def test_a_notebook_of_another_lab_is_no_canonical_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "obstacle", lambda: None)
    notebook = solved()
    notebook["cells"] = [c for c in notebook["cells"] if c["metadata"].get("twice", {}).get("exercise") != "total"]
    with pytest.raises(ValueError, match="does not hold the exercises of the lab tiny"):
        Grader(content(notebook), tmp_path, package=PACKAGE)(b"")


def test_an_answer_that_cannot_be_judged_is_shown_to_the_instructor(grade, monkeypatch):
    def fail(exercise, here, got):
        raise TypeError("what is this?")

    monkeypatch.setattr("twice.labs.judge._objection", fail)
    result = grade(content(solved()))
    assert (result["status"], result["points"]) == ("needs_review", 0.0)
    assert result["reason"] == "The answer to total could not be compared (TypeError: what is this?)."
    assert {row["verdict"]["status"] for row in result["exercises"]} == {"bad_value"}
