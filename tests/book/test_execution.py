"""Pages run before they are read: together, each once, and a page that fails says where and why."""

import json
import re

import pytest

pytest.importorskip("jupyter_book")

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from small_book import NOTEBOOK, cell
from twice.book import build, execution
from twice.book.execution import Page
from twice.book.notebooks import KERNEL

CLOCK = NOTEBOOK + "# Clock\n\n" + cell("import time; print(time.time_ns())")


def page(tmp_path, *sources):
    cells = [new_markdown_cell("# Page"), *map(new_code_cell, sources)]
    metadata = {"kernelspec": KERNEL, "source_map": [0, *range(10, 10 + len(sources))]}
    return Page("page", tmp_path / "page.md", new_notebook(cells=cells, metadata=metadata))


def test_a_page_runs_with_one_thread_in_an_empty_folder_and_tells_what_it_imported(tmp_path):
    this = page(tmp_path, "import os; print(os.environ['OMP_NUM_THREADS'], os.listdir())", "import twice.kernels.pool")
    run = execution.execute(this, timeout=60)
    assert run.failure is None
    assert this.notebook.cells[1].outputs[0].text == "1 []\n"
    assert len(this.notebook.cells) == 3
    assert any(file.endswith("kernels/pool.py") for file in run.files)
    assert not any("/claims/" in file for file in run.files)
    assert 0.1 < run.seconds < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "why"),
    [("print(missing)", "NameError"), ("import time; time.sleep(60)", "timed out"), ("import os; os._exit(1)", "died")],
)
def test_a_failure_names_page_line_cell_and_reason(tmp_path, source, why):
    run = execution.execute(page(tmp_path, "x = 1", source), timeout=2)
    assert run.failure.startswith(f"{tmp_path / 'page.md'}:12: code cell 2 failed")
    assert why in run.failure


@pytest.mark.slow
def test_pages_run_at_the_same_time(tmp_path):
    meet = """
import pathlib, time
here = pathlib.Path({folder!r})
(here / "{i}").touch()
while len(list(here.iterdir())) < 3:
    time.sleep(0.01)
"""
    pages = [page(tmp_path, meet.format(folder=str(tmp_path), i=i)) for i in range(3)]
    assert [run.failure for run in execution.execute_all(pages, timeout=60, jobs=3)] == [None] * 3


@pytest.mark.slow
def test_a_page_runs_again_when_a_result_that_it_reads_changed_and_a_removed_page_leaves_the_site(book):
    reader = CLOCK.replace("# Clock", "# Reader") + cell("results = 1")
    root = book({"clock": CLOCK, "reader": reader})
    site = root / "_build" / "html"

    def shown(name):
        return re.search(r">(\d{19})\n", (site / f"{name}.html").read_text(encoding="utf-8"))[1]

    assert build.main(root) == 0
    before = shown("clock"), shown("reader")
    assert set(json.loads((root / "_build" / "executed" / "times.json").read_text())) == {"clock", "reader"}
    notebook = json.loads((site / "_sources" / "clock.ipynb").read_text(encoding="utf-8"))
    assert notebook["cells"][1]["metadata"]["tags"] == ["preparation"]

    (root / "chapters" / "results").mkdir(parents=True)
    (root / "chapters" / "results" / "new.json").write_text("{}")
    assert build.main(root) == 0
    assert shown("clock") == before[0]
    assert shown("reader") != before[1]

    (root / "reader.md").unlink()
    (root / "_toc.yml").write_text("format: jb-book\nroot: clock\n")
    assert build.main(root) == 0
    assert not (site / "reader.html").exists()


def test_the_scale_of_experiments_counts(tmp_path, monkeypatch):
    monkeypatch.delenv("TWICE_SCALE", raising=False)
    before = execution.made_from([], page(tmp_path, "1"), tmp_path)
    monkeypatch.setenv("TWICE_SCALE", "medium")
    assert execution.made_from([], page(tmp_path, "1"), tmp_path) != before


def test_a_page_whose_library_changed_while_it_ran_runs_again(tmp_path):
    from jupyter_cache import get_cache

    this, cache, pins = page(tmp_path, "1"), get_cache(tmp_path / "cache"), tmp_path / "constraints.txt"
    pins.touch()
    changed = pins.stat().st_mtime
    for began, kept in [(changed - 1, False), (changed + 1, True)]:
        execution.keep(cache, execution.Run(this, began), tmp_path)
        assert (execution.look_up(cache, this, tmp_path) is not None) == kept
