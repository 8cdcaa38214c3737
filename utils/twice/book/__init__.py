"""The Sphinx extension behind the book: everything the site does beyond Jupyter Book stands in this room."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: "Sphinx") -> dict[str, Any]:
    """Sphinx's entry point: each module registers its own part."""
    from twice.book import drawing, fingerprint, hosting, icons, names, pairs, repository, timing

    for part in (repository, fingerprint, hosting, icons, pairs, drawing, timing, names):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
