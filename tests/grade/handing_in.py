"""Notebooks to hand in: a lab's solution with one thing changed."""

import json
from functools import cache
from importlib import import_module
from pathlib import Path

import twice
from twice.labs import build

ADDRESS = "https://example.org/course"
LIBRARY = Path(twice.__file__).parents[1]
PACKAGE = "grade.small_labs"


@cache
def _texts(lab):
    module = import_module(f"{PACKAGE}.{lab}")
    make = (build.student, build.solved)
    return tuple(build.text(m(module.LAB, module.SOURCE, ADDRESS)) for m in make)


def canonical(lab="tiny"):
    """The bytes of the student's notebook."""
    return _texts(lab)[0].encode()


def solved(lab="tiny"):
    """The solved notebook as JSON, to change."""
    return _loaded(_texts(lab)[1])


def starter(lab="tiny"):
    return _loaded(_texts(lab)[0])


def _loaded(text):
    notebook = json.loads(text)
    for one in notebook["cells"]:
        one["source"] = "".join(one["source"])
    return notebook


def cell(notebook, name, role="solution"):
    """The cell of an exercise."""
    return next(
        c
        for c in notebook["cells"]
        if c["metadata"].get("twice", {}) | {"lab": 0} == {"lab": 0, "role": role, "exercise": name}
    )


def code(source, **metadata):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
        "id": "new",
    }


def answering(lab="tiny", **sources):
    """The solved notebook with these sources in the place of its own."""
    notebook = solved(lab)
    for name, source in sources.items():
        cell(notebook, name)["source"] = source
    return content(notebook)


def content(notebook):
    return json.dumps(notebook).encode()


def statuses(result):
    return {row["name"]: row["verdict"]["status"] for row in result["exercises"]}


def table(name):
    """Answers from a file, by what they are, each with the statuses that may come of it."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8").replace("LIBRARY", str(LIBRARY))
    rows = (part.partition("\n") for part in text.split("\n=== ")[1:])
    titles = ((title.rpartition(": "), source) for title, _, source in rows)
    return {name: (source, set(expected.split())) for (name, _, expected), source in titles}
