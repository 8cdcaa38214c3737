"""Execution: the pages that the cache lacks run before Sphinx reads them, as many at once as there are cores.

Jupyter Book would run one after the other. Here each page gets a kernel with one thread, so its numbers do not depend
on the machine's cores, and its result goes into jupyter-cache, where Sphinx finds it. With the result stands what it
was made from (see `fingerprint`): when that changes, the page runs again.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import TYPE_CHECKING, Any

from sphinx.errors import SphinxError

from twice.book.fingerprint import PACKAGE, digest, ingredients
from twice.machine import cores

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

LIMIT = 30.0  # seconds of processor time that a page may take on a quiet machine
LAST_CELL = """
import json as _json, os as _os, sys as _sys
_own = [m for name, m in list(_sys.modules.items()) if name == "twice" or name.startswith("twice.")]
_timed = _sys.modules.get("twice.bench.race")
_files = {f for m in _own if (f := getattr(m, "__file__", None))} | (_timed.FILES if _timed else set())
print(_json.dumps({"files": sorted(_files), "seconds": sum(_os.times()[:4])}))
"""


class PageFailed(SphinxError):
    """A page did not run to its end."""

    category = "A page failed"


@dataclass
class Page:
    """A page with code: its name in the book, its file, its cells, and what the cache holds of it."""

    name: str
    path: Path
    notebook: "NotebookNode"
    cached: Any = None

    @property
    def code(self) -> str:
        """All its code."""
        return "\n".join(cell.source for cell in self.notebook.cells if cell.cell_type == "code")


@dataclass
class Run:
    """What became of a page: when it began, its seconds of processor time, what it imported, or why it failed."""

    page: Page
    began: float
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    failure: str | None = None


def kernel_environment() -> dict[str, str]:
    """One thread for each kernel, at full speed, and the same order of sets everywhere."""
    pinned = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in pinned}
    return kept | dict.fromkeys(threads, "1") | {"PYTHONHASHSEED": "0"}


def execute(page: Page, timeout: float) -> Run:
    """Run a page's cells in a fresh kernel and folder; the outputs stand in its notebook afterwards."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError
    from nbformat.v4 import new_code_cell

    cells, place, began = page.notebook.cells, [0], time.time()
    cells.append(new_code_cell(LAST_CELL))
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            page.notebook, timeout=timeout, resources={"metadata": {"path": folder}}, record_timing=False
        )
        client.on_cell_start = lambda cell, cell_index: place.__setitem__(0, cell_index)
        try:
            client.execute(env=kernel_environment())
        except (CellControlSignal, DeadKernelError) as error:
            return Run(page, began, failure=blame(page, place[0], error))
        finally:
            last = cells.pop()
    told = json.loads(last.outputs[0].text)
    return Run(page, began, told["seconds"], tuple(told["files"]))


def blame(page: Page, index: int, error: Exception) -> str:
    """Which page, which of its cells, at which line, and why."""
    lines = page.notebook.metadata.get("source_map", [])
    code = [i for i, cell in enumerate(page.notebook.cells) if cell.cell_type == "code"]
    where = f"{page.path}:{lines[index] + 1}" if index < len(lines) else str(page.path)
    why = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    return f"{where}: code cell {code.index(index) + 1} failed\n{indent(why, '    ')}"


def execute_all(pages: list[Page], timeout: float, jobs: int) -> Iterator[Run]:
    """All pages, the longest first, each as it ends."""
    pages = sorted(pages, key=lambda page: -seconds_of(page.cached))
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(execute, page, timeout) for page in pages]):
            yield done.result()


def seconds_of(record: Any) -> float:
    """How long a page took the last time; one that never ran may be the longest."""
    return record.data["execution_seconds"] if record else 1e9


def read_pages(env: "BuildEnvironment", names: Iterable[str]) -> Iterator[Page]:
    """The pages that hold code, as the parser will read them."""
    from myst_nb.core.read import create_nb_reader

    for name in names:
        path = Path(env.doc2path(name))
        text = path.read_text(encoding="utf-8")
        settings: Any = env
        reader = create_nb_reader(str(path), settings.myst_config, settings.mystnb_config, text)
        if reader is not None:
            yield Page(name, path, reader.read(text))


def open_cache(app: "Sphinx") -> Any:
    """The cache that Sphinx will look into."""
    from jupyter_cache import get_cache

    return get_cache(app.config.nb_execution_cache_path)


def look_up(cache: Any, page: Page, root: Path) -> Any:
    """What the cache holds of a page, if it was made from what stands here now; else it is forgotten."""
    try:
        record = cache.match_cache_notebook(page.notebook)
    except KeyError:
        return None
    if record.data.get("made_from") == made_from(record.data.get("files", ()), page, root):
        return record
    cache.remove_cache(record.pk)
    page.cached = record
    return None


def made_from(files: Iterable[str], page: Page, root: Path) -> str:
    """A digest of all that a page's outputs depend on, the scale of its experiments included."""
    return digest(ingredients(files, page.code, root), os.environ.get("TWICE_SCALE", ""))


def keep(cache: Any, run: Run, root: Path) -> None:
    """Put a page's outputs into the cache, with what they were made from."""
    from jupyter_cache.base import CacheBundleIn

    files = [Path(file).relative_to(PACKAGE).as_posix() for file in run.files if Path(file).is_relative_to(PACKAGE)]
    sources = ingredients(files, run.page.code, root)
    settled = all(path.stat().st_mtime < run.began for path in sources if path.exists())
    made = made_from(files, run.page, root) if settled else "changed while the page ran"
    data = {"execution_seconds": round(run.seconds, 2), "files": files, "made_from": made}
    bundle = CacheBundleIn(run.page.notebook, str(run.page.path), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def pages_made_from_other_things(
    app: "Sphinx", env: "BuildEnvironment", added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Sphinx looks at a page's own file; pages whose code or results changed elsewhere are to be read again, too."""
    cache, root = open_cache(app), Path(app.srcdir)
    unchanged = sorted(env.found_docs - added - changed - removed)
    return [page.name for page in read_pages(env, unchanged) if look_up(cache, page, root) is None]


def execute_what_is_missing(app: "Sphinx", env: "BuildEnvironment", names: list[str]) -> None:
    """Run what the cache lacks; the build ends here if a page failed."""
    cache, root = open_cache(app), Path(app.srcdir)
    missing = [page for page in read_pages(env, names) if look_up(cache, page, root) is None]
    start, runs = time.monotonic(), []
    jobs = max(1, min(cores(), len(missing)))
    for run in execute_all(missing, app.config.nb_execution_timeout, jobs):
        runs.append(run)
        if run.failure is None:
            keep(cache, run, root)
            say(f"[{len(runs)}/{len(missing)}] {run.page.name}: {run.seconds:.1f} s")
    if runs:
        say(f"Ran {len(runs)} page{'s' if len(runs) > 1 else ''} in {time.monotonic() - start:.0f} s.")
    failures = [run.failure for run in runs if run.failure]
    if failures:
        raise PageFailed("\n\n".join(failures))


def say(line: str) -> None:
    """Sphinx is told to be quiet; whoever waits for minutes wants to see something move."""
    print(line, file=sys.stdout, flush=True)


def record_times(app: "Sphinx", env: "BuildEnvironment") -> list[str]:
    """`times.json` beside the cache: each page's seconds of processor time.

    What takes too long is named, but ends no build: on a slow or crowded machine every page takes longer.
    """
    cache = open_cache(app)
    times = {p.name: cache.match_cache_notebook(p.notebook).data["execution_seconds"] for p in every_page(env)}
    (Path(app.config.nb_execution_cache_path).parent / "times.json").write_text(json.dumps(times, indent=1))
    for name, seconds in times.items():
        if seconds > LIMIT:
            say(f"{name} takes {seconds:.0f} s to run, expected at most {LIMIT:.0f} s")
    return []


def every_page(env: "BuildEnvironment") -> Iterator[Page]:
    """All pages of the book that hold code."""
    return read_pages(env, sorted(env.found_docs))


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("env-get-outdated", pages_made_from_other_things)
    app.connect("env-before-read-docs", execute_what_is_missing)
    app.connect("env-updated", record_times)
