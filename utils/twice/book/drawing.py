"""Drawings: an SVG file set into the page itself, so that it follows the page's colours, light and dark."""

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def inline(svg: str, alt: str) -> str:
    """The `<svg>` element alone, as one image that says `alt` to those who do not see it."""
    element = svg[svg.index("<svg") :]
    return re.sub(r"<svg\b", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', element, count=1)


class Drawing(SphinxDirective):
    """`{drawing} path.svg` with `:alt:`; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required, "class": directives.class_option}

    def run(self) -> list[nodes.Node]:
        """A figure with the drawing in it; the page is built again when the file changes."""
        if "alt" not in self.options:
            raise self.error(
                f"drawing: {self.arguments[0]} has no :alt:, expected one sentence that says what it shows"
            )
        relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(relative)
        svg = inline(Path(path).read_text(encoding="utf-8"), self.options["alt"])
        figure = nodes.figure(
            "", nodes.raw("", svg, format="html"), classes=["drawing", *self.options.get("class", [])]
        )
        if self.content:
            caption = nodes.caption()
            self.state.nested_parse(self.content, self.content_offset, caption)
            figure += nodes.caption("", "", *caption.children[0].children) if caption.children else caption
        return [figure]


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("drawing", Drawing)
