"""The glossary's words in three languages: each is marked as what it is, for fonts, voices and search."""

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LANGUAGES = {"ko": re.compile(r"[\uac00-\ud7a3]"), "zh": re.compile(r"[\u4e00-\u9fff]")}


def language(text: str) -> str | None:
    """`ko` where there is Hangul, `zh` where there are Han characters alone, None for the page's own language."""
    return next((name for name, letters in LANGUAGES.items() if letters.search(text)), None)


def mark_languages(app: "Sphinx", doctree: nodes.document) -> None:
    """The class `language-zh` becomes the HTML attribute `lang`."""
    for glossary in doctree.findall(addnodes.glossary):
        for term in glossary.findall(nodes.term):
            found = language(term.astext())
            if found:
                term["classes"].append(f"language-{found}")


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("doctree-read", mark_languages)
