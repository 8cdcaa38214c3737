"""The chapters define nothing that the library has: one definition of anything."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("myst_nb")

from IPython.core.inputtransformer2 import TransformerManager
from myst_nb.core.read import read_myst_markdown_notebook

from twice import kernels
from twice.book.names import public

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").rglob("*.md"))
DERIVATION = "derivation"  # the tag of a cell that derives what the library has


def library() -> set[str]:
    rooms = [room.name for room in pkgutil.walk_packages(kernels.__path__, "twice.kernels.")]
    offered = ["twice", "twice.nn", "twice.nn.functional", *rooms]
    return {name for room in offered for name in public(importlib.import_module(room))}


def defined(tree: ast.AST) -> Iterator[str]:
    """Functions and classes, also under `if` and inside functions; a class's methods are its own affair."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        if not isinstance(node, ast.ClassDef):
            yield from defined(node)


def definitions(page: str) -> set[str]:
    """What the code cells of a page define, but for those that are tagged as derivations."""
    cells = [cell for cell in read_myst_markdown_notebook(page).cells if cell.cell_type == "code"]
    sources = [cell.source for cell in cells if DERIVATION not in cell.metadata.get("tags", [])]
    return {name for source in sources for name in defined(ast.parse(TransformerManager().transform_cell(source)))}


def test_the_library_offers_what_chapters_must_not_repeat():
    assert {"conv", "conv2d", "correlate2d", "Conv2d", "cat", "lstm", "winograd"} <= library()
    assert not {"np", "Array", "Sequence", "Any"} & library()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("def conv2d(x): ...", {"conv2d"}),
        ("class Conv2d:\n    def forward(self): ...", {"Conv2d"}),
        ("if True:\n    def relu(x): ...", {"relu"}),
        ("def outer():\n    def softmax(x): ...\n    return softmax", {"outer", "softmax"}),
        ("%time x = 1\n!ls\ndef conv2d(x): ...", {"conv2d"}),
        (":tags: [numpy]\ndef conv2d(x): ...", {"conv2d"}),
        (":tags: [derivation, numpy]\ndef conv2d(x): ...", set()),
        ("conv2d = 1", set()),
    ],
)
def test_what_counts_as_a_definition(cell, expected):
    assert definitions(f"# Page\n\n```{{code-cell}} ipython3\n{cell}\n```\n") == expected


def test_prose_defines_nothing():
    assert definitions("# Page\n\n```python\ndef conv2d(x): ...\n```\n") == set()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_chapter_defines_nothing_that_the_library_has(path):
    assert definitions(path.read_text(encoding="utf-8")) & library() == set()


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_chapter_holds_no_characters_that_nobody_sees(path):
    """A tab where the `\\t` of `\\text` stood has spoiled a formula."""
    text = path.read_text(encoding="utf-8")
    assert [
        c for c in set(text) if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 161 or 0x200B <= ord(c) <= 0x200F
    ] == []
