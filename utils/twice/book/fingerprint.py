"""The execution cache knows the code.

jupyter-cache recognises a page by its cells alone and would show the old output of a changed library. So each result
is kept with a digest of what it was made from: the files of the library that the page imported, the pinned versions,
the Python, and the stored results if the page reads them.
"""

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGE = Path(__file__).resolve().parents[1]
STARTS_PROGRAMS = re.compile(r"^\s*(!|%%bash|%%sh)|\bsubprocess\b|\bmultiprocessing\b", re.MULTILINE)
READS_RESULTS = re.compile(r"\bresults?\b|\bruns\b")


def digest(files: Iterable[Path], *facts: str) -> str:
    """Twelve hex digits of the names and contents of `files` (one may be missing), of `facts` and of the Python."""
    sha = hashlib.sha256("\0".join([*facts, "{}.{}.{}".format(*sys.version_info)]).encode())
    for path in sorted(files):
        content = path.read_bytes() if path.exists() else b"missing"
        sha.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()[:12]


def library_files(package: Path = PACKAGE) -> list[Path]:
    """Every Python file of the library."""
    return [path for path in package.rglob("*.py") if "__pycache__" not in path.parts]


def ingredients(imported: Iterable[str], code: str, root: Path, package: Path = PACKAGE) -> set[Path]:
    """What the outputs of a page depend on, beside its own cells.

    `imported` names files of the library. A page that starts other programs may depend on all of them.
    """
    library = library_files(package) if STARTS_PROGRAMS.search(code) else [package / name for name in imported]
    results = (root / "chapters" / "results").glob("*") if READS_RESULTS.search(code) else ()
    return {*library, *results, root / "constraints.txt"}


def note_library(env: "BuildEnvironment") -> None:
    """For directives that show what the library says: the page is read again when any of it changes."""
    for path in library_files():
        env.note_dependency(str(path))


def note_content(env: "BuildEnvironment", path: Path) -> None:
    """For directives that show a file: the page is read again when its content changes, whatever its date says."""
    contents(env).setdefault(env.docname, {})[str(path)] = digest([path])


def contents(env: Any) -> dict[str, dict[str, str]]:
    """What each page showed of files when it was read."""
    if not hasattr(env, "twice_contents"):
        env.twice_contents = {}
    found: dict[str, dict[str, str]] = env.twice_contents
    return found


def pages_with_other_contents(app: "Sphinx", env: "BuildEnvironment", *sets: set[str]) -> list[str]:
    """The pages that showed a file as it is no more."""
    return [
        page
        for page, shown in contents(env).items()
        if page in env.found_docs and any(digest([Path(path)]) != was for path, was in shown.items())
    ]


def forget_contents(app: "Sphinx", env: "BuildEnvironment", page: str) -> None:
    """A page that is read anew notes its files anew."""
    contents(env).pop(page, None)


def name_the_cache(app: "Sphinx", config: Any) -> None:
    """Where results are kept; and all pages are drawn again when the extension itself changes."""
    config.nb_execution_cache_path = str(Path(app.outdir).parent / "executed" / "cache")
    Path(config.nb_execution_cache_path).mkdir(parents=True, exist_ok=True)
    config.twice_site = digest(library_files(PACKAGE / "book"))


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_config_value("twice_site", "", "env")
    app.connect("config-inited", name_the_cache)
    app.connect("env-get-outdated", pages_with_other_contents)
    app.connect("env-purge-doc", forget_contents)
