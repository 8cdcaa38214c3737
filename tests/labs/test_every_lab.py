"""What holds for every lab that the catalog knows: a new one is tested by existing."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twice.labs import catalog, judge, plain
from twice.labs.exercise import Case, Exercise, Text

pytest.importorskip("torch")
build = pytest.importorskip("twice.labs.build")

ROOT = Path(__file__).parents[2]
LABS = [catalog.find(name) for name in catalog.names()]
EXERCISES = [
    pytest.param(e, id=f"{lab.name}-{e.name}") for lab in LABS for e in lab.exercises if isinstance(e, Exercise)
]
COURSE = ("convolution", "pooling", "fully_connected", "training", "lenet", "alexnet_vgg", "blocks")

each_lab = pytest.mark.parametrize("lab", [pytest.param(lab, id=lab.name) for lab in LABS])
each_exercise = pytest.mark.parametrize("exercise", EXERCISES)


@cache
def prepared(exercise, seed=0):
    return judge.prepare(exercise, seed)


def verdict_on(exercise, answer, seed=0):
    """The judgement of an answer that is called as the exercise says."""

    def call(args, kwargs, seconds):
        try:
            return judge.answered(exercise, answer, Case(args, kwargs))
        except Exception as error:
            raise judge.StudentError(f"{type(error).__name__}: {error}") from None

    with np.errstate(all="ignore"):
        return judge.judge(exercise, prepared(exercise, seed), call)


# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────


@each_lab
def test_the_declaration_is_whole(lab):
    assert lab.problems() == []


def test_numbers_and_names_are_distinct():
    assert len({lab.number for lab in LABS}) == len(LABS)
    assert [lab.name for lab in LABS] == list(catalog.names())


@each_lab
def test_a_lab_of_the_course_has_six_exercises_both_engines_and_a_question(lab):
    if lab.name not in COURSE:
        pytest.skip("not one of the course's own")
    exercises = [e for e in lab.exercises if isinstance(e, Exercise)]
    assert lab.number == COURSE.index(lab.name) + 1
    assert len(exercises) >= 6
    assert {e.engine for e in exercises} == {"numpy", "torch"}
    assert any(isinstance(e, Text) for e in lab.exercises)
    assert f"[{lab.name}]({lab.name}.ipynb)" in (ROOT / "labs" / "README.md").read_text(encoding="utf-8")


def test_declarations_are_read_without_torch():
    code = "import sys; from twice.labs import catalog; print([catalog.find(n).name for n in catalog.names()])"
    code += "; assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(list(catalog.names()))


# ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [0, 1])
@each_exercise
def test_the_reference_passes(exercise, seed):
    verdict = verdict_on(exercise, exercise.reference, seed)
    assert verdict.passed, str(verdict)
    assert len(verdict.tried) == len(prepared(exercise, seed))


@pytest.mark.parametrize("seed", [0, 1])
@each_exercise
def test_every_mistake_is_rejected_with_its_own_hint(exercise, seed):
    for mistake in exercise.mistakes:
        verdict = verdict_on(exercise, mistake.answer, seed)
        assert verdict.status == "failed", f"{mistake.name}: {verdict}"
        assert (verdict.mistake, verdict.hint) == (mistake.name, mistake.hint), f"{mistake.name}: {verdict}"


@each_exercise
def test_hints_are_sentences_of_their_own(exercise):
    hints = [mistake.hint for mistake in exercise.mistakes]
    assert len({*hints}) == len(hints)
    for hint in hints:
        assert len(hint) >= 60, f"too short to teach: {hint}"
        assert hint.endswith((".", "?", ")")), hint
        assert "return " not in hint, f"a hint is no solution: {hint}"


@each_exercise
def test_cases_are_plain_noted_and_drawn_from_the_seed(exercise):
    cases = [p.case for p in prepared(exercise)]
    assert len(cases) >= 2
    assert all(case.note for case in cases)
    again = judge.prepare(exercise, 0)
    stored = judge.restore(judge.store(again))
    assert plain.difference([as_rows(p) for p in prepared(exercise)], [as_rows(p) for p in stored], 0, 0) is None
    other = [as_rows(p)[:2] for p in prepared(exercise, 1)]
    assert plain.difference([as_rows(p)[:2] for p in again], other, 0, 0) is not None


def as_rows(p):
    return plain.simplify([p.case.args, p.case.kwargs, p.case.note, p.expected, dict(p.wrong)])


@each_exercise
def test_shapes_alone_do_not_pass(exercise):
    for filled in (0.0, 1.0):
        answers = iter(
            [replaced(p.expected, lambda v, filled=filled: np.full(np.shape(v), filled)) for p in prepared(exercise)]
        )
        assert not judged(exercise, answers).passed


@each_exercise
def test_answers_full_of_nan_do_not_pass(exercise):
    answers = iter([replaced(p.expected, lambda v: np.full(np.shape(v), np.nan)) for p in prepared(exercise)])
    assert not judged(exercise, answers).passed


@settings(max_examples=15, deadline=None)
@given(data=st.data())
@each_exercise
def test_one_wrong_number_is_found(exercise, data):
    if exercise.accept is not None:
        pytest.skip("what is accepted is not an equality")
    expected = [p.expected for p in prepared(exercise)]
    which = data.draw(st.sampled_from([i for i, e in enumerate(expected) if leaves(e)]))
    leaf = data.draw(st.sampled_from(range(len(leaves(expected[which])))))
    value = np.array(leaves(expected[which])[leaf], float)
    place = data.draw(st.integers(0, value.size - 1))
    spoiled = value.copy().reshape(-1)
    spoiled[place] = data.draw(st.sampled_from([np.nan, np.inf, spoiled[place] + 0.02 * (1 + np.abs(value).max())]))
    counter = iter(range(10**6))
    put = lambda v: spoiled.reshape(value.shape) if next(counter) == leaf else v
    expected[which] = replaced(expected[which], put)
    verdict = judged(exercise, iter(expected))
    assert not verdict.passed
    assert len(verdict.tried) == which + 1


def judged(exercise, answers):
    return judge.judge(exercise, prepared(exercise), lambda args, kwargs, seconds: next(answers))


def leaves(value):
    """The numbers and arrays of a plain value that hold anything."""
    found = []
    replaced(value, lambda v: found.append(v) or v)
    return [v for v in found if np.size(v)]


def replaced(value, change):
    """The same containers with each number and each array changed."""
    if isinstance(value, tuple | list):
        return type(value)(replaced(v, change) for v in value)
    if isinstance(value, dict):
        return {k: replaced(v, change) for k, v in value.items()}
    return change(value) if isinstance(value, bool | int | float | np.ndarray) and np.size(value) else value


# ── notebooks ───────────────────────────────────────────────────────────────────────────────────────────────────


@each_lab
def test_the_committed_notebooks_are_those_that_the_source_builds(lab):
    _, student, solved = build.paths(ROOT, lab.name)
    wanted_student, wanted_solved = build.notebooks(ROOT, lab)
    advice = f"type: twice lab build {lab.name}"
    assert student.read_text(encoding="utf-8") == build.text(wanted_student), advice
    assert build.text(build.unexecuted(build.read(solved))) == build.text(wanted_solved), advice


@each_lab
def test_the_students_notebook_holds_no_solution_and_no_output(lab):
    student, solved = (build.read(path) for path in build.paths(ROOT, lab.name)[1:])
    for cell, answer in zip(student.cells, solved.cells):
        assert "BEGIN SOLUTION" not in cell.source
        assert not cell.get("outputs")
        if "BEGIN SOLUTION" in answer.source and cell.cell_type == "code":
            assert "raise NotImplementedError()" in cell.source
            compile(cell.source, cell.id, "exec")


@each_lab
def test_the_solved_notebook_was_executed_and_every_check_passed(lab):
    solved = build.read(build.paths(ROOT, lab.name)[2])
    checks = [c for c in solved.cells if c.metadata.get("twice", {}).get("role") == "check"]
    assert len(checks) == sum(isinstance(e, Exercise) for e in lab.exercises)
    for cell in checks:
        exercise = lab.find(cell.metadata.twice.exercise)
        notes = " · ".join(p.case.note for p in prepared(exercise))
        said = " ".join(cell.outputs[0].text.split())
        assert said == f"✓ {exercise.name}: right tried: {notes}", f"type: twice lab build --again {lab.name}"
    assert all(cell.execution_count for cell in solved.cells if cell.cell_type == "code")


@pytest.mark.slow
@each_lab
def test_the_solved_notebook_passes_nbval(lab, tmp_path):
    outcomes = run_nbval("--nbval", build.paths(ROOT, lab.name)[2], tmp_path)
    assert outcomes
    assert {cell: said for cell, said in outcomes.items() if said} == {}


@pytest.mark.slow
@each_lab
def test_the_students_notebook_runs_to_its_end_and_fails_at_its_checks_alone(lab, tmp_path):
    path = build.paths(ROOT, lab.name)[1]
    outcomes = run_nbval("--nbval-lax", path, tmp_path)
    code = [cell for cell in build.read(path).cells if cell.cell_type == "code"]
    checks = {n for n, cell in enumerate(code) if cell.metadata.get("twice", {}).get("role") == "check"}
    assert len(outcomes) == len(code)
    assert {cell for cell, said in outcomes.items() if said} == checks
    assert all("not written yet" in outcomes[cell] for cell in checks)


def run_nbval(option, notebook, folder):
    """Number of each code cell, and what pytest says where it failed."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", option, "-p", "no:cacheprovider", "-p", "no:xdist", "--color=no", "-q"]
    done = subprocess.run([*command, f"--junitxml={report}", str(notebook)], capture_output=True, text=True, cwd=ROOT)
    assert report.is_file(), done.stdout + done.stderr
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {int(c.get("name").removeprefix("Cell ")): "".join(f.text for f in c if f.text) for c in cases}
