"""Accessibility: what the theme leaves out for those who listen to a page or go through it by keyboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

WRONG = {
    '<div role="list" class="citation-list">': "<div>",  # its entries are no items of a list
    '<summary aria-label="Toggle hidden content">': "<summary>",  # it has words of its own
}
TEMPLATES = Path(__file__).resolve().parent / "templates"


def add_templates(app: "Sphinx", config: Any) -> None:
    """Ours stand beside the theme's."""
    config.templates_path.append(str(TEMPLATES))


def put_the_logo_into_a_landmark(
    app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """The theme sets the link to the front page outside of all landmarks."""
    replaced = {"navbar-logo.html": "front-page-link.html"}
    context["sidebars"] = [replaced.get(name, name) for name in context.get("sidebars") or []]


def correct_roles(app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """What docutils and MyST-NB say of elements is not what they are."""
    for wrong, right in WRONG.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("config-inited", add_templates)
    app.connect("html-page-context", put_the_logo_into_a_landmark)
    app.connect("html-page-context", correct_roles)
    app.add_js_file("scroll.js", loading_method="defer")
    app.add_js_file("page.js", loading_method="defer")
