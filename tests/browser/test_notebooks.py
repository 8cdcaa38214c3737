"""Each page as a notebook: nothing of the book's own language is left, and it runs from top to bottom."""

import json
import re

import nbformat
import pytest

from site_pages import SITE

pytest.importorskip("myst_nb")

from twice.book import notebooks, repository
from twice.book.execution import LIMIT, Page, execute_all
from twice.machine import cores

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOTEBOOKS = sorted(path.relative_to(SITE / "_sources").as_posix() for path in (SITE / "_sources").rglob("*.ipynb"))
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
OUR_LANGUAGE = re.compile(r"^\s*(?:```|~~~|:::)+\s*\{|\{[a-z][\w:-]*\}`|\{\{|^:::|^\([\w-]+\)=$", re.MULTILINE)


def read(name):
    return nbformat.read(SITE / "_sources" / name, as_version=4)


def prose(notebook):
    """Its Markdown without code, where anything may stand."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [(cell, CODE.sub("", FENCE.sub("", cell))) for cell in cells]


def test_what_a_notebook_must_not_show_would_be_found():
    for raw in ("```{note}\nx\n```", "see {term}`stride`", ":::{exercise}", "{{ repository }}", "(place)=", "{doc}`x`"):
        assert OUR_LANGUAGE.search(raw), raw
    assert not OUR_LANGUAGE.search("a $x^{2}$ and $$\\begin{aligned} x \\end{aligned}$$")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_valid_and_shows_no_directive(name):
    notebook = read(name)
    nbformat.validate(notebook)
    assert [cell for cell, words in prose(notebook) if OUR_LANGUAGE.search(words)] == []
    links = re.findall(r"\]\(([^)\s]+)\)", "\n".join(words for _, words in prose(notebook)))
    assert [link for link in links if not link.startswith(("https://", "http://", "data:", "mailto:"))] == []


def test_every_notebook_runs_from_top_to_bottom():
    assert NOTEBOOKS
    pages = [Page(name, SITE / "_sources" / name, read(name)) for name in NOTEBOOKS]
    runs = execute_all(pages, timeout=120, jobs=min(cores(), len(pages)))
    assert [run.failure for run in runs if run.failure] == []


def test_the_branch_holds_all_of_them_and_what_binder_needs(tmp_path):
    found = notebooks.collect(SITE, tmp_path, "https://github.com/us/book", "main")
    assert [path.as_posix() for path in found] == NOTEBOOKS
    assert all((tmp_path / path).is_file() for path in found)
    assert "git+https://github.com/us/book@main" in (tmp_path / "requirements.txt").read_text()
    assert repository.pages("https://github.com/us/book") in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_page_offers_its_notebook(name):
    page = (SITE / name).with_suffix(".html").read_text(encoding="utf-8")
    assert f"/blob/{repository.NOTEBOOKS}/{name}" in page
    assert f"_sources/{name}" in page


def test_pages_are_quick():
    """On a quiet machine 30 s of processor time at most, 12 s in the median; twice that where the cores are shared."""
    times = json.loads((SITE.parent / "executed" / "times.json").read_text())
    assert max(times.values()) <= 2 * LIMIT, times
    assert sorted(times.values())[len(times) // 2] <= 24, times
