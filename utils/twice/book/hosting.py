"""Self-hosting: no request leaves the site's own host, and no page loads what it does not use."""

import filecmp
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

STATIC = Path(__file__).resolve().parent / "static"
MATHJAX = {
    "loader": {"load": ["input/tex", "[tex]/boldsymbol", "output/chtml", "a11y/assistive-mml"]},
    # Without autoload and require, an unknown macro shows as such instead of asking for a file that is not there.
    "tex": {"packages": {"[+]": ["boldsymbol"], "[-]": ["autoload", "require"]}},
}
UNUSED = ("sphinx-thebe.css", "design-tabs.js")  # Thebe is off, and no page has sphinx-design's tabs
STUB = "/* The icons come from the style sheet's fonts; the theme's icon script would draw them a second time. */\n"


def add_our_static(app: "Sphinx", config: Any) -> None:
    """Our own static folder: Jupyter Book would load every script that it finds under `_static` on every page."""
    config.html_static_path.append(str(STATIC))
    config.mathjax_path = "vendor/mathjax/startup.js"
    config.mathjax3_config = MATHJAX


def pages_with_older_files(
    app: "Sphinx", env: "BuildEnvironment", added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """All pages when a style sheet or a script of ours changed: they name it with a digest of what it says."""
    served = Path(app.outdir) / "_static"
    files = [source.relative_to(STATIC) for source in STATIC.rglob("*") if source.is_file()]
    current = all((served / file).exists() and filecmp.cmp(STATIC / file, served / file, False) for file in files)
    return [] if current else sorted(env.found_docs - added - changed - removed)


def silence_thebe(app: "Sphinx", config: Any) -> None:
    """Thebe is off, yet its extension adds a script to each page that breaks the console and names another host."""
    for listeners in list(app.events.listeners.values()):
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe" and listener.handler.__name__ != "st_static_path":
                app.disconnect(listener.id)


def drop_what_no_page_uses(app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The style sheets and scripts of extensions that Jupyter Book always loads."""
    for kind in ("css_files", "script_files"):
        context[kind] = [asset for asset in context.get(kind, []) if not file_of(asset).endswith(UNUSED)]


def file_of(asset: Any) -> str:
    """`_static/name.css`, without the version behind it."""
    return str(getattr(asset, "filename", asset) or "").partition("?")[0]


def name_the_front_page(app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The browser's tab would say the book's name twice."""
    if page == app.config.root_doc:
        context["title"] = "Deep vision from NumPy to CUDA"


def lighten(app: "Sphinx", error: Exception | None) -> None:
    """Replace the icon script (1.5 MB) by a stub; source maps are for the theme's developers."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "scripts" / "fontawesome.js").write_text(STUB, encoding="utf-8")
    for source_map in static.rglob("*.map"):
        source_map.unlink()


def remove_what_is_no_page(app: "Sphinx", error: Exception | None) -> None:
    """A page that left the book would stay in the site."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    kept = {*app.env.found_docs, "index", "search", "genindex"}
    for page in site.rglob("*.html"):
        name = page.relative_to(site).with_suffix("").as_posix()
        if name not in kept and not name.startswith("_"):
            page.unlink()
            (site / "_sources" / f"{name}.ipynb").unlink(missing_ok=True)


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("config-inited", add_our_static)
    app.connect("config-inited", silence_thebe)
    app.connect("env-get-outdated", pages_with_older_files)
    app.connect("html-page-context", name_the_front_page)
    app.connect("html-page-context", drop_what_no_page_uses, priority=900)
    app.connect("build-finished", lighten)
    app.connect("build-finished", remove_what_is_no_page)
    app.add_css_file("site.css")
    app.add_js_file("pairs.js", loading_method="none")
