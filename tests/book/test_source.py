"""Code of the library on pages: which lines, and what is refused."""

import inspect

import pytest

pytest.importorskip("sphinx")

from twice.book import source
from twice.kernels.linear import linear


def test_the_code_is_the_whole_function_and_the_place_its_lines():
    code = source.code_of("twice.kernels.linear.linear")
    assert code.text == inspect.getsource(linear)
    first, last = code.place.removeprefix("utils/twice/kernels/linear.py#L").split("-L")
    lines = code.file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert "".join(lines[int(first) - 1 : int(last)]) == code.text


def test_a_method_is_shown_without_its_indentation():
    assert source.code_of("twice.nn.Linear.forward").text.startswith("def forward(")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("twice.kernels.linear.nothing", "twice.kernels.linear has no nothing"),
        ("nothing.at.all", "cannot be imported"),
        ("twice.kernels.linear", "is a module, expected a function or a class"),
        ("json.dumps", "expected an object of the library"),
    ],
)
def test_what_is_no_code_of_the_library_is_refused(name, why):
    with pytest.raises(ValueError, match=why):
        source.code_of(name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('def f(x):\n    """Say.\n\n    More.\n    """\n    return x\n', "def f(x):\n    return x\n"),
        ("def f(x):\n    return x\n", "def f(x):\n    return x\n"),
        ('def f(x):\n    """Say."""\n', 'def f(x):\n    """Say."""\n'),
        ('class A:\n    """Say."""\n\n    x = 1\n', "class A:\n\n    x = 1\n"),
    ],
)
def test_the_docstring_can_be_left_out(before, after):
    assert source.without_docstring(before) == after
