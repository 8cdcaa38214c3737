import pytest

from twice.grade.needs import needed, statements


def used(answer, *cells):
    pool = [s for cell in cells for s in statements(cell)]
    found = needed(pool, [answer])
    return [s.source for s in pool if s in found]


ANSWER = "def f(x):\n    return helper(x) + SIZE\n"


def test_what_an_answer_reads_is_needed_and_what_that_reads_too():
    cells = ("import math\nSIZE = 3", "def helper(x):\n    return math.sqrt(x)\n\nprint(helper(2))", "other = 1")
    assert used(ANSWER, *cells) == ["import math", "SIZE = 3", "def helper(x):\n    return math.sqrt(x)"]


def test_local_names_and_arguments_need_nothing():
    assert used("def f(x):\n    y = x\n    return [z for z in y]", "x = 1\ny = 2\nz = 3\nf = 4") == []


@pytest.mark.parametrize(
    "statement",
    [
        "SIZE += 1",
        "SIZE[0] = 1",
        "SIZE.shape = 1",
        "for SIZE in (1, 2): pass",
        "with open('f') as SIZE: pass",
        "from m import *",
    ],
)
def test_what_changes_a_needed_name_is_needed(statement):
    assert used(ANSWER, "SIZE = 1\n" + statement) == ["SIZE = 1", statement]


def test_decorators_come_along():
    cell = "from functools import cache\n@cache\ndef helper(x):\n    return x"
    assert used(ANSWER, cell) == ["from functools import cache", "@cache\ndef helper(x):\n    return x"]


def test_statements_on_one_line_are_told_apart():
    assert used(ANSWER, "SIZE = 1; print(SIZE); other = 2") == ["SIZE = 1"]


def test_lines_for_ipython_are_passed_over_but_strings_are_kept():
    assert used(ANSWER, "%matplotlib inline\n!ls\nSIZE = 1") == ["SIZE = 1"]
    assert used(ANSWER, 'SIZE = """\n%d\n"""') == ['SIZE = """\n%d\n"""']


@pytest.mark.parametrize(
    "source", ["def (", "(" * 5000, "a." * 90_000 + "b", "\0", "x = " + "9" * 10_000, "\ud800", "-" * 50_000 + "1"]
)
def test_what_is_no_python_defines_nothing_and_raises_nothing(source):
    assert [s for s in statements(source) if s.source != source] == []
