import json

import nbformat
import pytest

from grade.handing_in import canonical, cell, code, content, solved, starter
from twice.grade import rebuild
from twice.grade.archive import Refused

LAB = rebuild.canonical(canonical())


def rebuilt(notebook):
    return rebuild.rebuild(LAB, content(notebook))


def sources(found, role):
    return [c.source for c in found.cells if c.role == role]


def test_points_come_from_the_canonical_notebook():
    assert LAB.points == {"total": 20, "scale": 30, "spread": 20, "clipped": 20, "why": 10}
    assert LAB.lab == "tiny"


def test_a_solved_notebook_is_rebuilt_in_the_order_of_the_lab():
    found = rebuilt(solved())
    roles = [(c.role, c.exercise) for c in found.cells if c.role != "helper"]
    names = ("total", "scale", "spread", "clipped")
    assert roles == [("setup", ""), *((role, name) for name in names for role in ("solution", "check"))]
    assert sources(found, "check") == [f'check("{name}")' for name in names]
    assert found.answered == {*names}
    assert (found.texts, found.notes) == ({"why": "BEGIN SOLUTION\nBecause.\nEND SOLUTION"}, ())


def test_an_untouched_notebook_answers_nothing():
    found = rebuilt(starter())
    assert (found.answered, found.texts, found.notes, found.shingles) == (frozenset(), {"why": ""}, (), ())


def test_spaces_at_the_ends_of_lines_answer_nothing():
    notebook = starter()
    for one in notebook["cells"]:
        one["source"] = one["source"].replace("\n", "  \n") + "\n\n"
    assert rebuilt(notebook).answered == frozenset()


def test_edited_checks_and_cells_of_the_student_are_not_run():
    notebook = solved()
    cell(notebook, "total", "check")["source"] = "hacked"
    cell(notebook, "", "setup")["source"] = "hacked"
    notebook["cells"].insert(1, code("hacked()"))
    assert not any("hacked" in c.source for c in rebuilt(notebook).cells)


def test_of_the_lab_s_own_cells_only_definitions_that_are_used_are_run():
    assert sources(rebuilt(solved()), "helper") == ["import numpy as np", "def given_half(x):\n    return x / 2"]


def test_a_helper_keeps_its_place():
    notebook = solved()
    at = notebook["cells"].index(cell(notebook, "scale")) + 1
    cell(notebook, "scale")["source"] = "def scale(x, k):\n    return late(x) * k"
    notebook["cells"].insert(at, code("def late(x):\n    return x"))
    roles = [c.source if c.role == "helper" else c.role + c.exercise for c in rebuilt(notebook).cells]
    place = roles.index("def late(x):\n    return x")
    assert roles[place - 1 : place + 2 : 2] == ["solutionscale", "checkscale"]


def test_the_last_of_several_answers_counts_and_is_noted():
    notebook = solved()
    notebook["cells"].append({**cell(notebook, "total"), "source": "total = 3"})
    notebook["cells"].append(cell(starter(), "total"))
    found = rebuilt(notebook)
    assert sources(found, "solution")[0] == "total = 3"
    assert found.notes == ("Several cells answer total; the last one counts.",)


def test_an_answer_without_its_id_is_known_by_what_it_defines():
    notebook = solved()
    cell(notebook, "spread")["metadata"] = {}
    found = rebuilt(notebook)
    assert "spread" in found.answered
    assert found.notes == ("The cell that answers spread has lost its id; it was known by what it defines.",)


def test_an_answer_that_is_no_code_is_noted():
    notebook = solved()
    cell(notebook, "total")["cell_type"] = "markdown"
    found = rebuilt(notebook)
    assert "total" not in found.answered
    assert found.notes == ("The cell that answers total is not a code cell, so nothing is in it to run.",)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(metadata=None),
        lambda c: c.update(metadata=[1]),
        lambda c: c["metadata"].update(nbgrader="x", twice=3),
        lambda c: c["metadata"].update(nbgrader={"grade_id": {"a": 1}}),
        lambda c: c.update(source=None),
        lambda c: c.update(source=[1, None, {}]),
        lambda c: c.update(source={"a": 1}),
        lambda c: c.pop("cell_type"),
    ],
)
def test_cells_of_any_content_are_read(change):
    notebook = solved()
    change(cell(notebook, "total"))
    notebook["cells"] += [None, 3, "x", []]
    assert {"scale", "spread", "clipped"} <= rebuilt(notebook).answered


def test_the_rebuilt_notebook_is_one():
    made = nbformat.reads(rebuilt(solved()).notebook(), as_version=4)
    nbformat.validate(made)
    assert all(set(c.metadata) == {"twice"} for c in made.cells)


def test_too_much_is_refused():
    with pytest.raises(Refused, match="20 MB"):
        rebuild.rebuild(LAB, b" " * (20 * 2**20 + 1))
    with pytest.raises(Refused, match="at most 5000"):
        rebuild.rebuild(LAB, json.dumps({"cells": [code("")] * 5001}).encode())


def test_copies_are_alike_but_for_names_and_spaces():
    source = "def f(x):\n    total = 0\n    for value in x.ravel():\n        total += value  # sum\n    return total\n"
    copy = "def f(x):\n    t = 0\n    for v in  x.ravel():\n\n        t += v\n    return t"
    other = "def f(x):\n    t = 1\n    while t < x.size:\n        t *= 2\n    return t"
    assert rebuild.likeness(source) == rebuild.likeness(copy)
    assert rebuild.likeness(source)[0] != rebuild.likeness(other)[0]
    own, others = ({*rebuild.likeness(text)[1]} for text in (source, other))
    assert len(own & others) < len(own) / 3
