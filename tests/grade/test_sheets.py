"""No cell that is written is a formula, and every cell is read back as it was."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.grade import sheets

HOSTILE = [
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "-",
    "--1",
    "-5",
]


@pytest.mark.parametrize("cell", HOSTILE)
def test_a_spreadsheet_sees_text(cell):
    assert sheets.safe(cell) == (f"'{cell}" if cell != "-" else "-")


@pytest.mark.parametrize("cell", ["Jane Doe", "a=b", "x@y.edu", "O'Neill", "'quoted'", "", "김", " =1"])
def test_harmless_text_stays(cell):
    assert sheets.safe(cell) == cell


@given(st.text(alphabet=st.sampled_from("=+-@'ab\t\n,\"; ＝"), max_size=8))
def test_every_text_is_read_back(text):
    assert sheets.plain(sheets.safe(text)) == text


@given(st.text(max_size=20).filter(lambda text: "\0" not in text))
def test_no_text_begins_like_a_formula(text):
    assert text == "-" or not sheets.safe(text).startswith(sheets.DANGEROUS)


@pytest.mark.parametrize(
    ("value", "text"), [(7.5, "7.5"), (10, "10"), (10.0, "10"), (1 / 3, "0.33"), (-3, "-3"), (100.0, "100"), (0.0, "0")]
)
def test_numbers_have_no_needless_digits(value, text):
    assert sheets.safe(value) == text


def test_files_are_read_back(tmp_path):
    path = tmp_path / "x.csv"
    sheets.write(path, ("id", "answer"), [("=1", 'a "b",\nc'), ("김", None)])
    assert sheets.read(path) == (["id", "answer"], [{"id": "=1", "answer": 'a "b",\nc'}, {"id": "김", "answer": ""}])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel takes a file without the mark for another encoding"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_save_is_read(tmp_path, encoding, separator):
    path = tmp_path / "x.csv"
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows([["id", "name"], ["1", "José, Ana"]])
    assert sheets.read(path) == (["id", "name"], [{"id": "1", "name": "José, Ana"}])


def test_an_empty_file_has_no_columns(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"")
    assert sheets.read(tmp_path / "x.csv") == ([], [])


def test_columns_are_found_in_any_case():
    assert sheets.column(["ID", "Full Name"], ["full name", "name"]) == "Full Name"
    assert sheets.column(["ID"], ["name"]) is None
