"""Experiments are run, stored, found again and resumed; each of them runs end to end at its small scale."""

import math
import sys
from types import SimpleNamespace

import pytest

from twice import cli
from twice.runs import NAMES, Experiment, Measured, experiment, listed, result, run, store
from twice.runs.training import Trainer

room = sys.modules["twice.runs.experiment"]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """An experiment of three parts that counts what it computes; `fake.stop` makes it stop before a part."""
    state = SimpleNamespace(computed=[], stop=None)

    def part(name):
        if name == state.stop:
            raise KeyboardInterrupt
        state.computed.append(name)
        return len(state.computed)

    def measure(settings, trainer):
        answers = {name: trainer.kept(name, lambda name=name: part(name)) for name in "abc"}
        rows = [{"part": name, "answer": answer, "n": settings["n"]} for name, answer in answers.items()]
        return Measured(rows, "Three parts.", {})

    scales = {"small": {"n": 1}, "medium": {"n": 2}, "full": {"n": 3}}
    made = SimpleNamespace(EXPERIMENT=Experiment("Made up", measure, scales, on_gpu_alone=("full",)))
    monkeypatch.setitem(sys.modules, "twice.runs.fake", made)
    monkeypatch.setattr(room, "NAMES", ("fake",))
    monkeypatch.setattr(store, "code_of", lambda path: "code")
    monkeypatch.setattr(room, "cuda_facts", lambda: (None, None, False))
    monkeypatch.setenv("TWICE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("TWICE_SCALE", raising=False)
    return state


def test_a_medium_run_is_stored_and_found(fake, tmp_path):
    found = run("fake", "medium", seed=5, out=tmp_path)
    assert [row["answer"] for row in found.rows] == [1, 2, 3]
    assert (found.scale, found.seed, found.settings) == ("medium", 5, {"n": 2})
    assert result("fake", tmp_path) == found
    assert fake.computed == ["a", "b", "c"]
    assert not list((tmp_path / "data").rglob("*.json"))  # what was kept to resume is gone


def test_a_small_run_is_stored_only_where_a_folder_is_named(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PACKAGE", tmp_path / "nowhere" / "at" / "all")
    run("fake")
    run("fake", out=tmp_path)
    assert [path.name for path in tmp_path.glob("*.json")] == ["fake.json"]


def test_a_run_that_was_stopped_goes_on_where_it_was(fake, tmp_path):
    fake.stop = "c"
    with pytest.raises(KeyboardInterrupt):
        run("fake", "medium", out=tmp_path)
    assert not (tmp_path / "fake.json").exists()
    fake.stop = None
    found = run("fake", "medium", out=tmp_path, resume=True)
    assert fake.computed == ["a", "b", "c"]
    assert [row["answer"] for row in found.rows] == [1, 2, 3]


def test_without_resume_a_run_begins_anew(fake, tmp_path):
    fake.stop = "c"
    with pytest.raises(KeyboardInterrupt):
        run("fake", "medium", out=tmp_path)
    fake.stop = None
    run("fake", "medium", out=tmp_path)
    assert fake.computed == ["a", "b", "a", "b", "c"]


def test_other_settings_resume_nothing_of_these(fake, tmp_path):
    fake.stop = "b"
    with pytest.raises(KeyboardInterrupt):
        run("fake", "medium", out=tmp_path)
    fake.stop = None
    experiment("fake").scales["medium"]["n"] = 7
    run("fake", "medium", out=tmp_path, resume=True)
    assert fake.computed == ["a", "a", "b", "c"]


def test_another_seed_resumes_nothing_of_this_one(fake, tmp_path):
    fake.stop = "b"
    with pytest.raises(KeyboardInterrupt):
        run("fake", "medium", out=tmp_path)
    fake.stop = None
    run("fake", "medium", seed=1, out=tmp_path, resume=True)
    assert fake.computed == ["a", "a", "b", "c"]


def test_a_result_that_is_not_there_says_what_to_type(fake, tmp_path):
    with pytest.raises(FileNotFoundError, match="fake is not measured yet; type: twice run fake --scale medium"):
        result("fake", tmp_path)
    assert fake.computed == []


def test_a_page_measures_only_what_is_not_stored_at_its_scale_by_this_code(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("TWICE_SCALE", "medium")
    assert result("fake", tmp_path).settings == {"n": 2}
    result("fake", tmp_path)
    assert len(fake.computed) == 3
    monkeypatch.setattr(store, "code_of", lambda path: "other code")
    assert result("fake", tmp_path).code == "other code"
    assert len(fake.computed) == 6


def test_a_larger_result_serves_a_smaller_scale(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "cuda_facts", lambda: ("A GPU", "13", True))
    monkeypatch.setattr(room, "_gpu_peak", lambda: 1.0)
    full = run("fake", "full", out=tmp_path)
    assert full.environment["gpu"] == "A GPU"
    monkeypatch.setenv("TWICE_SCALE", "medium")
    assert result("fake", tmp_path) == full
    with pytest.raises(FileExistsError, match="holds a result of scale full, which one of scale medium"):
        run("fake", "medium", out=tmp_path)
    assert len(fake.computed) == 3


def test_what_needs_a_gpu_says_so_where_there_is_none(fake, tmp_path):
    with pytest.raises(RuntimeError, match="run: fake at scale full needs a CUDA GPU, and torch finds none here"):
        run("fake", "full", out=tmp_path)


UNKNOWN = [
    ("lent", "small", "name is 'lent', expected one of fake"),
    ("fake", "big", "scale is 'big', expected one of small, medium, full"),
]


@pytest.mark.parametrize("name, scale, said", UNKNOWN)
def test_a_wrong_name_or_scale_gets_the_known_ones(fake, tmp_path, monkeypatch, name, scale, said):
    with pytest.raises(ValueError, match=said):
        run(name, scale, out=tmp_path)
    monkeypatch.setenv("TWICE_SCALE", scale)
    with pytest.raises(ValueError, match=said.replace("scale", "TWICE_SCALE")):
        result(name, tmp_path)


def test_an_experiment_without_that_scale_names_its_own_and_a_page_shows_what_is_stored(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="scale is 'medium', expected one of small, full for resnet50_throughput"):
        run("resnet50_throughput", "medium")
    monkeypatch.setenv("TWICE_SCALE", "medium")
    with pytest.raises(FileNotFoundError, match="not measured yet; type: twice run resnet50_throughput --scale full"):
        result("resnet50_throughput", tmp_path)


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────


def type_in(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", *words])
    return stopped.value.code, capsys.readouterr()


def test_the_command_runs_stores_and_shows(fake, tmp_path, capsys):
    status, said = type_in(capsys, "fake", "--scale", "medium", "--out", str(tmp_path), "--seed", "4")
    assert status == 0
    assert "Three parts." in said.out
    assert "seed 4" in said.out
    assert store.read(tmp_path / "fake.json").seed == 4


@pytest.mark.parametrize("words", [(), ("--list",)])
def test_the_command_lists_what_is_stored_and_what_to_type(fake, tmp_path, capsys, words):
    status, said = type_in(capsys, *words, "--out", str(tmp_path))
    assert status == 0
    assert "twice run fake --scale medium" in said.out
    run("fake", "medium", out=tmp_path)
    _, said = type_in(capsys, *words, "--out", str(tmp_path))
    assert "medium, 20" in said.out


@pytest.mark.parametrize("words", [("nothing",), ("fake", "--scale", "huge"), ("fake", "--scale", "full")])
def test_the_command_answers_a_mistake_with_a_sentence(fake, tmp_path, capsys, words):
    status, said = type_in(capsys, *words, "--out", str(tmp_path))
    assert status == 1
    assert said.out.startswith("run: ")


# ── each experiment, small ──────────────────────────────────────────────────────────────────────────────────────


def test_every_name_has_its_experiment_with_a_small_scale_and_a_larger_one():
    for name in NAMES:
        assert "small" in experiment(name).scales
        assert {"medium", "full"} & set(experiment(name).scales)
    assert [row[0] for row in listed()] == list(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in NAMES if n != "resnet50_throughput"])
def test_an_experiment_runs_end_to_end_and_repeats_itself(name, tmp_path):
    found = run(name, out=tmp_path)
    assert store.read(tmp_path / f"{name}.json") == found
    assert found.seconds > 0
    assert found.finding.endswith(".")
    for row in found.rows:
        for key, value in row.items():
            if key.endswith(("accuracy", "error")) and value is not None:
                assert 0 <= value <= 1
            assert not isinstance(value, float) or math.isfinite(value)
    again = experiment(name).measure(found.settings, Trainer(0, False))
    timed = {"seconds", "seconds_an_epoch", "numpy_seconds", "torch_seconds", "cuda_seconds"}
    assert [{k: v for k, v in row.items() if k not in timed} for row in again.rows] == [
        {k: v for k, v in row.items() if k not in timed} for row in found.rows
    ]


@pytest.mark.slow
def test_the_throughput_is_measured_for_both_models():
    found = run("resnet50_throughput")
    assert found.row(model="torchvision")["ratio"] == 1
    ours, theirs = (found.row(model=name)["images_a_second"] for name in ("twice", "torchvision"))
    assert found.row(model="twice")["ratio"] == pytest.approx(ours / theirs)
