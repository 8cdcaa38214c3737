"""The grade of every student, and the files that hold them."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from small_class import result
from twice.grade import gradebook, manual, roster
from twice.grade.collect import Submission
from twice.grade.gradebook import grades
from twice.grade.layouts import Owner
from twice.grade.policy import Policy, penalty

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def handed_in(id, sha="1", time=NOON, refused=None, **owner):
    return Submission(Owner(id, **owner), f"{id}/{sha}.ipynb", sha, lambda: b"", time, refused)


def one(submissions, results, policy=None, marks=None, people=None):
    (grade,) = grades(submissions, results, policy or Policy(), marks or {}, people)
    return grade


def people(*persons):
    return roster.Roster("plain", ("id",), tuple(persons))


def test_the_last_attempt_counts_and_the_others_are_told():
    several = [handed_in("a", "1"), handed_in("a", "2", NOON + HOUR), handed_in("a", "3", NOON + 2 * HOUR, "Broken.")]
    results = {"1": result(), "2": result({"add": "wrong"})}
    grade = one(several, results)
    assert (grade.points, grade.attempts, grade.submission.sha256) == (35, 3, "2")
    assert grade.looks == ("Another file was refused: a/3.ipynb: Broken.",)
    assert one(several, results, Policy(keep="first")).points == 95


def test_the_best_attempt_counts_after_lateness():
    several = [handed_in("a", "1"), handed_in("a", "2", NOON + HOUR)]
    results = {"1": result({"scale": "wrong"}), "2": result()}
    policy = Policy(NOON, penalty=penalty("50%"), keep="best")
    assert one(several, results, policy).submission.sha256 == "1"
    assert one(several, results, Policy(NOON, penalty=penalty("10%"), keep="best")).submission.sha256 == "2"


def test_a_refused_file_gives_no_number_but_a_reason():
    grade = one([handed_in("a", refused="It is empty.")], {})
    assert (grade.status, grade.points, grade.reason) == ("refused", None, "It is empty.")


@pytest.mark.parametrize("status", ["infra_error", "refused"])
def test_what_was_not_graded_gives_no_number(status):
    grade = one([handed_in("a")], {"1": result(status=status, reason="why", exercises=[], texts=[])})
    assert (grade.points, grade.reason) == (None, "why")


def test_a_notebook_that_was_stopped_keeps_its_points_and_needs_a_look():
    rows = result({"add": "wrong"})["exercises"]
    rows[0]["verdict"]["status"] = "timeout"
    grade = one([handed_in("a")], {"1": result(status="killed", exercises=rows, notes=["Odd."], sandbox="none")})
    assert grade.points == 35
    assert grade.looks == ("Odd.", "add: stopped at its time limit.", "Graded without a sandbox.")


def test_points_by_hand_are_added_and_outdated_ones_are_not():
    answer = manual.Answer("a", "", "why", "Why", 10.0, "because")
    marks = {("a", "why"): manual.Mark(8.0, "well said", answer.id)}
    grade = one([handed_in("a")], {"1": result()}, marks=marks)
    assert (grade.points, grade.comments) == (103, {"why": "well said"})
    changed = one([handed_in("a")], {"1": result(why="something else")}, marks=marks)
    assert changed.points == 95
    assert changed.looks == ("why: graded by hand before the answer changed.",)


def test_the_roster_names_students_and_those_who_are_missing():
    jane, jo = roster.Person("4711", "Doe, Jane", "jane@x.edu"), roster.Person("4712", "Roe, Jo")
    found = grades([handed_in("jane@x.edu")], {"1": result()}, Policy(), {}, people(jane, jo))
    assert [(grade.called, grade.status, grade.points) for grade in found] == [
        ("Doe, Jane", "graded", 95),
        ("Roe, Jo", "missing", None),
    ]
    assert found[1].total.possible == 100, "of the same exercises as the others"


def test_two_students_with_the_same_bytes_have_the_same_result():
    found = grades([handed_in("a"), handed_in("b")], {"1": result()}, Policy(), {})
    assert [grade.points for grade in found] == [95, 95]


def written(tmp_path, found):
    gradebook.write_csv(tmp_path / "gradebook.csv", found)
    text = (tmp_path / "gradebook.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_csv_has_a_line_a_student_and_a_column_an_exercise(tmp_path):
    late = handed_in("b", "2", NOON + 30 * HOUR, name="Bob")
    policy = Policy(NOON, penalty=penalty("10%/day"))
    found = grades([handed_in("a", name="Alice"), late], {"1": result(), "2": result({"add": "wrong"})}, policy, {})
    alice, bob = written(tmp_path, found)
    assert (alice["points"], alice["add"], alice["bonus"], alice["why"], alice["possible"]) == (
        "95",
        "60",
        "5",
        "",
        "100",
    )
    assert (bob["points"], bob["earned"], bob["late_hours"], bob["lost_to_lateness"]) == ("28", "35", "30", "7")


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A0", "+1", "@SUM(1)", "-1+1"])
def test_no_name_becomes_a_formula(tmp_path, name):
    found = grades([handed_in(name, name=name)], {"1": result(reason=name, status="killed")}, Policy(), {})
    (row,) = written(tmp_path, found)
    assert all(not value.startswith(("=", "+", "@", "-")) for value in row.values())
    assert row["name"] == "'" + name


def test_the_json_holds_everything_but_the_pieces_for_comparison(tmp_path):
    found = grades([handed_in("a", name="\ud800")], {"1": result(shingles=["x"])}, Policy(), {})
    gradebook.write_json(tmp_path / "results.json", found, {"lab": "toy"})
    content = json.loads((tmp_path / "results.json").read_bytes())
    (student,) = content["students"]
    assert (content["lab"], student["points"], student["result"]["seed"]) == ("toy", 95, 7)
    assert student["items"][0] == {"name": "add", "title": "Add", "points": 60, "possible": 60, "extra": False}
    assert "shingles" not in student["result"]
