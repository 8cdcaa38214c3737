"""A small book from end to end: what is on the page, what is not, and what happens when a cell fails."""

import re

import pytest

pytest.importorskip("jupyter_book")

from small_book import NOTEBOOK, cell
from twice.book import build

PAIR = NOTEBOOK + "# Pair\n\n$y = w$\n\n" + cell("print(6 * 7)", "numpy") + cell("print(42)", "torch")
OTHER = "# Other\n\nSee {{ repository }}.\n"
BROKEN = NOTEBOOK + "# Broken\n\n" + cell("fine = 1") + cell("print(fine + missing_name)")


@pytest.mark.slow
def test_a_book_builds_with_pairs_and_asks_no_other_host(book):
    root = book({"pair": PAIR, "other": OTHER})
    assert build.main(root) == 0
    page = (root / "_build" / "html" / "pair.html").read_text(encoding="utf-8")
    assert page.count('role="tabpanel"') == 2
    assert page.index('id="pair-1-numpy"') < page.index('id="pair-1-torch"')
    assert page.count(">42\n<") == 2
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+', page) == []
    assert "thebe" not in page.replace("sphinx-thebe.css", "").lower()

    static = root / "_build" / "html" / "_static"
    assert list(static.rglob("*.map")) == []
    assert (static / "scripts" / "fontawesome.js").stat().st_size < 200
    assert (static / "vendor" / "mathjax" / "startup.js").exists()
    assert "https://github.com/us/book" in (root / "_build" / "html" / "other.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failing_cell_fails_the_build_every_time_and_is_named(book, capfd):
    root = book({"broken": BROKEN})
    for _ in range(2):
        assert build.main(root) == 1
        said = capfd.readouterr().err
        assert "broken.md" in said
        assert "missing_name" in said


@pytest.mark.slow
def test_a_page_is_executed_again_only_when_the_code_changed(book, monkeypatch):
    root = book({"clock": NOTEBOOK + "# Clock\n\n" + cell("import time; print(time.time_ns())")})
    html = root / "_build" / "html" / "clock.html"

    def built():
        assert build.main(root) == 0
        return re.search(r">(\d{19})\n", html.read_text(encoding="utf-8"))[1]

    first = built()
    (root / "clock.md").write_text((root / "clock.md").read_text().replace("# Clock", "# Watch"))
    assert built() == first
    (root / "constraints.txt").write_text("numpy==2.4.6\n")
    assert built() != first
