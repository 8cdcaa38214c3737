"""Whose file it is, from the path alone."""

from datetime import UTC, datetime
from pathlib import PurePosixPath as Path

import pytest

from twice.grade.layouts import nbgrader_time, owners, same_name, surroundings


def who(*paths, gradescope=None, lab="toy"):
    """For each path the ids of its owners."""
    files = [Path(path) for path in paths]
    around = surroundings(lab, files, gradescope, {})
    return [[owner.id for owner in owners(path, around)] for path in files]


def one(path, *others, **options):
    files = [Path(path), *map(Path, others)]
    (owner,) = owners(files[0], surroundings("toy", files, options.get("gradescope"), {}))
    return owner


def test_canvas_gives_user_and_lateness():
    paths = (
        "doejane_4711_99001_toy.ipynb",
        "roejo_LATE_4712_99002_toy-1.ipynb",
        "oneillpat_late_4713_99003_my_work_2.ipynb",
    )
    assert who(*paths) == [["4711"], ["4712"], ["4713"]]
    assert one(*paths).name == "doejane"
    assert [one(path, *paths).late for path in paths] == [False, True, True]


def test_canvas_with_anonymous_grading_gives_the_anonymous_name():
    assert who("anon_aB3dE_99001_toy.ipynb", "anon_Zz9xY_late_99002_toy.ipynb") == [["anon_aB3dE"], ["anon_Zz9xY"]]


def test_canvas_names_hold_for_all_that_a_student_zipped():
    paths = ("doejane_4711_99001_work.zip/roejo_4712_99002_toy.ipynb", "roejo_4712_99002_toy.ipynb")
    assert who(*paths) == [["4711"], ["4712"]]


def test_a_single_file_named_as_on_canvas_among_others_is_an_ordinary_name():
    assert who("lee_2024_5_toy.ipynb", "alice.ipynb", "bob.ipynb") == [["lee_2024_5_toy"], ["alice"], ["bob"]]


@pytest.mark.parametrize(
    "path",
    [
        "Jane Doe_815_assignsubmission_file/toy.ipynb",
        "Jane Doe_815_assignsubmission_file/sub/folder/my toy.ipynb",
        "Jane Doe_815_assignsubmission_file_/toy.ipynb",
        "Jane Doe_815_assignsubmission_file_toy.ipynb",
        "Lab 1-1234/Jane Doe_815_assignsubmission_file/toy.ipynb",
    ],
)
def test_moodle_gives_name_and_participant(path):
    owner = one(path)
    assert (owner.id, owner.name, owner.layout) == ("815", "Jane Doe", "moodle")
    assert owner.folder == "Jane Doe_815_assignsubmission_file"


def test_moodle_names_in_any_script():
    assert who("김 민수_7_assignsubmission_file/toy.ipynb", "Óscar Ñúñez_8_assignsubmission_file/toy.ipynb") == [
        ["7"],
        ["8"],
    ]


METADATA = {
    "submission_11": {
        ":submitters": [{":name": "Jane Doe", ":sid": 4711, ":email": "jane@x.edu"}],
        ":created_at": datetime(2026, 5, 4, 10, 0),
    },
    "submission_12": {
        ":submitters": [{":name": "A", ":sid": "1", ":email": "a@x"}, {":name": "B", ":sid": None, ":email": "b@x"}]
    },
}


def test_gradescope_gives_all_submitters_and_the_time():
    paths = ("assignment_9_export/submission_11/toy.ipynb", "assignment_9_export/submission_12/toy.ipynb")
    assert who(*paths, gradescope=METADATA) == [["4711"], ["1", "b@x"]]
    owner = one(*paths, gradescope=METADATA)
    assert (owner.name, owner.email, owner.handed_in) == (
        "Jane Doe",
        "jane@x.edu",
        datetime(2026, 5, 4, 10, 0, tzinfo=UTC),
    )


def test_gradescope_without_metadata_for_a_folder_still_tells_them_apart():
    assert who("submission_13/toy.ipynb", "submission_14/toy.ipynb", gradescope=METADATA) == [
        ["submission_13"],
        ["submission_14"],
    ]


def test_nbgrader_trees_from_the_course_and_from_inside():
    assert who("submitted/alice/toy/toy.ipynb", "submitted/bob/toy/other name.ipynb") == [["alice"], ["bob"]]
    assert who("alice/toy/toy.ipynb", "bob/toy/toy.ipynb") == [["alice"], ["bob"]]
    assert who("alice/toy/toy.ipynb") == [["alice"]]


@pytest.mark.parametrize(
    "path",
    [
        "alice/submitted/bob/toy/toy.ipynb",
        "alice/bob/toy/toy.ipynb",
        "alice/Bob Roe_7_assignsubmission_file/toy.ipynb",
        "alice/submission_11/toy.ipynb",
        "alice/roejo_4712_99002_toy.ipynb",
        "alice/toy/bob.ipynb",
    ],
)
def test_no_student_can_hand_in_as_somebody_else_by_naming_folders(path):
    assert who(path, "bob/toy.ipynb", "carol.ipynb", gradescope=METADATA)[0] == ["alice"]


def test_plain_folders_files_and_zips():
    assert who("x/alice.ipynb", "x/bob.zip/anything.ipynb", "x/carol/toy.ipynb") == [["alice"], ["bob"], ["carol"]]
    assert who("alice/toy.ipynb") == [["alice"]]
    assert who("toy.ipynb") == [["toy"]]


@pytest.mark.parametrize("name", ["toy", "Toy", "toy (1)", "toy-2", "toy copy", "toy_3"])
def test_names_that_browsers_make_of_the_lab(name):
    assert same_name(name, "toy")


def test_another_name_is_another_name():
    assert not same_name("toys", "toy")
    assert not same_name("alice", "toy")


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2015-02-02 15:58:23.948203 UTC", 15),
        ("2015-02-02 15:58:23.948203 America/Los_Angeles", 23),
        ("2015-02-02 15:58:23 +0200", 13),
        ("2015-02-02 15:58:23", 15),
    ],
)
def test_times_that_nbgrader_writes(text, hour):
    moment = nbgrader_time(text + "\n").astimezone(UTC)
    assert (moment.day, moment.hour) == (2, hour)


def test_a_time_that_is_none():
    assert nbgrader_time("yesterday") is None
