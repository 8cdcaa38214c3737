"""A small book from end to end: what is on the page, what is not, and what happens when a cell fails."""

import re
import shutil
from types import SimpleNamespace

import pytest

pytest.importorskip("jupyter_book")

from small_book import NOTEBOOK, cell
from twice.book import build, hosting

PAIR = NOTEBOOK + "# Pair\n\n$y = w$\n\n" + cell("print(6 * 7)", "numpy") + cell("print(42)", "torch")
ALL = f"""{NOTEBOOK}# All

See {{ref}}`second`. A {{term}}`stride`.

```{{source}} twice.kernels.linear.linear
```

:::{{exercise}} Add
One and one.
:::

:::{{solution}}
Two.
:::

:::{{exercise}}
:name: second
Six times seven.
:::

:::{{solution}}
More.
:::

{cell("print(6 * 7)", "solution")}

```{{glossary}}
stride
步长
  How far.
```
"""
OTHER = "# Other\n\nSee {{ repository }}.\n\n```sh\ngit clone {{ repository }}\n```\n"
BROKEN = NOTEBOOK + "# Broken\n\n" + cell("fine = 1") + cell("print(fine + missing_name)")


@pytest.mark.slow
def test_a_book_builds_with_pairs_and_asks_no_other_host(book):
    root = book({"pair": PAIR, "other": OTHER})
    assert build.main(root) == 0
    page = (root / "_build" / "html" / "pair.html").read_text(encoding="utf-8")
    assert page.count('role="tabpanel"') == 2
    assert page.index('id="pair-1-numpy"') < page.index('id="pair-1-torch"')
    assert page.count(">42\n<") == 2
    loaded = page.replace('<link rel="canonical"', "<")  # it names the page's own address and loads nothing
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]+', loaded) == []
    assert "thebe" not in page.replace("sphinx-thebe.css", "").lower()

    static = root / "_build" / "html" / "_static"
    assert list(static.rglob("*.map")) == []
    assert (static / "scripts" / "fontawesome.js").stat().st_size < 200
    assert (static / "vendor" / "mathjax" / "startup.js").exists()
    other = (root / "_build" / "html" / "other.html").read_text(encoding="utf-8")
    assert 'href="https://github.com/us/book"' in other.partition("<article")[2]
    assert "git clone https://github.com/us/book" in re.sub(r"<[^>]+>", "", other)
    assert "{{" not in other.partition("<article")[2]


@pytest.mark.slow
def test_exercises_are_numbered_their_solutions_fold_and_words_and_code_lead_somewhere(book):
    root = book({"all": ALL})
    assert build.main(root) == 0
    page = (root / "_build" / "html" / "all.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Exercise 1 · Add" in text
    assert "See Exercise 2 ." in text
    assert re.search(r'id="second".*?<details class="solution">.*?More\..*?>42\n.*?</details>', page, re.DOTALL)
    assert page.count('<details class="solution">') == 2
    assert re.search(r'<dt [^>]*lang="zh"[^>]*id="term-', page) or re.search(r'<dt [^>]*id="term-[^>]*lang="zh"', page)
    assert re.search(r'href="https://github.com/us/book/blob/main/utils/twice/kernels/linear.py#L\d+-L\d+"', page)

    notebook = (root / "_build" / "html" / "_sources" / "all.ipynb").read_text(encoding="utf-8")
    assert "**Solution**" in notebook
    assert not re.search(r"\{(exercise|solution|term|ref|source)\}", notebook)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (":::{solution}\nNo.\n:::\n", "a solution stands alone"),
        ("```{source} twice.nothing\n```\n", "twice has no nothing"),
        ("```{lab} nothing\n```\n", "lab: nothing is not there"),
    ],
)
def test_a_directive_that_cannot_work_fails_the_build_and_says_why(book, capfd, wrong, said):
    assert build.main(book({"wrong": "# Wrong\n\n" + wrong})) == 1
    assert said in capfd.readouterr().err


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


def test_all_pages_are_written_anew_when_a_style_sheet_changed(tmp_path):
    """Sphinx, for which no page is out of date then, would leave the old file in the site."""
    served = shutil.copytree(hosting.STATIC, tmp_path / "_static")
    app, env = SimpleNamespace(outdir=tmp_path), SimpleNamespace(found_docs={"a", "b", "c"})
    outdated = lambda: hosting.pages_with_older_files(app, env, {"c"}, set(), set())
    assert outdated() == []
    (served / "site.css").write_text("/* as it was */", encoding="utf-8")
    assert outdated() == ["a", "b"]
    (served / "site.css").unlink()
    assert outdated() == ["a", "b"]
