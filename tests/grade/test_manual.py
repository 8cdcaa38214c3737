"""Points by hand: a template goes out, and what was filled in comes back to the same answer."""

import pytest

from twice.grade import manual, sheets
from twice.grade.manual import Answer, Mark, mark_of

ALICE = Answer("=alice", "Alice", "why", "Why", 10.0, "=cmd()\n<b>because</b>")


def filled(path, **values):
    header, rows = sheets.read(path)
    rows = [{**row, **values} for row in rows]
    sheets.write(path, header, [[row[column] for column in header] for row in rows])
    return manual.read(path)


def test_a_template_is_empty_and_safe_and_comes_back_with_points(tmp_path):
    path = tmp_path / "manual.csv"
    manual.write(path, [ALICE], {})
    assert "\n=" not in path.read_text().replace("\r", "")
    assert mark_of(ALICE, manual.read(path)) == (Mark(None, "", ALICE.id), False)
    marks = filled(path, points="7,5", comment="-good")
    assert mark_of(ALICE, marks) == (Mark(7.5, "-good", ALICE.id), False)


def test_points_stay_when_the_template_is_written_again(tmp_path):
    path = tmp_path / "manual.csv"
    manual.write(path, [ALICE], {})
    marks = filled(path, points="7", comment="good")
    manual.write(path, [ALICE, Answer("bob", "", "why", "Why", 10.0, "x")], marks)
    again = manual.read(path)
    assert again[("=alice", "why")] == Mark(7.0, "good", ALICE.id)
    assert again[("bob", "why")].points is None


def test_points_belong_to_the_answer_that_was_read():
    changed = Answer("=alice", "Alice", "why", "Why", 10.0, "another answer")
    assert mark_of(changed, {("=alice", "why"): Mark(7.0, "good", ALICE.id)}) == (None, True)
    assert mark_of(changed, {("=alice", "why"): Mark(7.0, "good", "")}) == (Mark(7.0, "good", ""), False)


@pytest.mark.parametrize("points", ["many", "-1", "11", "nan", "inf"])
def test_points_that_cannot_be_are_an_error_that_names_the_line(tmp_path, points):
    path = tmp_path / "manual.csv"
    manual.write(path, [ALICE], {})
    with pytest.raises(ValueError, match="student =alice, text why: points are"):
        filled(path, points=points)


def test_another_file_is_an_error_that_names_the_columns(tmp_path):
    sheets.write(tmp_path / "x.csv", ("id", "grade"), [])
    with pytest.raises(ValueError, match="expected also points, student, text"):
        manual.read(tmp_path / "x.csv")


def test_an_answer_longer_than_a_cell_is_cut_and_keeps_its_id(tmp_path):
    path = tmp_path / "manual.csv"
    answer = Answer("a", "", "why", "Why", 10.0, "x" * 100_000)
    manual.write(path, [answer], {})
    (row,) = sheets.read(path)[1]
    assert (len(row["answer"]), row["answer_id"]) == (manual.LONGEST_CELL, answer.id)
