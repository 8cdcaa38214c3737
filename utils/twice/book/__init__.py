"""The Sphinx extension behind the book: everything the site does beyond Jupyter Book stands in this room."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: "Sphinx") -> dict[str, Any]:
    """Sphinx's entry point: each module registers its own part."""
    from twice.book import (
        access,
        drawing,
        execution,
        exercises,
        fingerprint,
        hosting,
        icons,
        interactive,
        lab,
        ledger,
        names,
        notebooks,
        pairs,
        printed,
        repository,
        source,
        timing,
        words,
    )

    for part in (
        repository,
        fingerprint,
        execution,
        hosting,
        access,
        icons,
        pairs,
        printed,
        drawing,
        interactive,
        timing,
        names,
        ledger,
        source,
        exercises,
        words,
        lab,
        notebooks,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
