"""The command line, and the real grader behind it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")

import small_class
from small_class import CANONICAL, notebook
from twice import cli
from twice.grade import engine, sandbox
from twice.grade.engine import CannotGrade

LABS = Path(__file__).parents[2] / "labs"


def typed(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["grade", *map(str, words)])
    said = capsys.readouterr()
    return stopped.value.code, " ".join((said.out + said.err).split())


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The toy lab, and the toy grader in place of the real one."""
    (tmp_path / "toy.ipynb").write_bytes(CANONICAL)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "alice.ipynb").write_bytes(notebook())
    monkeypatch.setattr(engine, "engine", small_class.engine)
    return tmp_path


def test_the_command_line_reaches_the_rules(course, capsys):
    words = (
        "--deadline",
        "2001-01-01",
        "--late-penalty",
        "10%/day up to 30%",
        "--weight",
        "scale=2",
        "--extra-limit",
        "1",
    )
    status, said = typed(
        capsys, course / "toy.ipynb", course / "in", "--out", course / "out", "--seed", 5, "--jobs", 1, *words
    )
    assert (status, "instructor.html" in said) == (0, True)
    content = json.loads((course / "out" / "results.json").read_text())
    assert content["policy"]["late_penalty"] == {"share": 0.1, "per_seconds": 86400, "most": 0.3}
    (alice,) = content["students"]
    assert alice["points"] == pytest.approx((60 + 60 + 1) * 0.7)
    assert alice["result"]["seed"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--deadline", "soon"), "deadline: got 'soon', expected a time like"),
        (("--late-penalty", "much"), "late_penalty: got 'much', expected something like"),
        (("--weight", "scale"), "weight: got 'scale', expected something like"),
        (("--weight", "scale=nan"), "weight: got 'scale=nan'"),
        (("--keep", "all"), "Invalid value for '--keep'"),
        (("--sandbox", "docker"), "Invalid value for '--sandbox'"),
        (("--jobs", "0"), "Invalid value for '--jobs'"),
        (("--roster", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_is_typed_wrong_is_said_in_a_sentence(course, capsys, words, message):
    status, said = typed(capsys, course / "toy.ipynb", course / "in", "--out", course / "out", *words)
    assert status == 2
    assert message in said.replace("│ ", "").replace(" │", "")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("notebook", "submissions"), [("none.ipynb", "in"), ("toy.ipynb", "none"), ("toy.ipynb", "empty")]
)
def test_what_is_not_there_is_said_in_a_sentence(course, capsys, notebook, submissions):
    (course / "empty").mkdir()
    status, said = typed(capsys, course / notebook, course / submissions, "--out", course / "out")
    assert status == 2
    assert "none" in said or "there is no notebook in" in said


def test_a_broken_notebook_of_the_lab_is_said_in_a_sentence(course, capsys):
    (course / "toy.ipynb").write_bytes(b"{")
    status, said = typed(capsys, course / "toy.ipynb", course / "in", "--out", course / "out")
    assert (status, "not JSON" in said) == (2, True)


def test_without_the_packages_of_grading_the_command_says_what_to_install(course):
    code = "import sys; sys.modules['psutil'] = None; from twice.cli import main; main(sys.argv[1:])"
    words = ["grade", course / "toy.ipynb", course / "in", "--out", course / "out"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, "psutil is missing" in done.stderr) == (2, True)


def test_without_a_sandbox_nothing_is_graded(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "obstacle", lambda: "bubblewrap is missing")
    with pytest.raises(CannotGrade, match="bubblewrap is missing"):
        engine.engine().prepare((LABS / "convolution.ipynb").read_bytes(), 1, "auto", tmp_path)


def test_results_depend_on_the_code_that_grades(tmp_path, monkeypatch):
    shutil.copytree(engine.LIBRARY, tmp_path / "twice", ignore=shutil.ignore_patterns("__pycache__", "static"))
    before = engine.about()["code"]
    monkeypatch.setattr(engine, "LIBRARY", tmp_path / "twice")
    engine.about.cache_clear()
    assert engine.about()["code"] == before
    (tmp_path / "twice" / "labs" / "judge.py").write_text("# changed\n")
    engine.about.cache_clear()
    assert engine.about()["code"] != before
    engine.about.cache_clear()


@pytest.mark.slow
def test_the_real_grader_grades_a_solved_and_an_untouched_notebook(tmp_path, capsys):
    if sandbox.obstacle():
        pytest.skip(f"no sandbox: {sandbox.obstacle()}")
    (tmp_path / "in").mkdir()
    shutil.copy(LABS / "solutions" / "convolution.ipynb", tmp_path / "in" / "alice.ipynb")
    shutil.copy(LABS / "convolution.ipynb", tmp_path / "in" / "bob.ipynb")
    status, said = typed(capsys, LABS / "convolution.ipynb", tmp_path / "in", "--out", tmp_path / "out")
    assert status == 0, said
    alice, bob = json.loads((tmp_path / "out" / "results.json").read_text())["students"]
    exercises = [item for item in alice["items"] if item["points"] is not None]
    assert alice["points"] == sum(item["possible"] for item in exercises) > 90
    assert bob["points"] == 0
    assert {row["verdict"]["status"] for row in bob["result"]["exercises"]} == {"not_defined"}
