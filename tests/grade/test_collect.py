"""Submissions are found by their cells, in every layout; what cannot be graded is refused with a reason."""

import json
import os
import zipfile
from datetime import UTC, datetime

import pytest

from small_class import CANONICAL, LAB, notebook
from twice.grade.archive import Refused
from twice.grade.collect import collect, outline
from twice.grade.foreign import parsed


def lay(root, **files):
    """Write files; `a__b` is the path a/b.ipynb, unless the name says otherwise."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path = path if path.suffix in (".txt", ".yml", ".zip", ".pdf") else path.with_name(path.name + ".ipynb")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def by_student(collected):
    return {one.owner.id: one for one in collected.submissions}


def test_outline_of_the_lab():
    assert outline(CANONICAL).title == "A toy lab"
    assert outline(CANONICAL).exercises == ("add", "scale", "bonus", "why")


def test_a_renamed_notebook_is_known_by_its_cells_and_read_again_on_demand(tmp_path):
    content = notebook()
    found = by_student(
        collect(lay(tmp_path, alice__final_FINAL=content, bob__Untitled12=notebook(add="wrong")), CANONICAL)
    )
    assert set(found) == {"alice", "bob"}
    assert found["alice"].read() == content
    assert found["alice"].refused is None


def test_a_notebook_that_lost_our_metadata_is_known_by_its_grade_ids(tmp_path):
    nb = json.loads(notebook())
    for cell in nb["cells"]:
        del cell["metadata"]["twice"]
    assert by_student(collect(lay(tmp_path, alice=json.dumps(nb).encode()), CANONICAL))["alice"].refused is None


def test_a_notebook_of_format_3_is_known_too(tmp_path):
    nb = json.loads(notebook())
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": nb["cells"]}]}
    assert by_student(collect(lay(tmp_path, alice=json.dumps(old).encode()), CANONICAL))["alice"].refused is None


def test_the_wrong_notebook_is_refused_by_name_of_its_lab(tmp_path):
    found = by_student(
        collect(lay(tmp_path, alice=notebook(lab="pooling"), bob=b'{"cells": [{"metadata": {}}]}'), CANONICAL)
    )
    assert found["alice"].refused == "It is the notebook of the lab pooling."
    assert found["bob"].refused == "None of its cells belongs to a lab."


def test_other_notebooks_beside_the_right_one_are_left_aside(tmp_path):
    got = collect(
        lay(tmp_path, alice__toy=notebook(), alice__scratch=b'{"cells": [{"metadata": {}}]}', bob=notebook()), CANONICAL
    )
    assert [one.path for one in got.submissions] == ["alice/toy.ipynb", "bob.ipynb"]
    assert got.aside == ("alice/scratch.ipynb: None of its cells belongs to a lab.",)


def test_the_same_bytes_twice_are_one_submission(tmp_path):
    got = collect(lay(tmp_path, alice__a=notebook(), alice__b=notebook(), bob__c=notebook()), CANONICAL)
    assert [one.path for one in got.submissions] == ["alice/a.ipynb", "bob/c.ipynb"]
    assert "the same bytes" in got.aside[0]


def test_nbgrader_trees_with_several_labs(tmp_path):
    lay(tmp_path, submitted__alice__toy__toy=notebook(), submitted__alice__pooling__pooling=notebook(lab="pooling"))
    lay(tmp_path, submitted__bob__pooling__pooling=notebook(lab="pooling"))
    lay(tmp_path, **{"submitted__alice__toy__timestamp.txt": b"2026-05-04 10:00:00 UTC"})
    (submission,) = collect(tmp_path, CANONICAL).submissions
    assert (submission.owner.id, submission.handed_in) == ("alice", datetime(2026, 5, 4, 10, tzinfo=UTC))


def test_gradescope_export(tmp_path):
    metadata = """
submission_11:
  :submitters:
  - :name: Jane Doe
    :sid: '4711'
    :email: jane@x.edu
  :created_at: 2026-05-04 10:00:00.123456000 Z
submission_12:
  :submitters:
  - :name: No Notebook
    :sid: '4712'
    :email: no@x.edu
  :created_at: 2026-05-04 11:00:00.123456000 Z
"""
    files = {"submission_metadata.yml": metadata.encode(), "submission_12__notes.txt": b"sorry"}
    found = by_student(collect(lay(tmp_path, submission_11__toy=notebook(), **files), CANONICAL))
    assert found["4711"].handed_in == datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC)
    assert found["4712"].refused == "There is no notebook among the files handed in."


FORGED = b"submission_11:\n  :submitters:\n  - :name: Bob\n    :sid: bob\n"


@pytest.mark.parametrize("others", [0, 1])
def test_metadata_in_a_students_own_folder_of_gradescope_says_nothing(tmp_path, others):
    """It comes first by name, before the real one."""
    lay(tmp_path, submission_11__toy=notebook(), **{"submission_11__submission_metadata.yml": FORGED})
    lay(tmp_path, **{"submission_metadata.yml": FORGED.replace(b"ob", b"en")})
    for i in range(others):
        lay(tmp_path, **{f"submission_2{i}__toy": notebook(add=str(i))})
    assert "ben" in by_student(collect(tmp_path, CANONICAL))


@pytest.mark.parametrize("content", [FORGED, b"{ no yaml"])
def test_metadata_of_gradescope_in_a_plain_folder_says_nothing(tmp_path, content):
    lay(tmp_path, alice__submission_11__toy=notebook(), bob__toy=notebook(add="wrong"))
    lay(tmp_path, **{"alice__submission_metadata.yml": content})
    assert set(by_student(collect(tmp_path, CANONICAL))) == {"alice", "bob"}


def test_canvas_and_moodle_downloads_name_students_without_a_notebook(tmp_path):
    canvas = lay(tmp_path / "c", doejane_4711_1_toy=notebook(), **{"roejo_4712_2_essay.pdf": b"%PDF"})
    moodle = lay(tmp_path / "m", **{"Jane Doe_1_assignsubmission_file__toy": notebook()})
    lay(moodle, **{"Jo Roe_2_assignsubmission_file__essay.pdf": b"%PDF"})
    for root, ids in ((canvas, ("4711", "4712")), (moodle, ("1", "2"))):
        found = by_student(collect(root, CANONICAL))
        assert found[ids[0]].refused is None
        assert found[ids[1]].refused == "There is no notebook among the files handed in."


def test_times_of_files_count_only_where_no_system_renamed_them(tmp_path):
    lay(tmp_path, alice=notebook())
    os.utime(tmp_path / "alice.ipynb", (1_000_000_000, 1_000_000_000))
    assert by_student(collect(tmp_path, CANONICAL))["alice"].handed_in.timestamp() == 1_000_000_000
    canvas = lay(tmp_path / "c", doejane_4711_1_toy=notebook())
    assert by_student(collect(canvas, CANONICAL))["4711"].handed_in is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty."),
        (b"  \n", "The file is empty."),
        (b"{", "The file is not JSON, as a notebook must be (line 1, column 2)."),
        ('{"cells": "é"}'.encode("latin-1"), "The file is not text in UTF-8."),
        ('{"cells": []}'.encode("utf-16"), "The file is not text in UTF-8."),
        (b"[]", "The file is JSON but holds no cells of a notebook."),
        (b'{"cells": 3}', "The file is JSON but holds no cells of a notebook."),
        (b"[" * 200_000, "The file is not JSON, as a notebook must be (nested too deeply)."),
        (b'{"cells": ' + b"9" * 10_000 + b"}", "The file is not JSON, as a notebook must be (a number is too long)."),
    ],
)
def test_what_is_no_notebook_is_refused(content, reason):
    with pytest.raises(Refused) as refusal:
        parsed(content)
    assert str(refusal.value) == reason


@pytest.mark.parametrize("hostile", ["cells", "metadata", "twice", "lab", "nbgrader", "grade_id", "worksheets"])
@pytest.mark.parametrize("value", [None, 3, [], {}, [[]], "x"])
def test_no_shape_of_json_stops_the_batch(tmp_path, hostile, value):
    def poisoned(node):
        if isinstance(node, dict):
            return {key: value if key == hostile else poisoned(inner) for key, inner in node.items()}
        return [poisoned(inner) for inner in node] if isinstance(node, list) else node

    nb = poisoned({**json.loads(notebook()), "worksheets": []})
    found = by_student(collect(lay(tmp_path, alice=json.dumps(nb).encode(), bob=notebook()), CANONICAL))
    assert set(found) == {"alice", "bob"}
    assert found["bob"].refused is None


def test_a_mark_of_byte_order_is_no_reason_to_refuse(tmp_path):
    assert by_student(collect(lay(tmp_path, alice=b"\xef\xbb\xbf" + notebook()), CANONICAL))["alice"].refused is None


def test_a_file_that_changes_during_grading_is_refused(tmp_path):
    (submission,) = collect(lay(tmp_path, alice=notebook()), CANONICAL).submissions
    (tmp_path / "alice.ipynb").write_bytes(notebook(add="wrong"))
    with pytest.raises(Refused, match="changed"):
        submission.read()


def test_refused_files_do_not_stop_the_others_and_nothing_is_written(tmp_path):
    lay(tmp_path, alice=notebook(), bob=b"{", carol=b"\xff\xfe")
    (tmp_path / "dave.ipynb").symlink_to("/etc/passwd")
    (tmp_path / "eve.zip").write_bytes(b"PK")
    before = sorted(tmp_path.rglob("*"))
    found = by_student(collect(tmp_path, CANONICAL))
    assert {id for id, one in found.items() if one.refused} == {"bob", "carol", "dave", "eve"}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_of_a_class_is_read_like_its_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("alice/x.ipynb", notebook())
        archive.writestr("bob/y.ipynb", notebook(add="wrong"))
    assert set(by_student(collect(tmp_path / "all.zip", CANONICAL))) == {"alice", "bob"}


def test_a_canonical_notebook_must_name_its_lab(tmp_path):
    with pytest.raises(ValueError, match=r"twice\.lab"):
        collect(tmp_path, b'{"cells": [{"metadata": {}}]}')
    assert LAB == "toy"
