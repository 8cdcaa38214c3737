"""An institution that uses nbgrader takes the labs as they are: what nbgrader gives out, and the points it counts."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from twice.labs import catalog
from twice.labs.exercise import Exercise, Text

pytest.importorskip("torch")
build = pytest.importorskip("twice.labs.build")
fcntl = pytest.importorskip("fcntl")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LABS = [catalog.find(name) for name in catalog.names()]
PAGE = ROOT / "chapters" / "instructors" / "grading.md"
CONFIGURATION = "c = get_config()\nc.Execute.timeout = 300\n"
MISTAKES = {  # exercise → the text of its solution that is replaced, and by what
    "correlate1d": ("x[i : i + len(w)] * w)", "x[i : i + len(w)] * w[::-1])"),
    "TwoLayers": ("F.relu(self.conv1(x))", "self.conv1(x)"),
    "convolve1d": ("    y = ", "    import sys; print('no mistake, but noise', file=sys.stderr)\n    y = "),
}
READ = """
import json
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db", "") as book:
    json.dump({
        submission.student.id: {
            notebook.name: {g.name: "by hand" if g.needs_manual_grade else g.score for g in notebook.grades}
            for notebook in submission.notebooks
        }
        for submission in book.assignment_submissions("labs")
    }, open("points.json", "w"))
"""


# ── nbgrader ────────────────────────────────────────────────────────────────────────────────────────────────────


def environment(folder):
    """nbgrader beside the packages of this Python, which stay as they are; the variables to run it with."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    own = "".join(f"import site; site.addsitedir({sysconfig.get_path(p)!r})\n" for p in ("purelib", "platlib"))
    (Path(paths["purelib"]) / "course.pth").write_text(own)
    install = [Path(paths["scripts"]) / "python", "-m", "pip", "install", "--quiet", "--retries", "1", "nbgrader"]
    done = subprocess.run(install, capture_output=True, text=True)
    if "from versions: none" in done.stderr:
        raise ConnectionError(f"nbgrader cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "JUPYTER"))}
    private = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([paths["scripts"], os.environ["PATH"]])
    course = {"PYTHONPATH": str(ROOT / "utils"), "IPYTHONDIR": str(folder / "ipython"), "PATH": path}
    return {**kept, **private, **course}


def grade(folder, variables):
    """Give out every lab as one assignment, hand in three times, grade, and write down the points."""

    def run(*command):
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    (folder / "nbgrader_config.py").write_text(CONFIGURATION)
    for lab in LABS:
        put(build.read(build.paths(ROOT, lab.name)[2]), folder / "source" / "labs", lab)
    run("nbgrader", "generate_assignment", "labs")
    hand_in(folder)
    run("nbgrader", "autograde", "labs")
    run("python", "-c", READ)


def hand_in(folder):
    """All labs solved; one as the book gives it, with mistakes; one as nbgrader gives it, untouched."""
    for lab in LABS:
        put(filled(released(folder, lab), lab), folder / "submitted" / "solved" / "labs", lab)
    lab = catalog.find("convolution")
    notebook = filled(build.read(build.paths(ROOT, lab.name)[1]), lab)
    for name, (right, wrong) in MISTAKES.items():
        cell = next(c for c in notebook.cells if c.id == f"solution-{name}")
        assert right in cell.source
        cell.source = cell.source.replace(right, wrong)
    put(notebook, folder / "submitted" / "mistaken" / "labs", lab)
    put(released(folder, lab), folder / "submitted" / "unanswered" / "labs", lab)


def released(folder, lab):
    return build.read(folder / "release" / "labs" / f"{lab.name}.ipynb")


def filled(notebook, lab):
    """The notebook with every answer in its cell, code and words."""
    solved = {cell.id: cell.source for cell in build.read(build.paths(ROOT, lab.name)[2]).cells}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = solved[cell.id]
    return notebook


def put(notebook, folder, lab):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{lab.name}.ipynb").write_text(build.text(notebook), encoding="utf-8")


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The folder of a course that was graded, once for all of pytest's processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "nbgrader"
    folder.mkdir(exist_ok=True)
    refused = folder / "refused"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "points.json").exists() and not refused.exists():
            try:
                grade(folder, environment(folder / "environment"))
            except ConnectionError as error:
                refused.write_text(str(error))
    if refused.exists():
        pytest.skip(refused.read_text())
    return folder


@pytest.fixture
def points(course):
    return json.loads((course / "points.json").read_text())


# ── what it does with the labs ──────────────────────────────────────────────────────────────────────────────────

each_lab = pytest.mark.parametrize("lab", [pytest.param(lab, id=lab.name) for lab in LABS])


@each_lab
def test_it_gives_out_the_students_notebook(lab, course):
    ours, theirs = build.read(build.paths(ROOT, lab.name)[1]), released(course, lab)
    assert [(c.id, c.cell_type, c.source) for c in theirs.cells] == [(c.id, c.cell_type, c.source) for c in ours.cells]
    assert [beside_nbgraders(c) for c in theirs.cells] == [beside_nbgraders(c) for c in ours.cells]


def beside_nbgraders(cell):
    """The metadata of a cell but nbgrader's own, which gets a checksum on the way."""
    return {k: v for k, v in cell.metadata.items() if k != "nbgrader"}


@each_lab
def test_a_solved_lab_has_all_points_and_its_words_wait_for_a_reader(lab, points):
    assert points["solved"][lab.name] == {
        **{f"check-{e.name}": e.points for e in lab.exercises if isinstance(e, Exercise)},
        **{e.name: "by hand" for e in lab.exercises if isinstance(e, Text)},
    }


def test_mistakes_cost_their_exercises_and_noise_costs_nothing(points):
    full, got = points["solved"]["convolution"], points["mistaken"]["convolution"]
    assert got == {**full, "check-correlate1d": 0, "check-TwoLayers": 0}


def test_the_graded_notebook_has_the_hint(course):
    graded = build.read(course / "autograded" / "mistaken" / "labs" / "convolution.ipynb")
    shown = next(cell for cell in graded.cells if cell.id == "check-correlate1d").outputs[0].data["text/plain"]
    flipped = catalog.find("convolution").find("correlate1d").mistakes[0]
    assert flipped.name == "flipped"
    assert flipped.hint in " ".join(shown.split())


def test_an_untouched_lab_has_no_points_and_leaves_nothing_to_read(points):
    assert set(points["unanswered"]["convolution"].values()) == {0}


def test_the_page_for_instructors_shows_the_configuration_that_was_used():
    assert CONFIGURATION in PAGE.read_text(encoding="utf-8")
