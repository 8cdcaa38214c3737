"""From a source to notebooks: the gaps, the metadata, the cell for Colab, and what is refused."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twice.labs.exercise import Case, Exercise, Lab, Mistake, Text

pytest.importorskip("jupytext")
build = pytest.importorskip("twice.labs.build")

ROOT = Path(__file__).parents[2]
ADDRESS = "https://example.org/someone/the-course"
HEAD = "---\nfile_format: mystnb\n---\n\n# A lab\n\n"
TWICE = "```{code-cell} ipython3\ndef twofold(x):\n    # BEGIN SOLUTION\n    return 2 * x\n    # END SOLUTION\n```\n\n"
CHECK = '```{code-cell} ipython3\ncheck("twofold")\n```\n\n'
WORDS = '+++ {"answer": "why"}\n\n<!-- BEGIN SOLUTION -->\nBecause.\n<!-- END SOLUTION -->\n\n+++\n\nThe end.\n'
LAB = Lab(
    "small",
    1,
    "Small",
    (
        Exercise(
            "twofold",
            "Twice",
            90,
            lambda x: 2 * x,
            lambda rng: [Case((np.ones(1),), note="one")],
            (Mistake("a", "A", lambda x: x), Mistake("b", "B", lambda x: 3 * x)),
        ),
        Text("why", "Why", 10),
    ),
)


def made(source, how=build.student):
    return how(LAB, HEAD + source, ADDRESS)


def test_solutions_become_gaps_and_stay_in_the_solved_notebook():
    student, solved = made(TWICE + CHECK + WORDS), made(TWICE + CHECK + WORDS, build.solved)
    assert student.cells[2].source == "def twofold(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert student.cells[4].source == "YOUR ANSWER HERE"
    assert "return 2 * x" in solved.cells[2].source
    assert [a.id for a in student.cells] == [b.id for b in solved.cells]
    assert [a.metadata.get("twice") for a in student.cells] == [b.metadata.get("twice") for b in solved.cells]
    assert [a.metadata.get("nbgrader") for a in student.cells] == [b.metadata.get("nbgrader") for b in solved.cells]


def test_a_student_cannot_delete_what_counts_nor_rewrite_what_checks():
    locks = {
        c.metadata.twice.role if "twice" in c.metadata else "given": (
            c.metadata.get("deletable", True), c.metadata.get("editable", True)
        )
        for c in made(TWICE + CHECK + WORDS).cells
    }  # fmt: skip
    assert locks == {
        "given": (True, True),
        "setup": (False, False),
        "solution": (False, True),
        "check": (False, False),
        "text": (False, True),
    }


def test_the_metadata_is_nbgraders_with_ours_beside_it():
    cells = made(TWICE + CHECK + WORDS).cells
    found = {c.metadata.twice.role: c.metadata for c in cells if "twice" in c.metadata}
    assert set(found) == {"setup", "solution", "check", "text"}
    for role, (grade, solution, locked) in {
        "setup": (False, False, True),
        "solution": (False, True, False),
        "check": (True, False, True),
        "text": (True, True, False),
    }.items():
        theirs = found[role].nbgrader
        assert (theirs.grade, theirs.solution, theirs.locked) == (grade, solution, locked)
        assert (theirs.schema_version, theirs.task) == (3, False)
        assert ("points" in theirs) == grade
    assert found["check"].nbgrader.grade_id == "check-twofold"
    assert found["solution"].nbgrader.grade_id == "twofold"
    assert found["check"].nbgrader.points == 90
    assert found["check"].twice == {"lab": "small", "role": "check", "exercise": "twofold"}
    ids = [c.metadata.nbgrader.grade_id for c in cells if "nbgrader" in c.metadata]
    assert len(ids) == len({*ids})


def test_the_notebook_is_valid_and_the_same_each_time():
    import nbformat

    notebook = made(TWICE + CHECK + WORDS)
    nbformat.validate(notebook)
    assert build.text(notebook) == build.text(made(TWICE + CHECK + WORDS))


def test_a_new_paragraph_leaves_the_ids_of_other_cells_as_they_were():
    before = [cell.id for cell in made(TWICE + CHECK + WORDS).cells]
    after = [cell.id for cell in made(TWICE + CHECK + "News.\n\n" + WORDS).cells]
    assert [i for i in after if i in before] == before
    assert len({*after}) == len(after)


def test_several_gaps_keep_what_stands_between_them():
    gap = "        # BEGIN SOLUTION\n        return 1\n        # END SOLUTION\n"
    gapped = build.with_gap(f"class A:\n    def f(self):\n{gap}\n    def g(self):\n{gap}", build.CODE_GAP)
    assert gapped.count("raise NotImplementedError()") == 2
    assert "def g(self):" in gapped
    compile(gapped, "<cell>", "exec")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (TWICE + WORDS, "the check of twofold is expected, the text of why came"),
        (CHECK + TWICE + WORDS, "the solution of twofold is expected, the check of twofold came"),
        (TWICE + CHECK, "the text of why is expected, no further cell came"),
        (TWICE + CHECK + CHECK + WORDS, "the text of why is expected, the check of twofold came"),
        (TWICE + CHECK.replace("twofold", "threefold") + WORDS, "speaks of 'threefold', expected one of twofold"),
        (TWICE + CHECK + WORDS.replace('"why"', '"who"'), "speaks of 'who', expected one of why"),
        (TWICE.replace("    # END SOLUTION\n", "") + CHECK + WORDS, "has no end"),
        (TWICE.replace("# END", "# BEGIN") + CHECK + WORDS, "stands where it cannot"),
        (
            TWICE.replace("twofold", "helper") + TWICE + CHECK + WORDS,
            "a solution answers no exercise: 'def helper(x):'",
        ),
        (TWICE + CHECK + WORDS + "After END SOLUTION it goes on.", "a solution answers no exercise: 'The end.'"),
        ("See {doc}`there`.\n\n" + TWICE + CHECK + WORDS, "MyST"),
        (":::{note}\nHa.\n:::\n\n" + TWICE + CHECK + WORDS, "MyST"),
    ],
)
def test_a_source_that_makes_no_lab_is_refused_in_a_sentence(source, says):
    with pytest.raises(build.BuildError, match=re.escape(says)):
        made(source)


def test_a_missing_source_is_named(tmp_path):
    (tmp_path / "_config.yml").write_text(f"repository:\n  url: {ADDRESS}\n")
    with pytest.raises(build.BuildError, match=r"its source .*small\.md is missing"):
        build.notebooks(tmp_path, LAB)


# ── the first cell ──────────────────────────────────────────────────────────────────────────────────────────────


def setup_cell():
    """That of a real lab, with another address."""
    return made(TWICE + CHECK + WORDS).cells[1].source.replace('checks("small")', 'checks("convolution")')


def run_alone(code, folder, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONSTARTUP")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env={**clean, **environment}
    )


def test_elsewhere_the_first_cell_only_makes_the_check(tmp_path):
    done = run_alone(setup_cell() + "\nprint(check, sys.path[0])", tmp_path, PATH="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lab convolution: 0 points of 100")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="a stand-in for git is a shell script")
def test_on_colab_the_first_cell_fetches_the_course_once_and_installs_nothing(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    git = tools / "git"
    git.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/said"\nmkdir the-course\nln -s "{ROOT}/utils" the-course/utils\n'
    )
    git.chmod(0o755)
    colab = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    for _ in range(2):
        code = colab + setup_cell() + "\nimport twice; print(twice.__file__)"
        done = run_alone(code, tmp_path, PATH=f"{tools}:/usr/bin:/bin")
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(tmp_path / "the-course" / "utils" / "twice" / "__init__.py")
    said = (tmp_path / "said").read_text()
    assert said == f"clone --quiet --depth=1 {ADDRESS}\n"
    assert "pip" not in setup_cell()
