"""Interactive figures: they run in the page without a kernel, and a still of their first state stands in for them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from twice.book.drawing import inline
from twice.book.interactive import optimiser_paths, pooling_shift, receptive_field, scoreboard, sliding_kernel
from twice.book.interactive.state import Figure, one_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx


FIGURES = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module.FIGURE
    for module in (sliding_kernel, receptive_field, pooling_shift, optimiser_paths, scoreboard)
}


def named(name: str) -> Figure:
    """The figure of that name."""
    return FIGURES[one_of("the figure", name, FIGURES)]


def still(name: str, alt: str, preset: str | None = None, settings: str = "") -> str:
    """What stands on paper, in notebooks and where no script runs: the first state as SVG, computed by the library."""
    figure = named(name)
    return inline(figure.still(figure.first(preset, settings)[1]), alt)


def data(name: str, preset: str | None, settings: str) -> Mapping[str, Any]:
    """What the script reads: all presets, and the state it begins with."""
    figure = named(name)
    chosen, state = figure.first(preset, settings)
    return {"title": figure.title, "preset": chosen, "presets": {**figure.presets, chosen: state}}


def html(name: str, alt: str, preset: str | None = None, settings: str = "") -> str:
    """The still, and beside it the data from which the script builds the figure that takes its place."""
    packed = json.dumps(data(name, preset, settings), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div data-interactive="{name}">\n<div class="still">{still(name, alt, preset, settings)}</div>\n'
        f'<script type="application/json">{packed}</script>\n</div>'
    )


class Interactive(SphinxDirective):
    """`{interactive} sliding-kernel` with `:alt:`, if need be `:preset:` and `:set:`; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {
        "alt": directives.unchanged_required,
        "preset": directives.unchanged_required,
        "set": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """A figure that knows its name, so that the page gets the script."""
        name = self.arguments[0]
        if "alt" not in self.options:
            raise self.error(f"interactive: {name} has no :alt:, expected one sentence that says what it shows first")
        try:
            content = html(name, self.options["alt"], self.options.get("preset"), self.options.get("set", ""))
        except ValueError as error:
            raise self.error(str(error)) from None
        caption = self.parse_content_to_nodes()
        if [type(node) for node in caption] != [nodes.paragraph]:
            raise self.error(f"interactive: {name} has {len(caption)} blocks as its caption, expected one paragraph")
        figure = nodes.figure("", nodes.raw("", content, format="html"), classes=["interactive"])
        figure["interactive"] = name
        figure += nodes.caption("", "", *caption[0].children)
        return [figure]


def add_scripts(app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """A page loads what its figures need, and no more."""
    figures = doctree.findall(nodes.figure) if doctree is not None else ()
    names = sorted({figure["interactive"] for figure in figures if "interactive" in figure})
    if names:
        app.add_css_file("interactive/interactive.css")
    for name in names:
        app.add_js_file(f"interactive/{name}.js", type="module")


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("interactive", Interactive)
    app.connect("html-page-context", add_scripts)
