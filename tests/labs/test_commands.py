"""`twice lab …`, as students and authors type it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")
pytest.importorskip("nbclient")

from twice import cli
from twice.labs import build, catalog, commands, scaffold

ROOT = Path(__file__).parents[2]


def run(capsys, *words):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["lab", *map(str, words)])
    said = capsys.readouterr()
    return stopped.value.code or 0, said.out, said.err


def test_list_names_every_lab(capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert all(name in out for name in catalog.names())


def test_open_copies_the_notebook_once(capsys, tmp_path):
    for _ in range(2):
        status, out, _ = run(capsys, "open", "convolution", "--folder", tmp_path / "mine", "--no-jupyter")
        assert status == 0
        assert "convolution.ipynb" in out
        copy = tmp_path / "mine" / "convolution.ipynb"
        copy.write_text(copy.read_text(encoding="utf-8") + " ", encoding="utf-8")
    original = (ROOT / "labs" / "convolution.ipynb").read_text(encoding="utf-8")
    assert copy.read_text(encoding="utf-8") == original + "  "


@pytest.mark.parametrize("words", [("open", "knitting", "--no-jupyter"), ("build", "knitting")])
def test_an_unknown_lab_is_said_in_a_sentence(capsys, words):
    status, _, err = run(capsys, *words)
    assert status == 1
    assert "there is no lab 'knitting', expected one of convolution" in " ".join(err.split())
    assert "Traceback" not in err


def test_check_refuses_what_is_no_notebook_of_a_lab(capsys, tmp_path):
    broken, other = tmp_path / "broken.ipynb", tmp_path / "other.ipynb"
    broken.write_text("{")
    other.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    for path, says in ((tmp_path / "none.ipynb", "is no file"), (broken, "is no notebook"), (other, "no lab ''")):
        status, _, err = run(capsys, "check", path)
        assert status == 1
        assert says in " ".join(err.split())


@pytest.mark.slow
def test_check_counts_the_points_of_a_notebook_half_done(capsys, tmp_path):
    notebook = build.read(ROOT / "labs" / "convolution.ipynb")
    answers = {
        "correlate1d": "def correlate1d(x, w):\n    return np.lib.stride_tricks.sliding_window_view(x, len(w)) @ w",
        "input_size": "mine, check = check, print",
        "correlate2d": "check = mine",
        "output_size": "def output_size(n, f, s=1, p=0):\n    return (n + 2 * p - f) // s",
    }
    notebook.cells = [c for c in notebook.cells if c.metadata.get("twice", {}).get("exercise") != "pad1d"]
    for cell in notebook.cells:
        ours = cell.metadata.get("twice", {})
        if ours.get("role") == "solution" and ours.exercise in answers:
            cell.source = answers[ours.exercise]
    path = tmp_path / "mine.ipynb"
    path.write_text(build.text(notebook), encoding="utf-8")
    before = path.read_bytes()
    seen = []
    lines = {line.title: line for line in commands.checked(path, lambda cell, cells: seen.append((cell, cells)))}
    assert path.read_bytes() == before
    assert seen[-1][0] < seen[-1][1] == len(notebook.cells)
    assert (lines["A kernel slides along a line"].points, lines["A kernel slides along a line"].said) == (8, "right")
    assert "is 4, expected 5" in lines["How many numbers come out"].said
    assert lines["How many numbers come out"].points == 0
    assert "not written yet" in lines["A memory that fades"].said
    assert (lines["The way back"].points, lines["The way back"].said) == (0, "its check did not run")
    assert "missing" in lines["What lies beyond the ends"].said
    assert sum(line.points for line in lines.values()) == 8


# ── a new lab ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Knitting", "1st", "a b", "../up", "judge", "convolution"])
def test_new_refuses_names_that_are_none_or_taken(name):
    before = sorted((ROOT / "labs" / "source").iterdir())
    with pytest.raises(commands.LabError, match="expected"):
        scaffold.new(name, ROOT)
    assert sorted((ROOT / "labs" / "source").iterdir()) == before


@pytest.mark.slow
def test_a_new_lab_is_built_and_passes_its_tests_at_once(tmp_path):
    shutil.copytree(ROOT / "utils", tmp_path / "utils", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "tests" / "labs", tmp_path / "tests" / "labs")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "labs" / "source").mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "utils")}

    def said(*words):
        done = subprocess.run(
            [sys.executable, "-m", *words], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "knitting" in said("twice.cli", "lab", "new", "knitting")
    assert "2 files changed" in said("twice.cli", "lab", "build", "knitting")
    tests = said(
        "pytest", "-q", "-p", "no:cacheprovider", "tests/labs/test_every_lab.py", "-k", "knitting and not passes_nbval"
    )
    assert " passed" in tests
    assert "failed" not in tests
