"""A result keeps what it was given, says where it comes from, and is never half written or read half."""

import json
from dataclasses import replace

import pytest

from twice.runs import Result, store

ROWS = [
    {"engine": "NumPy", "images": 60_000, "test_accuracy": 0.99123, "seconds": 1.2345, "best": True},
    {"engine": "<torch>", "images": 5, "test_accuracy": None, "seconds": 12.0, "best": False},
]
MACHINE = {"processor": "A chip", "threads": 2, "numpy": "2.4", "torch": None, "python": "3.11", "date": "2026-01-31"}
FOUND = Result(
    name="made_up",
    title="Made up & measured",
    finding="NumPy < PyTorch.",
    scale="medium",
    seed=3,
    settings={"data": "digits", "epochs": 2},
    rows=ROWS,
    curves={"NumPy": {"train_loss": [2.0, 1.0]}},
    seconds=720.0,
    peak_mb=1234.5,
    gpu_peak_mb=None,
    code="0123456789ab",
    environment=MACHINE,
)


def test_what_is_written_is_read(tmp_path):
    path = store.write(FOUND, tmp_path / "new")
    assert path == tmp_path / "new" / "made_up.json"
    assert store.read(path) == FOUND
    assert [p.name for p in path.parent.iterdir()] == ["made_up.json"]


def test_numbers_that_json_does_not_know_are_refused_and_the_old_file_stays(tmp_path):
    path = store.write(FOUND, tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        store.write(replace(FOUND, seconds=float("nan")), tmp_path)
    assert store.read(path) == FOUND


@pytest.mark.parametrize("content", ["", "{", '{"name": "made_up"}', "[]"])
def test_a_broken_file_is_named(tmp_path, content):
    path = tmp_path / "made_up.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"made_up\.json is broken \(.*\), expected a result of twice run"):
        store.read(path)


@pytest.mark.parametrize("scale, allowed", [("small", False), ("medium", True), ("full", True)])
def test_a_result_of_a_larger_scale_is_not_replaced(tmp_path, scale, allowed):
    store.write(FOUND, tmp_path)
    if allowed:
        store.require_replaceable("made_up", scale, tmp_path)
    else:
        with pytest.raises(FileExistsError, match=r"holds a result of scale medium, .* another folder: --out FOLDER"):
            store.require_replaceable("made_up", scale, tmp_path)


def test_a_row_is_found_by_its_entries():
    assert FOUND.row(engine="NumPy", best=True) is ROWS[0]
    with pytest.raises(LookupError, match="fits 0 rows of made_up, expected one"):
        FOUND.row(engine="NumPy", best=False)
    with pytest.raises(LookupError, match="fits 2 rows"):
        FOUND.row()


def test_some_rows_or_columns_stand_alone():
    one = FOUND.only(engine=["NumPy"])
    assert list(one.rows) == [ROWS[0]]
    assert not one.finding  # it was said of all rows
    assert FOUND.finding not in str(one)
    assert FOUND.provenance in str(one)
    with pytest.raises(LookupError, match="fits 0 rows"):
        FOUND.only(engine=["Fortran"])
    assert FOUND.columns("images", "engine").rows[1] == {"images": 5, "engine": "<torch>"}
    assert FOUND.columns("images").finding == FOUND.finding


def test_the_provenance_says_data_scale_seed_machine_versions_time_and_memory():
    assert FOUND.provenance == (
        "Measured with twice run made_up: on digits, scale medium, seed 3, A chip, 2 threads, NumPy 2.4, Python 3.11, "
        "2026-01-31, 12 min, peak 1,234 MB, code 0123456789ab."
    )
    on_gpu = replace(FOUND, gpu_peak_mb=2000.0, environment=FOUND.environment | {"gpu": "A GPU"})
    assert "seed 3, A GPU, A chip, " in on_gpu.provenance
    assert "GPU peak 2,000 MB" in on_gpu.provenance


def test_a_terminal_shows_shares_as_per_cent_and_groups_of_three():
    lines = str(FOUND).splitlines()
    assert lines[0] == FOUND.title
    assert lines[1].split("  ")[0] == "engine"
    assert lines[3].split() == ["NumPy", "60,000", "99.12", "%", "1.23", "True"]
    assert lines[4].split() == ["<torch>", "5", "–", "12", "False"]
    assert lines[5:] == [FOUND.finding, FOUND.provenance]


def test_a_notebook_shows_the_same_and_words_cannot_break_the_page():
    shown = FOUND._repr_html_()
    assert "Made up &amp; measured" in shown
    assert "&lt;torch&gt;" in shown
    assert "NumPy &lt; PyTorch." in shown
    assert FOUND.provenance in shown
    assert "99.12 %" in shown


@pytest.mark.parametrize("seconds, said", [(45.4, "45 s"), (720, "12 min"), (12_240, "3.4 h")])
def test_a_duration_has_the_unit_that_suits_it(seconds, said):
    assert store.duration(seconds) == said


def test_the_code_is_known_by_the_experiment_and_the_rooms_below_it(tmp_path):
    experiment, other = tmp_path / "runs" / "made_up.py", tmp_path / "show" / "figure.py"
    below = [tmp_path / name / "x.py" if "." not in name else tmp_path / name for name in store.MADE_WITH.split()]
    for path in (experiment, other, *below):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    before = store.code_of(experiment, tmp_path)
    assert store.code_of(experiment, tmp_path) == before
    other.write_text("x = 2\n")
    assert store.code_of(experiment, tmp_path) == before
    for path in (experiment, *below):
        path.write_text("x = 2\n")
        assert store.code_of(experiment, tmp_path) != before, path
        path.write_text("x = 1\n")


def test_the_rooms_below_are_there():
    assert [room for room in store.MADE_WITH.split() if not (store.PACKAGE / room).exists()] == []


def test_without_the_repository_a_folder_must_be_named(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PACKAGE", tmp_path / "site-packages" / "twice")
    with pytest.raises(FileNotFoundError, match="is not the course's repository, expected a folder: --out FOLDER"):
        store.folder()
    assert store.folder(tmp_path) == tmp_path


def test_stored_results_are_results_and_name_a_known_experiment():
    from twice.runs import NAMES

    for path in store.folder().glob("*.json"):
        if path.stem in NAMES:
            found = store.read(path)
            assert found.name == path.stem
            assert found.rows
            json.dumps(found.settings)
