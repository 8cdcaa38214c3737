"""Cells become pairs: which ones, in which order, and what HTML comes out."""

import pytest

pytest.importorskip("sphinx")

from docutils import nodes

from twice.book import pairs


def cell(name, *tags):
    return nodes.container("", nodes.Text(name), classes=["cell", *(f"tag_{tag}" for tag in tags)])


def names(found):
    return [["".join(node.astext() for node in cells) for cells in pair] for pair in found]


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ([cell("a", "numpy"), cell("b", "torch")], [["a", "b"]]),
        ([cell("a", "numpy"), cell("b", "numpy"), cell("c", "torch")], [["ab", "c"]]),
        ([cell("a", "numpy"), nodes.paragraph("", "between"), cell("b", "torch")], []),
        ([cell("a", "torch"), cell("b", "numpy")], []),
        ([cell("a", "numpy"), cell("b", "torch"), cell("c", "numpy"), cell("d", "torch")], [["a", "b"], ["c", "d"]]),
        ([cell("a"), cell("b")], []),
        ([], []),
    ],
)
def test_a_numpy_run_pairs_with_the_torch_run_that_follows_at_once(children, expected):
    assert names(pairs.find_pairs(children)) == expected


def test_only_code_cells_count():
    assert pairs.engine_of(nodes.container("", classes=["tag_numpy"])) is None
    assert pairs.engine_of(nodes.paragraph("", "numpy")) is None
    assert pairs.engine_of(cell("a", "hide-input", "torch")) == "torch"


def test_one_tab_of_a_pair_takes_the_focus():
    first, second = pairs.tab("pair-1", "numpy", True), pairs.tab("pair-1", "torch", False)
    assert 'aria-selected="true" tabindex="0"' in first
    assert 'aria-selected="false" tabindex="-1"' in second
    assert 'aria-controls="pair-1-torch"' in second
