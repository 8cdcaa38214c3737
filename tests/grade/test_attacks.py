"""What a submission may try: each is the lab's solution with one thing changed, and gets the points that it earns."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from grade.handing_in import PACKAGE, answering, canonical, cell, code, content, solved, starter, statuses, table
from twice.grade import sandbox
from twice.grade.one import Grader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sandbox.obstacle() is not None, reason=f"no sandbox: {sandbox.obstacle()}"),
]
NAMES = ("total", "scale", "spread", "clipped")


@pytest.fixture(scope="module")
def grade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    return Grader(canonical(), folder, package=PACKAGE, cell_seconds=2.0)


def function(body, head=""):
    """An answer to `total` with this body; `head` stands before it."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    return f"{head}\ndef total(x):\n{lines}\n"


ATTACKS, ODDITIES = table("attacks.txt"), table("oddities.txt")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_nothing_and_costs_the_others_nothing(grade, name):
    source, expected = ATTACKS[name]
    result = grade(answering(total=source), name)
    found = statuses(result)
    assert found["total"] in expected, result["exercises"][0]["verdict"]
    assert [found[other] for other in NAMES[1:]] == ["passed"] * 3, result["exercises"]
    assert (result["points"], result["possible"]) == (70.0, 100.0)
    json.dumps(result)


def test_nothing_can_be_found_on_disk(grade):
    look = function(
        """
import os
words = ("expected", "mistake", "rebuilt", "solution", ".ipynb", "answers", "tiny", "kernels", "passwd", "ssh")
skipped = ("proc", "sys", "usr", "dev", "site-packages", "lib")
found, seen = [], 0
for folder, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if f not in skipped]
    found += [os.path.join(folder, n) for n in names + folders if any(w in n for w in words)]
    seen += len(names)
raise ValueError(found, seen > 10)
"""
    )
    verdict = grade(answering(total=look))["exercises"][0]["verdict"]
    assert verdict["message"] == "ValueError: ([], True)"


def test_no_connection_leaves_the_sandbox(grade):
    listener = socket.create_server(("127.0.0.1", 0))
    reached = []
    threading.Thread(target=lambda: reached.append(listener.accept()), daemon=True).start()
    try:
        address = ("127.0.0.1", listener.getsockname()[1])
        body = f"import socket\nsocket.create_connection({address}, 1)\nreturn float(x.sum())"
        assert statuses(grade(answering(total=function(body))))["total"] == "student_error"
    finally:
        listener.close()
    assert reached == []


def test_poison_left_behind_does_not_reach_the_kernel_that_follows(grade):
    poison = """
import os
os.makedirs(os.path.expanduser("~/.ipython/profile_default/startup"), exist_ok=True)
for path in ("~/.ipython/profile_default/startup/a.py", "numpy.py", "/tmp/numpy.py", "sitecustomize.py"):
    open(os.path.expanduser(path), "w").write("import os; os._exit(1)")
def total(x):
    os._exit(1)
"""
    result = grade(answering(total=poison))
    assert list(statuses(result).values()) == ["student_error", "passed", "passed", "passed"]


def test_walls_hold_where_the_grader_is_not_root(tmp_path):
    names = ("writing to the root", "filling the folder of the sockets", "fifty child processes", "killing the parent")
    program = f"""
import sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from grade.handing_in import *
from twice.grade.one import Grader
grade = Grader(canonical(), Path({str(tmp_path)!r}), package=PACKAGE)
attacks = table("attacks.txt")
print([grade(content(solved()))["points"], *(grade(answering(total=attacks[n][0]))["points"] for n in {names!r})])
"""
    nobody = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    user = nobody if os.geteuid() == 0 else []
    done = subprocess.run([*user, sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[90.0, 70.0, 70.0, 70.0, 70.0]\n", done.stderr


def test_files_around_the_grader_change_nothing(grade, tmp_path, monkeypatch):
    for name in ("conftest.py", "numpy.py", "sitecustomize.py", "torch.py"):
        (tmp_path / name).write_text("raise SystemExit(1)")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert grade(content(solved()))["points"] == 90.0
    assert sorted(os.listdir(tmp_path)) == ["conftest.py", "numpy.py", "pytest.ini", "sitecustomize.py", "torch.py"]


# ── the notebook around the answers ─────────────────────────────────────────────────────────────────────────────

WRONG_TOTAL = "def total(x):\n    return 0.0\n"


def without_checks(notebook):
    notebook["cells"] = [c for c in notebook["cells"] if c["metadata"].get("twice", {}).get("role") != "check"]


def edited_check(notebook):
    cell(notebook, "total", "check")["source"] = "print('passed')"


def doubled_check(notebook):
    notebook["cells"] += [cell(notebook, "scale", "check")] * 5


def reversed_cells(notebook):
    notebook["cells"].reverse()


def points_in_metadata(notebook):
    for c in notebook["cells"]:
        c["metadata"].get("nbgrader", {})["points"] = 1000
        c["metadata"].get("nbgrader", {})["locked"] = False


def solution_that_says_it_is_a_check(notebook):
    mine = cell(notebook, "total")
    mine["metadata"]["twice"]["role"] = "check"
    mine["metadata"]["nbgrader"].update(grade=True, points=100)


def tags(notebook):
    for c in notebook["cells"]:
        c["metadata"]["tags"] = ["nbval-skip", "skip", "raises-exception", "nbval-ignore-output", "skip-execution"]


def markers(notebook):
    lines = [
        "NBVAL_SKIP",
        "NBVAL_IGNORE_OUTPUT",
        "NBVAL_RAISES_EXCEPTION",
        "NBVAL_CHECK_OUTPUT",
        "PYTEST_VALIDATE_IGNORE_OUTPUT",
    ]
    cell(notebook, "total")["source"] = "".join(f"# {line}\n" for line in lines) + WRONG_TOTAL
    cell(notebook, "total", "check")["source"] = "".join(f"# {line}\n" for line in lines)


def saved_outputs(notebook):
    for c in notebook["cells"]:
        if c["cell_type"] == "code":
            c["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "✓ total: right"}]
            c["execution_count"] = 1


def kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "Bash", "language": "bash"}


def id_of_another_exercise(notebook):
    cell(notebook, "total")["metadata"]["nbgrader"]["grade_id"] = "scale"


EDITS = (
    *(
        without_checks,
        edited_check,
        doubled_check,
        reversed_cells,
        points_in_metadata,
        solution_that_says_it_is_a_check,
    ),
    *(tags, markers, saved_outputs, kernel),
)


@pytest.mark.parametrize("edit", EDITS)
def test_edits_around_a_wrong_answer_change_nothing(grade, edit):
    notebook = solved()
    cell(notebook, "total")["source"] = WRONG_TOTAL
    edit(notebook)
    result = grade(content(notebook))
    assert list(statuses(result).values()) == ["failed", "passed", "passed", "passed"]
    assert result["points"] == 70.0


def test_one_answer_does_not_count_for_another(grade):
    notebook = solved()
    id_of_another_exercise(notebook)
    assert statuses(grade(content(notebook)))["total"] == "passed"  # it still defines `total`, and is no `scale`
    assert statuses(grade(content(notebook)))["scale"] == "passed"


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\ndef clipped(x):\n    return np.clip(x, 0, None)",
        "from numpy import clip as c\ndef clipped(x):\n    return c(x, 0, None)",
        "import numpy\nf = numpy.clip\ndef clipped(x):\n    return f(x, 0, None)",
        "def clipped(x):\n    return getattr(np, 'cl' + 'ip')(x, 0, None)",
        "def clipped(x):\n    return vars(np)['cl' + 'ip'](x, 0, None)",
        "def helper(x):\n    return np.clip(x, 0, None)\ndef clipped(x):\n    return helper(x)",
    ],
)
def test_what_is_forbidden_earns_nothing_and_says_so(grade, source):
    row = grade(answering(clipped=source))["exercises"][3]
    assert (row["points"], row["verdict"]["status"]) == (0.0, "failed")
    assert "which is what this exercise asks you to write yourself" in row["verdict"]["message"]


def test_a_detour_to_what_is_forbidden_is_shown_to_the_instructor(grade):
    result = grade(answering(clipped="f = getattr(np, 'cl' + 'ip')\ndef clipped(x, f=f):\n    return f(x, 0, None)"))
    assert result["status"] == "needs_review"
    assert "getattr" in result["reason"]


@pytest.mark.parametrize(
    "bytes_in, reason",
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[1, 2]", "no cells"),
        (b'{"cells": 3}', "no cells"),
        (b"\xff\xfe\xfa", "UTF-8"),
        (b'{"a":' * 100_000, "not JSON"),
        (b'{"cells": [' + b"[" * 100_000, "not JSON"),
        (b" " * (20 * 2**20 + 1), "20 MB"),
        (b'{"cells": [' + b"{}," * 6000 + b"{}]}", "cells"),
        (b"\x80\x04\x95", "UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_notebook_is_refused_with_the_reason(grade, bytes_in, reason):
    result = grade(bytes_in, "someone")
    assert result["status"] == "refused"
    assert reason in result["reason"]
    assert result["points"] == 0.0


def test_a_submission_has_a_time_as_a_whole(tmp_path):
    grader = Grader(canonical(), tmp_path, package=PACKAGE, cell_seconds=2.0, seconds=1.0)
    result = grader(answering(total=function("while True: pass")))
    assert result["status"] == "killed"
    assert result["points"] == 0.0
    assert {row["verdict"]["status"] for row in result["exercises"]} == {"timeout"}


def test_the_starter_earns_nothing_and_starts_no_kernel(grade):
    result = grade(content(starter()))
    assert set(statuses(result).values()) == {"not_defined"}
    assert result["points"] == 0.0


# ── honest oddities keep their points ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ODDITIES)
def test_honest_oddities_keep_their_points(grade, name):
    result = grade(answering(total=ODDITIES[name][0]))
    assert statuses(result) == dict.fromkeys(NAMES, "passed"), result["exercises"]
    assert (result["points"], result["status"]) == (90.0, "graded")


def helper_in_an_extra_cell(notebook):
    cell(notebook, "total")["source"] = "def total(x):\n    return helper(x)"
    notebook["cells"].insert(2, code("import math\ndef helper(x):\n    return math.fsum(x.ravel())\n\nprint(1/0)"))


def restarted_numbers(notebook):
    for number, c in enumerate(notebook["cells"][::-1]):
        c["execution_count"] = number


def two_answers(notebook):
    notebook["cells"].insert(3, {**cell(notebook, "total"), "source": WRONG_TOTAL})


def starter_copied_behind(notebook):
    notebook["cells"].append(cell(starter(), "total"))


def lost_metadata(notebook):
    for c in notebook["cells"]:
        c["metadata"] = {}


def answer_in_another_cell(notebook):
    mine = cell(notebook, "total")
    notebook["cells"].append(code(mine["source"]))
    mine["source"] = cell(starter(), "total")["source"]


def windows_lines(notebook):
    for c in notebook["cells"]:
        c["source"] = c["source"].replace("\n", "\r\n")


def lists_of_lines(notebook):
    for c in notebook["cells"]:
        c["source"] = c["source"].splitlines(keepends=True)


def format_3(notebook):
    for c in notebook["cells"]:
        if c["cell_type"] == "code":
            c["input"] = c.pop("source")
    notebook["worksheets"] = [{"cells": notebook.pop("cells")}]
    notebook["nbformat"] = 3


def edited_import(notebook):
    imports = next(c for c in notebook["cells"] if c["source"] == "import numpy as np")
    imports["source"] = "import numpy as np, math\nimport not_installed"
    cell(notebook, "total")["source"] = "def total(x):\n    return math.fsum(np.ravel(x))"


ODD = (
    *(helper_in_an_extra_cell, restarted_numbers, two_answers, starter_copied_behind, lost_metadata, kernel, tags),
    *(
        answer_in_another_cell,
        windows_lines,
        lists_of_lines,
        format_3,
        edited_import,
        saved_outputs,
        without_checks,
        reversed_cells,
    ),
)


@pytest.mark.parametrize("edit", ODD)
def test_honest_odd_notebooks_keep_their_points(grade, edit):
    notebook = solved()
    edit(notebook)
    result = grade(content(notebook))
    assert statuses(result) == dict.fromkeys(NAMES, "passed"), result["exercises"]


def test_a_mark_at_the_beginning_of_the_file_is_no_matter(grade):
    assert grade(b"\xef\xbb\xbf" + content(solved()))["points"] == 90.0


def test_results_are_the_same_twice(grade):
    first, second = (grade(content(solved()), "me") for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
