"""What a measurement depends on is recorded, and said in one line."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from twice import machine

FACTS = {"processor": "A chip", "threads": 1, "numpy": "2.4", "torch": "2.15", "python": "3.11", "date": "2026-01-31"}


def test_the_facts_are_this_machines_and_fit_into_json(monkeypatch):
    monkeypatch.setenv("A_SETTING", "x")
    facts = machine.environment(settings=["A_SETTING", "ANOTHER"])
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["python"], facts["numpy"]) == (platform.python_version(), np.__version__)
    assert facts["settings"] == {"A_SETTING": "x", "ANOTHER": None}
    assert 1 <= facts["cores"] <= os.cpu_count()
    assert machine.environment(threads=7)["threads"] == 7


def test_torchs_threads_are_those_that_torch_has():
    torch = pytest.importorskip("torch")
    assert machine.environment()["threads"] == torch.get_num_threads()
    assert machine.environment()["torch"] == torch.__version__


def test_without_torch_the_threads_are_the_products():
    pytest.importorskip("threadpoolctl")
    script = "from twice import machine; import sys; print(machine.environment()['threads'], 'torch' in sys.modules)"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]


def test_the_line_says_what_is_known_and_nothing_else():
    assert machine.described(FACTS) == "A chip, 1 thread, NumPy 2.4, PyTorch 2.15, Python 3.11, 2026-01-31"
    known = {**FACTS, "torch": None, "threads": 2, "gpu": "A GPU", "processor": "", "machine": "x86_64"}
    assert machine.described(known) == "A GPU, x86_64, 2 threads, NumPy 2.4, Python 3.11, 2026-01-31"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_the_peak_of_memory_grows_with_what_is_held():
    script = "from twice.machine import peak_megabytes as p; a = p(); x = b'1' * 200_000_000; print(p() - a)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 180 < float(done.stdout) < 220
