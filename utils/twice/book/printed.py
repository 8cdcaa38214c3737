"""What cells print: columns stay columns and scroll where the page is narrow; only running text is broken."""

import re
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

APART = re.compile(r"\S {2,}\S")  # two things with room between them
ROW_OF_AN_ARRAY = re.compile(r" *\[+ *-?[\d.]")


def in_columns(text: str) -> bool:
    """Whether at least two of the lines look like those of a table, or of an array."""
    return sum(bool(APART.search(line) or ROW_OF_AN_ARRAY.match(line)) for line in text.splitlines()) >= 2


def mark_columns(app: "Sphinx", doctree: nodes.document) -> None:
    """The style sheet knows them by their class."""
    for block in doctree.findall(nodes.literal_block):
        if "stream" in block["classes"] and in_columns(block.astext()):
            block["classes"].append("columns")


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("doctree-read", mark_columns)
