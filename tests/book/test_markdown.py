"""A page's doctree as plain Markdown: each kind of node, and cells where they stand."""

import base64

import pytest

pytest.importorskip("myst_nb")

from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from twice.book import exercises, markdown, notebooks, pairs, picture, repository
from twice.book.execution import Page
from twice.book.markdown import Code, Place, Text

PLACE = Place("https://site/book/part/page.html", {"a.png": "https://site/book/_images/a.png"})


def text(*children):
    return nodes.paragraph("", "", *children)


def cell(index, *tags):
    return nodes.container("", nb_element="cell_code", cell_index=index, classes=["cell", *tags])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (text(nodes.Text("a * b_c $ [d] <e>")), r"a \* b\_c \$ \[d\] \<e>"),
        (text(nodes.Text("1. not a list")), r"\1. not a list"),
        (text(nodes.emphasis("", "a"), nodes.strong("", "b")), "*a***b**"),
        (text(nodes.literal("", "x`y")), "``x`y``"),
        (text(nodes.math("", "x_i * y")), "$x_i * y$"),
        (
            text(nodes.reference("", "there", refuri="../other.html#place")),
            "[there](https://site/book/other.html#place)",
        ),
        (text(nodes.reference("", "here", refid="place")), "[here](https://site/book/part/page.html#place)"),
        (text(nodes.reference("", "out", refuri="https://else")), "[out](https://else)"),
        (nodes.math_block("", r"\sum_i x_i", number="3"), "$$\n\\sum_i x_i \\tag{3}\n$$"),
        (nodes.literal_block("", "```\nx\n```", language="python"), "````python\n```\nx\n```\n````"),
        (nodes.image(uri="a.png", alt="An [a]"), "![An (a)](https://site/book/_images/a.png)"),
        (nodes.note("", text(nodes.Text("Mind."))), "> **Note**\n>\n> Mind."),
        (nodes.admonition("", nodes.title("", "T"), text(nodes.Text("x"))), "> **T**\n>\n> x"),
        (nodes.raw("", "<table><tr></tr></table>", format="html"), "<table><tr></tr></table>"),
        (nodes.raw("", "<div onclick='x'>y</div>", format="html"), f"[This part is on the page.]({PLACE.address})"),
        (nodes.comment("", "no"), ""),
    ],
)
def test_each_kind_of_node(node, expected):
    assert markdown.block(node, PLACE) == expected


def test_lists_within_lists_are_indented():
    inner = nodes.bullet_list("", nodes.list_item("", text(nodes.Text("b"))))
    outer = nodes.enumerated_list("", nodes.list_item("", text(nodes.Text("a")), inner))
    assert markdown.block(outer, PLACE) == "1. a\n\n   - b"


def test_a_drawing_is_embedded_with_its_words_and_its_colours():
    raw = nodes.raw("", '<svg role="img" aria-label="A &lt; B" viewBox="0 0 1 1"><path/></svg>', format="html")
    said = markdown.block(nodes.figure("", raw, nodes.caption("", "See.")), PLACE)
    assert said.startswith("![A < B](data:image/svg+xml;base64,")
    assert said.endswith("\n\n*See.*")
    svg = base64.b64decode(said.partition("base64,")[2].partition(")")[0]).decode()
    assert svg.startswith('<svg role="img" aria-label="A &lt; B" viewBox="0 0 1 1" xmlns=')
    assert "--twice-numpy:" in svg
    assert picture.first_svg("<p>none</p>") is None


def found(node):
    return list(markdown.pieces(node, PLACE))


def test_a_pair_becomes_two_cells_under_their_engines():
    pair = pairs.build_pair(1, {"numpy": [cell(1)], "torch": [cell(2)]})
    assert found(pair) == [Text("**NumPy**"), Code(1), Text("**PyTorch**"), Code(2)]


def test_a_solution_folds_unless_code_belongs_to_it():
    def task(*inside):
        return exercises.exercise("", text(nodes.Text("Exercise 1")), exercises.solution("", *inside))

    words = text(nodes.Text("Yes."))
    assert found(task(words))[1].markdown == "<details><summary>Solution</summary>\n\nYes.\n\n</details>"
    assert found(task(words.deepcopy(), cell(4)))[1:] == [Text("**Solution**", opens=True), Text("Yes."), Code(4)]


def test_cells_that_the_page_hides_run_where_they_stood_and_the_preparation_comes_first():
    cells = [new_markdown_cell("m"), new_code_cell("a = 1"), new_code_cell("b = a"), new_code_cell("c = b")]
    page = Page("page", None, new_notebook(cells=cells))
    made = notebooks.notebook([Text("# T", opens=True), Text("Words."), Code(2)], page, "import x")
    assert [c.source for c in made.cells] == ["# T\n\nWords.", "import x", "a = 1", "b = a", "c = b"]


def test_the_preparation_does_nothing_where_the_library_is(capsys):
    from IPython.core.inputtransformer2 import TransformerManager

    first = repository.preparation("https://github.com/us/book", "main")
    assert "git clone" in first
    exec(TransformerManager().transform_cell(first), {})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://colab/github/us/book/blob/main/a/b.md", "https://colab/github/us/book/blob/notebooks/a/b.ipynb"),
        ("https://binder/v2/gh/us/book/main?urlpath=tree/a/b.md", "https://binder/v2/gh/us/book/notebooks?urlpath=tree/a/b.ipynb"),
        ("https://hub/git-pull?repo=x&urlpath=tree/book/a/b.md&branch=main", "https://hub/git-pull?repo=x&urlpath=tree/book/a/b.ipynb&branch=notebooks"),
    ],
)  # fmt: skip
def test_launch_buttons_lead_to_the_branch_of_notebooks(before, after):
    assert notebooks.published(before, "a/b", "main") == after
