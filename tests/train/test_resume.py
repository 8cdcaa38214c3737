"""A run that ended anywhere and is started again ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import twice
from train import interrupted
from train.support import ENGINES, NAMES, assert_same_bits, model_of, perceptron, points
from twice.train import fit
from twice.train.numpy_engine import NumpyEngine

pytestmark = pytest.mark.slow

both = pytest.mark.parametrize("engine", ENGINES, ids=NAMES)
ROOT = Path(__file__).parents[2]


@both
@pytest.mark.parametrize("every", [1, 3])
def test_an_error_in_any_step_changes_nothing(engine, every, tmp_path):
    whole, state = interrupted.run(engine, tmp_path / "whole.npz", every)
    assert len(whole) == interrupted.EPOCHS
    for step in range(interrupted.STEPS * interrupted.EPOCHS):
        path = tmp_path / f"{step}.npz"
        with pytest.raises(interrupted.Stop):
            interrupted.run(engine, path, every, stop_at=step)
        again, same = interrupted.run(engine, path, every)
        assert again == whole, f"stopped in step {step}"
        assert_same_bits(same, state)
        assert_same_bits(without_time(twice.load(path)), without_time(twice.load(tmp_path / "whole.npz")))


def without_time(saved):
    """Everything in a checkpoint but the seconds: weights, best weights, buffers, optimiser, schedule, history."""
    history = {name: value for name, value in saved["state"]["history"].items() if name != "seconds"}
    place = {name: value for name, value in saved["state"]["place"].items() if name != "seconds"}
    return saved | {"state": saved["state"] | {"history": history, "place": place}}


@pytest.mark.slow
@both
def test_a_run_that_is_killed_again_and_again_ends_the_same(engine, tmp_path):
    whole, state = interrupted.run(engine, tmp_path / "whole.npz", 2)
    path, rng = tmp_path / "run.npz", np.random.default_rng()
    first = int(rng.integers(interrupted.STEPS * interrupted.EPOCHS))
    left = interrupted.STEPS * interrupted.EPOCHS - first // 2 * 2  # steps after the last checkpoint
    stops = [first, int(rng.integers(left))]
    for stop in stops:
        assert start(engine, path, stop).returncode == -signal.SIGKILL
    again, same = interrupted.run(engine, path, 2)
    assert again == whole, f"killed in steps {stops}"
    assert_same_bits(same, state)


def start(engine, path, stop):
    """The run in a process of its own, which dies without a word in the middle of step `stop`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "utils"), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "train.interrupted", engine.__name__, str(path), "2", str(stop)]
    return subprocess.run(command, env=environment, check=False)


def test_a_process_that_dies_while_it_writes_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    whole, state = interrupted.run(twice, tmp_path / "whole.npz", 1)
    replace, writes = os.replace, []

    def dying(source, target):
        writes.append(target)
        if len(writes) == 3:
            shutil.copy(source, tmp_path / ".run.npz.1.part")  # as a killed process leaves it
            raise interrupted.Stop
        replace(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(interrupted.Stop):
        interrupted.run(twice, path, 1)
    monkeypatch.undo()
    again, same = interrupted.run(twice, path, 1)
    assert again == whole
    assert_same_bits(same, state)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.npz", "whole.npz"]


@both
def test_a_run_that_has_ended_is_not_trained_again_but_goes_on_to_more_epochs(engine, tmp_path):
    path, data = tmp_path / "run.npz", points()
    whole, short = model_of(engine), model_of(engine)
    expected = fit(whole, data, epochs=4)
    first = fit(short, data, epochs=2, checkpoint=path)
    written = path.stat().st_mtime_ns
    fresh = model_of(engine)
    fresh[0].weight.data.zero_()
    assert fit(fresh, data, epochs=2, checkpoint=path) == first
    assert path.stat().st_mtime_ns == written
    assert_same_bits(dict(fresh.state_dict()), dict(short.state_dict()))
    assert fit(fresh, data, epochs=4, checkpoint=path) == expected
    assert_same_bits(dict(fresh.state_dict()), dict(whole.state_dict()))
    with pytest.raises(ValueError, match="has done 4 epochs, expected at most epochs=3"):
        fit(fresh, data, epochs=3, checkpoint=path)


@both
def test_resume_false_begins_anew(engine, tmp_path):
    path, data = tmp_path / "run.npz", points()
    first = fit(model_of(engine), data, epochs=2, checkpoint=path)
    again = fit(model_of(engine), data, epochs=2, checkpoint=path, resume=False)
    assert again == first
    assert len(again.losses) == len(first.losses)


def test_losses_that_are_read_late_are_the_same(tmp_path, monkeypatch):
    whole, state = interrupted.run(twice, tmp_path / "whole.npz", 1)
    monkeypatch.setattr(NumpyEngine, "lag", 5)  # as on a GPU, where to read is to wait
    late, same = interrupted.run(twice, tmp_path / "late.npz", 4)
    assert late == whole
    with pytest.raises(interrupted.Stop):
        interrupted.run(twice, tmp_path / "run.npz", 4, stop_at=6)
    again, _ = interrupted.run(twice, tmp_path / "run.npz", 4)
    assert again == whole
    assert_same_bits(same, state)


SCHEDULES = {
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 2, 5]),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=12),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 3), s.MultiStepLR(o, [1, 4])], [4]),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3),
}


@both
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_where_it_stood(engine, name, tmp_path):
    def train(path, stop_at=None):
        def augment(x, rng):
            steps.append(0)
            if len(steps) == stop_at:
                raise interrupted.Stop
            return x

        steps = []
        return fit(
            model_of(engine), points(), epochs=4, batch_size=16, checkpoint=path, checkpoint_steps=1, augment=augment,
            schedule=lambda optimizer: SCHEDULES[name](engine.optim.lr_scheduler, optimizer), schedule_every="step",
        )  # fmt: skip

    whole = train(tmp_path / "whole.npz")
    for stop in (2, 7):
        path = tmp_path / f"{stop}.npz"
        with pytest.raises(interrupted.Stop):
            train(path, stop)
        assert train(path) == whole
    assert len(set(whole.rates)) > 1


# ── which checkpoint ────────────────────────────────────────────────────────────────────────────────────────────

OTHERS = [
    ({"seed": 1}, "seed is 0 there, 1 here"),
    ({"batch_size": 8}, "batch_size is 16 there, 8 here"),
    ({"data": points(39)}, "data is .*40 × 6.* there, .*39 × 6.* here"),
    ({"data": points(seed=1)}, "data is .* there"),
    ({"validation": points()}, "validation is null there"),
    ({"optimizer": lambda p: twice.optim.SGD(p, lr=0.5, momentum=0.9)}, r'"lr": 0.01.* there, .*"lr": 0.5.* here'),
    ({"schedule": lambda o: twice.optim.lr_scheduler.StepLR(o, 1)}, "schedule is null there"),
    ({"clip_norm": 1.0}, "clip_norm is null there, 1.0 here"),
    ({"transform": np.negative}, 'transform is null there, "negative" here'),
    ({"metrics": ()}, r'metrics is {"accuracy": "accuracy"} there, {} here'),
    ({"model": perceptron(twice.nn, norm=True)}, "model is .*4 tensors.* there, .*9 tensors.* here"),
]


@pytest.mark.parametrize("options, sentence", OTHERS)
def test_the_checkpoint_of_another_run_is_refused(options, sentence, tmp_path):
    path = tmp_path / "run.npz"
    usual = {"model": perceptron(twice.nn), "data": points(), "epochs": 1, "batch_size": 16, "checkpoint": path}
    fit(**usual)
    kept = path.read_bytes()
    with pytest.raises(ValueError, match=f"of another run .*{sentence}"):
        fit(**usual | options)
    assert path.read_bytes() == kept


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    twice.save({"a": twice.zeros(3)}, tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"run.npz holds something else, expected a run"):
        fit(perceptron(twice.nn), points(), checkpoint=tmp_path / "run.npz")


def test_a_folder_holds_the_run(tmp_path):
    fit(perceptron(twice.nn), points(), epochs=1, checkpoint=tmp_path / "new" / "folder")
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["run.npz"]


@both
def test_it_is_written_after_so_many_steps_or_seconds(engine, tmp_path, monkeypatch):
    from twice.train import checkpoint

    def count(**options):
        seen = []
        write = lambda path, about, state: seen.append((state["place"]["epoch"], state["place"]["step"]))
        monkeypatch.setattr(checkpoint, "write", write)
        fit(model_of(engine), points(), epochs=2, batch_size=10, checkpoint=tmp_path / "run.npz", **options)
        return seen

    assert count() == [(2, 0)]
    assert count(checkpoint_steps=3) == [(0, 3), (1, 2), (2, 0)]
    assert set(count(checkpoint_seconds=1e-9)) == {(e, s) for e in (0, 1) for s in range(1, 5)} | {(1, 0), (2, 0)}
