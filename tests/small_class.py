"""What the tests of grading share: a toy lab, notebooks for it, and a grader that believes them.

The grader runs in other processes, which import it by name: so it lives here and not in a test.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

LAB = "toy"
POINTS = {"add": 60, "scale": 30, "bonus": 5}
POSSIBLE = 100


def cell(source, role, exercise=None, lab=LAB, kind="code", **nbgrader):
    metadata = {"twice": {"lab": lab, "role": role, **({"exercise": exercise} if exercise else {})}}
    if nbgrader:
        metadata["nbgrader"] = {"schema_version": 3, "grade": False, "locked": False, "task": False, **nbgrader}
    return {"cell_type": kind, "metadata": metadata, "source": source}


def notebook(lab=LAB, why="because", **answers):
    """A notebook of the toy lab; an answer is `right`, `wrong`, or what the grader should suffer."""
    cells = [cell("# A toy lab\n\nTwo exercises.", "setup", lab=lab, kind="markdown")]
    for name, points in POINTS.items():
        cells.append(cell(answers.get(name, "right"), "solution", name, lab, solution=True, grade_id=name))
        cells.append(cell(f"check({name!r})", "check", name, lab, grade=True, grade_id=f"check-{name}", points=points))
    cells.append(cell(why, "text", "why", lab, "markdown", grade=True, solution=True, grade_id="why", points=10))
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


CANONICAL = notebook(add="raise NotImplementedError()")


def verdict(name, status="passed", hint=None, got="2"):
    case = {"note": "small", "inputs": "x = 1", "expected": "1", "got": got, "where": ""}
    failed = status != "passed"
    message = "the values differ" if failed else ""
    return {
        "exercise": name,
        "status": status,
        "tried": ["small"],
        "message": message,
        "case": case if failed else None,
        "mistake": "doubled" if hint else None,
        "hint": hint,
    }


def result(answers=None, why="because", **more):
    """A result as `grade_one` gives it."""
    answers = {**dict.fromkeys(POINTS, "right"), **(answers or {})}
    rows = []
    for name, points in POINTS.items():
        right = answers[name] == "right"
        found = verdict(name) if right else verdict(name, "failed", "You doubled it.", answers[name])
        rows.append(
            {
                "name": name,
                "title": name.title(),
                "engine": "numpy",
                "points": float(points) if right else 0.0,
                "possible": float(points),
                "extra": name == "bonus",
                "verdict": found,
            }
        )
    return {
        "schema": 1,
        "lab": LAB,
        "canonical": hashlib.sha256(CANONICAL).hexdigest(),
        "submission": {"sha256": "", "name": ""},
        "versions": {},
        "seed": 7,
        "sandbox": "bwrap",
        "status": "graded",
        "reason": None,
        "points": sum(row["points"] for row in rows),
        "possible": 90.0,
        "seconds": 0.5,
        "exercises": rows,
        "texts": [{"name": "why", "title": "Why", "possible": 10.0, "points": None, "answer": why}],
        "notes": [],
        "fingerprint": None,
        "shingles": [],
        **more,
    }


def log(folder, what):
    """One line in a file that several processes append to."""
    with open(Path(folder) / "log", "a", encoding="utf-8") as file:
        file.write(what + "\n")


def lines(folder):
    path = Path(folder) / "log"
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def grade(content, name, folder=None, seed=7):
    """Believe the notebook; suffer what its first answer asks for."""
    cells = json.loads(content)["cells"]
    answers = {
        c["metadata"]["twice"]["exercise"]: c["source"] for c in cells if c["metadata"]["twice"]["role"] == "solution"
    }
    why = next(c["source"] for c in cells if c["metadata"]["twice"]["role"] == "text")
    asked = answers["add"]
    if folder:
        log(folder, f"begin {os.getpid()} {name}")
    if asked == "die":
        os._exit(3)
    if asked == "die once" and not (Path(folder) / "died").exists():
        (Path(folder) / "died").touch()
        os._exit(3)
    if asked == "speak and die":
        sys.stderr.write("out of luck\n")
        sys.stderr.flush()
        os._exit(4)
    if asked == "raise":
        raise RuntimeError("a fault of the grader")
    if asked == "child and wait":
        log(folder, f"child {subprocess.Popen(['sleep', '600'], start_new_session=True).pid}")
        time.sleep(600)
    if asked.startswith("sleep"):
        time.sleep(float(asked.split()[1]))
    notes = []
    if asked == "list files":  # in a child that closes nothing on purpose
        listed = subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, close_fds=False)
        notes = [line for line in listed.stdout.splitlines() if "socket:" in line]
    answers["add"] = "right" if asked in ("right", "die once") or asked.startswith("sleep") else "wrong"
    if folder:
        log(folder, f"end {os.getpid()} {name}")
    return result(
        answers, why, seed=seed, notes=notes, submission={"sha256": hashlib.sha256(content).hexdigest(), "name": name}
    )


def grader(folder=None, **options):
    return partial(grade, folder=str(folder) if folder else None, **options)


def about():
    """Versions, as an engine tells them."""
    return {"toy": "1"}


def process():
    """Versions that no two processes share."""
    return {"process": os.getpid()}


def prepared(canonical, seed, sandbox, out, folder=None, versions="1"):
    return grader(folder, seed=seed), {"sandbox": sandbox, "versions": versions}


def engine(folder=None, versions="1"):
    """The toy grader as the command asks for it."""
    from twice.grade.engine import Engine

    return Engine(partial(prepared, folder=folder, versions=versions), about)
