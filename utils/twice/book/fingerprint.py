"""The execution cache knows the code.

jupyter-cache recognises a page by its cells alone and would show the old output of a changed library. So the
cache's folder carries a fingerprint of what a cell can see: the library, the pinned versions and the Python.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = Path(__file__).resolve().parents[1]
ROOMS_NO_CELL_SEES = ("book",)
KEPT_CACHES = 3


def fingerprint(files: Iterable[Path], *facts: str) -> str:
    """Twelve hex digits of the names and contents of `files`, and of `facts`."""
    digest = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(files):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def library_files(package: Path = PACKAGE) -> list[Path]:
    """Every Python file of the library that a cell's result may depend on."""
    return [p for p in package.rglob("*.py") if p.relative_to(package).parts[0] not in ROOMS_NO_CELL_SEES]


def code_fingerprint(root: Path, package: Path = PACKAGE) -> str:
    """What the outputs of the pages depend on, besides their own cells."""
    pins = [path for path in [root / "constraints.txt"] if path.exists()]
    return fingerprint(library_files(package) + pins, "{}.{}.{}".format(*sys.version_info))


def site_fingerprint(package: Path = PACKAGE) -> str:
    """What the look of the pages depends on: the extension itself."""
    return fingerprint((package / "book").rglob("*.py"))


def forget_old_caches(caches: Path, keep: int = KEPT_CACHES) -> None:
    """A cache per state of the code would fill the disk: the newest few stay."""
    for old in sorted(caches.glob("*"), key=lambda p: p.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(old)


def name_the_cache(app: "Sphinx", config: Any) -> None:
    """Both values belong to Sphinx's environment: where one changes, every page is read again."""
    caches = Path(app.outdir).parent / "executed"
    folder = caches / code_fingerprint(Path(app.srcdir))
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    forget_old_caches(caches)
    config.nb_execution_cache_path = str(folder)
    config.twice_site = site_fingerprint()


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_config_value("twice_site", "", "env")
    app.connect("config-inited", name_the_cache)
