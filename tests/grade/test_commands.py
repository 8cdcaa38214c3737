"""The command, as an instructor uses it: graded, stopped, called again, filled in by hand."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from small_class import CANONICAL, engine, lines, log, notebook
from twice.grade import commands, sheets
from twice.grade.commands import Request
from twice.grade.engine import CannotGrade
from twice.grade.policy import Policy, penalty
from twice.grade.roster import moment

pytestmark = pytest.mark.slow


@pytest.fixture
def course(tmp_path):
    (tmp_path / "toy.ipynb").write_bytes(CANONICAL)
    hand_in(tmp_path, alice=notebook(), bob=notebook(add="wrong"), carol=b"{")
    return tmp_path


def hand_in(course, **files):
    (course / "in").mkdir(exist_ok=True)
    for name, content in files.items():
        (course / "in" / f"{name}.ipynb").write_bytes(content)


def grade(course, versions="1", **options):
    """The exit status and what was said."""
    said = io.StringIO()
    request = Request(course / "toy.ipynb", course / "in", course / "out", jobs=options.pop("jobs", 2), **options)
    status = commands.run(request, engine(course, versions), Console(file=said, width=200))
    return status, said.getvalue()


def book(course):
    with open(course / "out" / "gradebook.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def begun(course):
    return [line.split()[2] for line in lines(course) if line.startswith("begin")]


def test_a_class_is_graded_in_one_call(course):
    status, said = grade(course)
    assert status == 0
    assert "3 notebooks of 3 students" in said
    assert "refused carol.ipynb: The file is not JSON" in said
    assert {id: row["points"] for id, row in book(course).items()} == {"alice": "95", "bob": "35", "carol": ""}
    out = course / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "feedback",
        "gradebook.csv",
        "graded",
        "gradescope",
        "instructor.html",
        "manual.csv",
        "results.json",
        "seed.json",
    ]
    assert len(list((out / "feedback").iterdir())) == len(list((out / "gradescope").iterdir())) == 3


def test_only_what_changed_is_graded_again(course):
    grade(course)
    first = (course / "out" / "results.json").read_bytes()
    assert grade(course)[0] == 0
    assert (course / "out" / "results.json").read_bytes() == first
    hand_in(course, bob=notebook(), dave=notebook(add="sleep 0"))
    _, said = grade(course)
    assert "1 of 2 notebooks were graded before" in said, "bob's is now the same as alice's"
    assert sorted(begun(course)) == ["alice.ipynb", "bob.ipynb", "dave.ipynb"]


@pytest.mark.parametrize("change", [{"versions": "2"}, {"seed": 1}, {"sandbox": "none"}])
def test_another_grader_seed_or_sandbox_grades_all_again(course, change):
    grade(course)
    grade(course, **change)
    assert len(begun(course)) == 4


def test_the_seed_is_drawn_once_and_told(course):
    grade(course)
    seeds = {student["result"]["seed"] for student in students(course) if student["result"]}
    grade(course)
    assert seeds == {json.loads((course / "out" / "seed.json").read_text())["seed"]}
    assert len(seeds) == 1


def students(course):
    return json.loads((course / "out" / "results.json").read_text())["students"]


def test_a_grader_that_fails_is_tried_again_next_time(course):
    hand_in(course, dave=notebook(add="die once"))
    status, said = grade(course)
    assert status == 1
    assert "Not graded: dave: The grading process ended with status 3." in said
    assert book(course)["dave"]["status"] == "infra_error"
    assert grade(course)[0] == 0
    assert book(course)["dave"]["points"] == "95"
    assert begun(course).count("dave.ipynb") == 2
    assert begun(course).count("alice.ipynb") == 1


def test_points_by_hand_are_filled_in_between_two_calls(course):
    _, said = grade(course)
    assert "2 answers in words wait for points" in said
    path = course / "out" / "manual.csv"
    header, rows = sheets.read(path)
    for row in rows:
        row["points"] = "9"
    sheets.write(path, header, [[row[column] for column in header] for row in rows])
    _, said = grade(course)
    assert "wait for points" not in said
    assert {id: row["points"] for id, row in book(course).items()} == {"alice": "104", "bob": "44", "carol": ""}
    assert len(begun(course)) == 2


def test_rules_of_the_class(course):
    os.utime(course / "in" / "bob.ipynb", (2_000_000_000, 2_000_000_000))
    os.utime(course / "in" / "alice.ipynb", (1_000_000_000, 1_000_000_000))
    (course / "roster.csv").write_text("id,name,deadline\nalice,Alice A,\nbob,Bob B,\nzoe,Zoe Z,\n")
    policy = Policy(moment("2030-01-01"), penalty=penalty("20%"), weights={"scale": 2.0}, extra_limit=1.0)
    grade(course, policy=policy, roster=course / "roster.csv")
    rows = book(course)
    assert (rows["alice"]["name"], rows["alice"]["points"], rows["alice"]["possible"]) == ("Alice A", "121", "130")
    assert rows["bob"]["points"] == "48.8"
    assert rows["zoe"]["status"] == "missing"
    assert timedelta(seconds=students(course)[1]["late"]["seconds"]).days > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": Policy(weights={"ad": 1.0})}, "weight: got ad, expected some of add, scale, bonus, why"),
        ({"roster": "nowhere.csv"}, "nowhere.csv"),
        ({"manual": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_wrong_options_are_errors_before_anything_is_graded(course, options, message):
    paths = {key: course / value if isinstance(value, str) else value for key, value in options.items()}
    with pytest.raises(CannotGrade, match=message):
        grade(course, **paths)
    assert not (course / "out").exists()


def test_feedback_of_a_student_who_is_gone_goes_too(course):
    grade(course)
    (course / "in" / "bob.ipynb").unlink()
    (course / "out" / "feedback" / "notes.html").write_text("mine")
    grade(course)
    names = {path.name.rpartition("-")[0] or path.name for path in (course / "out" / "feedback").iterdir()}
    assert names == {"alice", "carol", "notes.html"}


def test_downloads_of_canvas_and_moodle_give_files_for_them(course):
    (course / "in" / "bob.ipynb").unlink()
    (course / "in" / "carol.ipynb").unlink()
    (course / "in" / "alice.ipynb").rename(course / "in" / "doejane_4711_1_toy.ipynb")
    grade(course, column="Lab 1 (99)")
    assert "doejane,4711,,,,95" in (course / "out" / "canvas.csv").read_text()
    (course / "in" / "Jane Doe_815_assignsubmission_file").mkdir()
    (course / "in" / "doejane_4711_1_toy.ipynb").rename(
        course / "in" / "Jane Doe_815_assignsubmission_file" / "x.ipynb"
    )
    grade(course)
    assert "Participant 815,Jane Doe,,,95,100" in (course / "out" / "moodle.csv").read_text()
    assert (course / "out" / "moodle-feedback.zip").exists()


SCRIPT = """
import sys
from pathlib import Path
from rich.console import Console
from small_class import engine
from twice.grade import commands
course = Path({course!r})
request = commands.Request(course / "toy.ipynb", course / "in", course / "out", jobs=2)
sys.exit(commands.run(request, engine(course), Console(width=200)))
"""


def heed_ctrl_c():
    """A shell lets its background jobs ignore Ctrl-C, and what they start inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_stops_cleanly_and_the_next_call_goes_on(course):
    """In a process of its own, with the keys' own signal to the whole group, as a terminal sends it."""
    for i in range(10):
        hand_in(course, **{f"s{i}": notebook(add="sleep 0.8", why=str(i))})
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    script = SCRIPT.format(course=str(course))
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    while len([line for line in lines(course) if line.startswith("end")]) < 4:
        time.sleep(0.02)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=20)[0].decode()
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    pids = {int(line.split()[1]) for line in lines(course) if line.startswith("begin")}
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    kept = len(list((course / "out" / "graded").glob("*.json")))
    assert 0 < kept < 12
    log(course, "again")
    assert grade(course)[0] == 0
    after = lines(course)[lines(course).index("again") :]
    assert len([line for line in after if line.startswith("begin")]) == 12 - kept
    assert sum(row["status"] == "graded" for row in book(course).values()) == 12
