"""The bench measures what it says: ratios, shares, memory, in an environment that it settles itself."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from twice.bench import geometric_mean, report
from twice.bench.cases import CASES, Case, Engine
from twice.bench.environment import CLEARED, settings
from twice.bench.timing import Row, gemm_share, measure, peak_megabytes, side_by_side


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr("twice.bench.timing.PAUSE", 0)
    monkeypatch.setattr("twice.bench.timing.SHORTEST", 0)


USUAL = Row("x", 0.5, 0.5, gemm_share=0.5, peak_mb=1.0, ours_ms=1.0, theirs_ms=2.0, gate=1.0, counted=True, passed=True)


def row(**changes):
    return replace(USUAL, **changes)


def test_what_takes_twice_as_long_takes_twice_as_long():
    functions = {"short": lambda: time.sleep(0.01), "long": lambda: time.sleep(0.02)}
    seconds = side_by_side(functions, np.random.default_rng(0))
    assert 1.5 < seconds["long"] / seconds["short"] < 2.5


SQUARE = np.full((600, 600), 0.7)


def product():
    return np.matmul(SQUARE, SQUARE)


def powers():
    return SQUARE**1.7


def test_the_share_of_products_is_seen():
    assert gemm_share(product) > 0.8
    assert gemm_share(powers) < 0.2


def test_the_peak_counts_what_lived_at_once():
    def two_at_once():
        a = np.ones(1_000_000)
        return (a + a).sum()

    assert peak_megabytes(two_at_once) == pytest.approx(16, abs=0.5)


def test_a_case_is_measured_on_both_engines():
    def build(engine):
        x = engine.tensor(np.ones((50, 50), np.float32), True)
        return lambda: engine.F.relu(x), lambda: engine.F.relu(x).sum().backward()

    measured = measure(Case("relu", build, gate=1e9), (Engine("twice"), Engine("torch")), np.random.default_rng(0))
    assert measured.op == "relu"
    assert measured.ratio_forward > 0
    assert measured.ratio_forward_backward > 0
    assert measured.passed
    strict = measure(Case("relu", build, gate=0.0), (Engine("twice"), Engine("torch")), np.random.default_rng(0))
    assert not strict.passed


def test_the_geometric_mean_of_a_ratio_and_its_inverse_is_one():
    assert geometric_mean([0.25, 4.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "rows,met",
    [
        ([row(), row()], True),
        ([row(), row(passed=False)], False),
        ([row(ratio_forward_backward=0.96)], False),  # each within its gate, the mean above 0.95
        ([row(), row(ratio_forward_backward=50.0, counted=False)], True),
    ],
)
def test_all_bars_are_met_or_not(rows, met, capsys):
    assert report(rows, Console(width=120), whole=True) is met
    assert ("all bars are met" in capsys.readouterr().out) is met


def test_every_operation_of_the_list_has_a_bar_and_its_own_name():
    assert len({case.op for case in CASES}) == len(CASES)
    assert all(case.gate or case.forward_gate for case in CASES)
    assert sum(case.counted for case in CASES) == 19


@pytest.mark.slow
def test_the_command_settles_its_environment_and_writes_json(tmp_path):
    target = tmp_path / "bench.json"
    pinned = os.environ | {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "twice.cli", "bench", "--only", "LeNet conv 2", "--json", str(target)]
    done = subprocess.run(command, env=pinned, capture_output=True, text=True, timeout=120)
    assert "LeNet conv 2" in done.stdout, done.stdout + done.stderr
    result = json.loads(target.read_text())
    assert result["environment"]["settings"] == settings(1) | dict.fromkeys(CLEARED)
    (measured,) = result["rows"]
    assert {"op", "ratio_forward", "ratio_forward_backward", "gemm_share", "peak_mb"} <= set(measured)


def test_a_pattern_that_fits_nothing_gets_a_sentence():
    command = [sys.executable, "-m", "twice.cli", "bench", "--only", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "--only is 'nothing', expected a pattern that fits one of" in done.stdout
