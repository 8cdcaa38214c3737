"""The index of the engine: which names stand in it, and what is said of them."""

from functools import partial
from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx")

import numpy as np

import twice
from twice.book import names


def relu(x):
    """max(x, 0), as `clamp` does.

    More.
    """


relu.__module__ = "twice.example"
alias, bare = relu, partial(relu)
PLACE = SimpleNamespace(relu=relu, ReLU_=alias, np=np, array=np.array, pi=3.14, _hidden=relu, where=bare)


def test_functions_of_the_library_are_public_and_nothing_else_is():
    assert list(names.public(PLACE)) == ["relu", "ReLU_", "where"]
    assert {"Tensor", "cat", "no_grad"} <= set(names.public(twice))
    assert not {"nn", "pi", "float32", "dtype"} & set(names.public(twice))


def test_names_of_one_thing_stand_together_with_its_first_line():
    assert names.grouped(names.public(PLACE)) == [("max(x, 0), as `clamp` does", ["relu", "ReLU_"]), ("", ["where"])]


def test_the_listing_can_be_linked_to_and_escapes():
    html = names.listing("twice.x", names.public(PLACE))
    assert '<code id="twice.x.relu">relu</code>, <code id="twice.x.ReLU_">' in html
    assert "as <code>clamp</code> does" in html
    assert "their names say</dt><dd><code" in html
    assert names.code("a < b") == "a &lt; b"
