"""The class as three systems export it."""

from datetime import datetime

import pytest

from twice.grade import roster

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (99)
    Points Possible,,,,,50
"Doe, Jane",4711,s1,jane@x.edu,A,
"Roe, Jo",4712,s2,jo@x.edu,A,
"""
MOODLE = """\
Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (submission),Last modified (grade)
Participant 815,Jane Doe,jane@x.edu,Submitted,,100.00,"Monday, 4 May 2026, 11:58 PM",-
Participant 816,Jo Roe,jo@x.edu,No submission,,100.00,-,-
"""
PLAIN = "student;Name;email;deadline\n4711;Jane Doe;jane@x.edu;2026-05-05\n4712;Jo Roe;jo@x.edu;\n"


def read(tmp_path, text):
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    return roster.read(tmp_path / "roster.csv")


def test_canvas(tmp_path):
    found = read(tmp_path, CANVAS)
    assert (found.kind, [person.id for person in found.people]) == ("canvas", ["4711", "4712"])
    assert found.heads[0]["Lab 1 (99)"] == "50"
    assert found.find("4711").name == "Doe, Jane"


def test_moodle_with_the_times_that_its_download_lacks(tmp_path):
    found = read(tmp_path, MOODLE)
    assert found.kind == "moodle"
    assert found.find("815").handed_in == datetime(2026, 5, 4, 23, 58).astimezone()
    assert found.find("816").handed_in is None


def test_a_plain_list_with_an_extension(tmp_path):
    found = read(tmp_path, PLAIN)
    assert found.find("4711").deadline == datetime(2026, 5, 5, 23, 59, 59).astimezone()
    assert found.find("4712").deadline is None


def test_people_are_found_by_id_then_address_then_a_name_that_one_bears(tmp_path):
    found = read(tmp_path, PLAIN + "4713;Jo Roe;jo2@x.edu;\n")
    assert found.find("x", "JANE@x.edu").id == "4711"
    assert found.find("jane@x.edu").id == "4711"
    assert found.find("x", "", "Doe, Jane").id == "4711"
    assert found.find("x", "", "Jo Roe") is None
    assert found.find("nobody") is None


def test_a_list_without_ids_is_an_error_that_names_the_columns(tmp_path):
    with pytest.raises(ValueError, match="got the columns Vorname, Nachname; expected one called id"):
        read(tmp_path, "Vorname,Nachname\nJane,Doe\n")


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "04.05.2026"])
def test_a_deadline_that_is_none(text):
    with pytest.raises(ValueError, match="deadline: got"):
        roster.moment(text)


def test_deadlines_with_and_without_time_and_zone():
    assert roster.moment("2026-05-04") == datetime(2026, 5, 4, 23, 59, 59).astimezone()
    assert roster.moment("2026-05-04T12:00+02:00").utcoffset().total_seconds() == 7200
    assert roster.moment("") is None
