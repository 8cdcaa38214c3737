"""Training in two processes that torchrun starts, on CPUs through gloo."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import twice
from train import together
from train.support import arrays, points
from twice.train import History, evaluate
from twice.train.feed import Arrays, Feed
from twice.train.processes import ALONE, Processes, from_environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each of the two processes has written."""
    folder = tmp_path_factory.mktemp("together")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "utils"), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*command, together.__file__, str(folder)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return [twice.load(folder / f"{rank}.npz") for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_train_what_one_trains_with_the_whole_batch(answers):
    net, history = together.train()
    for answer in answers:
        theirs = History.from_json(answer["history"])
        np.testing.assert_allclose(theirs.losses, history.losses, rtol=0, atol=1e-5)
        for name in history.columns:
            np.testing.assert_allclose(theirs[name], history[name], rtol=0, atol=1e-5, err_msg=name)
        for name, value in arrays(net.state_dict()).items():
            np.testing.assert_allclose(answer["weights"][name].array, value, rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_they_go_on_from_one_checkpoint(answers):
    assert [answer["resumed"] for answer in answers] == [True, True]


@pytest.mark.slow
def test_they_must_find_one_checkpoint(answers):
    for answer in answers:
        assert "the processes find different checkpoints at" in answer["files"]


@pytest.mark.slow
def test_they_evaluate_together(answers):
    alone = evaluate(together.train()[0], points(9, seed=1))
    for answer in answers:
        assert answer["evaluated"] == pytest.approx(alone, abs=1e-5)


@pytest.mark.slow
def test_batch_norm_is_refused_on_cpus_and_the_numpy_engine_in_company(answers):
    for answer in answers:
        assert "the model has BatchNorm and several processes train it on CPUs" in answer["norm"]
        assert "2 processes were started for a model of the NumPy engine, expected one" in answer["numpy"]


def test_the_shards_are_the_batch_of_one_process():
    x, y = points(17)
    kept = {"batch_size": 8, "dtype": np.dtype("float32"), "reseed": lambda number: None, "seed": 3, "shuffle": True}
    whole = Feed(Arrays(x, y), **kept).epoch(1)
    parts = [Feed(Arrays(x, y), **kept, rank=rank, world=3).epoch(1) for rank in range(3)]
    for step in range(3):
        (expected,), shards = whole[step].inputs, [part[step] for part in parts]
        rows = [row for shard in shards for row in shard.inputs[0][: shard.mine]]
        assert sorted(map(tuple, rows)) == sorted(map(tuple, expected))
        means = [shard.inputs[0].mean(0) * shard.weight for shard in shards]
        np.testing.assert_allclose(sum(means) / 3, expected.mean(0), rtol=1e-5)
    assert [part[2].mine for part in parts] == [1, 0, 0]
    assert [part[2].weight for part in parts] == [3, 0, 0]


def test_torchrun_is_found_by_its_environment(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert from_environment("fit") == ALONE
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert from_environment("fit") == Processes(5, 8, 1)
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(ValueError, match=r"RANK, WORLD_SIZE, LOCAL_RANK are .*'first'.*expected whole numbers"):
        from_environment("fit")
