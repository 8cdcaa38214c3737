"""The execution cache follows the code."""

import pytest

pytest.importorskip("sphinx")

from twice.book import fingerprint
from twice.book.fingerprint import digest, ingredients


@pytest.fixture
def package(tmp_path):
    for name in ("twice/kernels/conv.py", "twice/nn/conv.py", "constraints.txt", "chapters/results/lenet.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path / "twice"


@pytest.mark.parametrize(
    ("changed", "code", "again"),
    [
        ("twice/kernels/conv.py", "conv(x)", True),
        ("twice/nn/conv.py", "conv(x)", False),
        ("twice/nn/conv.py", "!twice doctor", True),
        ("twice/nn/conv.py", "import subprocess", True),
        ("constraints.txt", "conv(x)", True),
        ("chapters/results/lenet.json", "conv(x)", False),
        ("chapters/results/lenet.json", "from twice.runs import result", True),
        ("chapters/results/lenet.json", 'result("lenet")', True),
    ],
)
def test_a_page_runs_again_when_what_it_saw_changes(package, changed, code, again):
    root = package.parent

    def made_from():
        return digest(ingredients(["kernels/conv.py"], code, root, package))

    before = made_from()
    (root / changed).write_text("x = 2\n")
    assert (made_from() != before) == again


def test_a_renamed_or_missing_file_counts(package):
    file = package / "kernels" / "conv.py"
    before = digest([file])
    file.rename(package / "kernels" / "convolution.py")
    assert len({before, digest([file]), digest([package / "kernels" / "convolution.py"])}) == 3


def test_the_python_version_counts(monkeypatch):
    before = digest([])
    monkeypatch.setattr(fingerprint.sys, "version_info", (3, 99, 0))
    assert digest([]) != before


def test_a_new_result_counts(package):
    before = digest(ingredients([], "results", package.parent, package))
    (package.parent / "chapters" / "results" / "vgg.json").write_text("{}")
    assert digest(ingredients([], "results", package.parent, package)) != before
