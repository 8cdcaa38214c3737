"""What Gradescope, Canvas and Moodle are given, read as their own importers read it."""

import csv
import io
import json
import zipfile

import pytest

from small_class import result
from twice.grade import lms, roster
from twice.grade.collect import Submission
from twice.grade.gradebook import grades
from twice.grade.layouts import Owner
from twice.grade.policy import Policy, penalty

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99),Current Score
    Points Possible,,,,,50,(read only)
"Doe, Jane",4711,s1,jane@x.edu,A,,
"Roe, Jo",4712,s2,jo@x.edu,A,,
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (submission),Last modified (grade)
Participant 815,Jane Doe,jane@x.edu,Submitted,,10.00,"Monday, 4 May 2026, 11:58 PM",-
Participant 816,Jo Roe,jo@x.edu,No submission,,10.00,-,-
"""


def graded(*owners, people=None, policy=None, answers=None, **more):
    submissions = [Submission(owner, "x.ipynb", "1", lambda: b"") for owner in owners]
    return grades(submissions, {"1": result(answers, **more)}, policy or Policy(), {}, people)


def class_of(tmp_path, text):
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    return roster.read(tmp_path / "roster.csv")


def table(text):
    return list(csv.reader(io.StringIO(text)))


def canvas_reads(text):
    """The rules of Canvas's gradebook_importer.rb: columns before the assignments, students by ID, points possible."""
    header, *rows = table(text)
    assert "Student" in header[0]
    assert "ID" in header[1]
    student_columns = 5 if header[2:4] == ["SIS User ID", "SIS Login ID"] else 3
    assert "Section" in header[student_columns - 1]
    points = [row for row in rows if "Points Possible" in row[0]]
    students = [row for row in rows if "Points Possible" not in row[0]]
    (column,) = header[student_columns:]
    return column, float(points[0][-1]), {int(row[1]): row[-1] for row in students}


def test_canvas_from_the_download_alone():
    found = graded(Owner("4711", "doejane", layout="canvas"), Owner("4712", "roejo", layout="canvas"))
    assert canvas_reads(lms.canvas(found, "A toy lab", None)) == ("A toy lab", 100, {4711: "95", 4712: "95"})


def test_canvas_with_its_own_export_keeps_its_rows_and_scale(tmp_path):
    people = class_of(tmp_path, CANVAS)
    found = graded(Owner("4711", "doejane", layout="canvas"), people=people)
    text = lms.canvas(found, "Lab 1 (99)", people)
    assert canvas_reads(text) == ("Lab 1 (99)", 50, {4711: "47.5", 4712: ""})
    assert table(text)[2] == ["Doe, Jane", "4711", "s1", "jane@x.edu", "A", "47.5"]


def moodle_reads(text):
    """The rules of Moodle's importgradeslib.php: three columns are needed; the number follows `Participant `."""
    header, *rows = table(text)
    places = [header.index(name) for name in ("Identifier", "Grade", "Last modified (grade)")]
    assert header.index("Feedback comments") > 0, "Moodle takes a column at place 0 for no column"
    assert all(row[places[0]].startswith("Participant ") for row in rows)
    return {int(row[places[0]][len("Participant ") :]): row[places[1]] for row in rows}


def test_moodle_from_the_download_alone():
    found = graded(Owner("815", "Jane Doe", layout="moodle"))
    text = lms.moodle(found, None)
    assert moodle_reads(text) == {815: "95"}
    assert "Add 60/60; Scale 30/30; Bonus 5/5; Why not graded yet/10" in text


def test_moodle_with_its_own_worksheet_keeps_its_rows_and_scale(tmp_path):
    people = class_of(tmp_path, MOODLE)
    found = graded(Owner("815", "Jane Doe", layout="moodle"), people=people)
    text = lms.moodle(found, people)
    assert moodle_reads(text) == {815: "9.5", 816: ""}
    assert table(text)[1][6:8] == ["Monday, 4 May 2026, 11:58 PM", "-"]


def test_extra_credit_beyond_the_maximum_is_told():
    found = graded(Owner("1"), texts=[])
    assert [grade.points for grade in lms.above(found)] == [95]


def test_feedback_for_moodle_lies_in_the_folders_of_its_download():
    found = graded(Owner("815", "Jane Doe", layout="moodle", folder="Jane Doe_815_assignsubmission_file"), Owner("x"))
    content = lms.moodle_feedback(found, lambda grade: grade.called.encode(), "feedback.html")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "Jane Doe_815_assignsubmission_file/feedback.html": b"Jane Doe"
        }
    assert content == lms.moodle_feedback(found, lambda grade: grade.called.encode(), "feedback.html")


GRADESCOPE = {  # what the specification of results.json names, and of which type
    "score": float,
    "execution_time": int,
    "output": str,
    "output_format": str,
    "visibility": str,
    "stdout_visibility": str,
    "tests": list,
}
TEST = {
    "score": float,
    "max_score": float,
    "status": str,
    "name": str,
    "name_format": str,
    "output": str,
    "output_format": str,
    "visibility": str,
}


def test_gradescope_gets_what_its_specification_names():
    policy = Policy(penalty=penalty("10%"))
    (grade,) = graded(Owner("1", late=True, layout="canvas"), policy=policy, answers={"add": "wrong"})
    content = json.loads(lms.gradescope_file(grade))
    assert {key: type(value) for key, value in content.items()} == GRADESCOPE
    assert content["score"] == pytest.approx(31.5)
    assert content["output"] == "3.5 points lost because it came late."
    for test in content["tests"]:
        assert all(type(value) in (TEST[key], int) for key, value in test.items())
    assert [test.get("status") for test in content["tests"]] == ["failed", "passed", "passed", None]
    assert "You doubled it." in content["tests"][0]["output"]
    assert content["tests"][3]["output"] == "Not graded yet."


def test_nothing_graded_is_an_empty_grade_everywhere(tmp_path):
    people = class_of(tmp_path, CANVAS)
    refused = Submission(Owner("4711", layout="canvas"), "x.ipynb", "", lambda: b"", None, "It is empty.")
    found = grades([refused], {}, Policy(), {}, people)
    assert canvas_reads(lms.canvas(found, "Lab 1 (99)", people))[2] == {4711: "", 4712: ""}
    assert lms.gradescope(found[0])["output"] == "It is empty."


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A0", "@x", "+1"])
def test_no_name_becomes_a_formula(name):
    found = graded(Owner("1", name, layout="canvas"), Owner("2", name, email=name, layout="moodle"))
    for text in (lms.canvas(found, name, None), lms.moodle(found, None)):
        assert all(not cell.startswith(("=", "@", "+")) for row in table(text) for cell in row)
        assert "'" + name in text.replace('""', '"')
