"""Exercises in NumPy and in torch side by side: two kernels, one without torch, and what torch must not be used for."""

import subprocess
import sys

import pytest

from grade.handing_in import PACKAGE, answering, canonical, cell, content, solved, starter, statuses
from twice.grade import kernel, sandbox
from twice.grade.one import Grader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sandbox.obstacle() is not None, reason=f"no sandbox: {sandbox.obstacle()}"),
]


@pytest.fixture(scope="module")
def grade(tmp_path_factory):
    return Grader(canonical("engines"), tmp_path_factory.mktemp("answers"), package=PACKAGE)


@pytest.fixture
def started(monkeypatch):
    """The kinds of kernels that were started: with torch or without."""
    kinds, start = [], kernel.SandboxedKernel.__init__

    def noted(self, kind):
        kinds.append("torch" if kind.torch else "numpy")
        start(self, kind)

    monkeypatch.setattr(kernel.SandboxedKernel, "__init__", noted)
    return kinds


def test_a_solved_lab_earns_all_points_in_two_kernels(grade, started):
    assert grade(content(solved("engines")))["points"] == 100.0
    assert started == ["numpy", "torch"]


def test_torch_is_not_started_for_answers_in_numpy_alone(grade, started):
    notebook = starter("engines")
    cell(notebook, "positive")["source"] = cell(solved("engines"), "positive")["source"]
    assert statuses(grade(content(notebook))) == {"positive": "passed", "slide": "not_defined", "Affine": "not_defined"}
    assert started == ["numpy"]


def test_torch_is_absent_beside_an_exercise_in_numpy(grade):
    source = "import torch\ndef positive(x):\n    return torch.relu(torch.tensor(x)).numpy()"
    row = grade(answering("engines", positive=source))["exercises"][0]
    assert row["verdict"]["status"] == "student_error"
    assert "No module named 'torch'" in row["verdict"]["message"]


def test_an_answer_in_torch_may_use_one_in_numpy(grade):
    source = """
def slide(x, w):
    k, n = w.shape[-1], x.shape[-1] - w.shape[-1] + 1
    positive(np.ones(2))
    return (w.reshape(1, -1) @ F.unfold(x, k)).reshape(1, 1, n, n).numpy()
"""
    assert statuses(grade(answering("engines", slide=source)))["slide"] == "passed"


@pytest.mark.parametrize(
    "source",
    [
        "def slide(x, w):\n    return F.conv2d(x, w)",
        "def slide(x, w):\n    return torch.conv2d(x, w)",
        "def slide(x, w):\n    return getattr(F, 'conv' + '2d')(x, w)",
        "f = getattr(F, 'conv' + '2d')\ndef slide(x, w, f=f):\n    return f(x, w)",
        "def slide(x, w):\n    return torch.ops.aten.convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)",
        "def slide(x, w):\n    c = nn.Conv2d(1, 1, w.shape[-1], bias=False)\n    c.weight.data = w\n    return c(x)",
        "def slide(x, w):\n    return torch.conv_transpose2d(x, w.flip(2, 3), padding=w.shape[-1] - 1)",
    ],
    ids=[
        "by name",
        "by another name",
        "by a built name",
        "kept from before",
        "as an operation",
        "in a module",
        "transposed",
    ],
)
def test_convolution_does_not_answer_an_exercise_that_asks_for_it(grade, source):
    row = grade(answering("engines", slide=source))["exercises"][1]
    assert (row["points"], row["verdict"]["status"]) == (0.0, "failed")
    assert "which is what this exercise asks you to write yourself" in row["verdict"]["message"]


@pytest.mark.parametrize(
    "source, status",
    [
        ("Affine = nn.Linear", "passed"),
        ("def Affine(inputs, outputs):\n    return nn.Linear(inputs, outputs)", "passed"),
        ("class Affine(nn.Linear):\n    def forward(self, x):\n        return x @ self.weight.T", "failed"),
        ("class Affine(nn.Linear):\n    def load_state_dict(self, *a, **k):\n        pass", "failed"),
        ("def Affine(i, o):\n    return nn.Linear(i, o, bias=False)", "student_error"),
        ("class Affine:\n    def __init__(self, i, o): ...", "student_error"),
    ],
)  # fmt: skip
def test_a_module_is_built_loaded_and_called(grade, source, status):
    assert statuses(grade(answering("engines", Affine=source)))["Affine"] == status


def test_the_grader_never_imports_torch(tmp_path):
    program = f"""
import sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from grade.handing_in import *
from twice.grade.one import Grader
result = Grader(canonical("engines"), Path({str(tmp_path)!r}), package=PACKAGE)(content(solved("engines")))
print(result["points"], "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "100.0 False\n", done.stderr
