"""Icons: of the theme's two thousand, the site keeps the glyphs that it shows (270 KB become a few)."""

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAMED = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"(\\[0-9a-f]{2,4}|.)"\}')
PRIVATE = range(0xE000, 0xF900)  # where an icon font keeps its glyphs


def code(content: str) -> int:
    """The character that a style sheet writes as itself or as \\f09b."""
    return int(content[1:], 16) if content.startswith("\\") else ord(content)


def named_icons(css: str) -> dict[str, int]:
    """Each `fa-…` class of the style sheet and its character."""
    rules = NAMED.findall(css)
    return {name: code(content) for names, content in rules for name in re.findall(r"\.(fa-[\w-]+):", names)}


def shown(css: str, pages: Iterable[str]) -> set[int]:
    """The icons that pages and scripts name, and those that the style sheet shows by itself."""
    icons = named_icons(css)
    named = {icons[name] for page in pages for name in re.findall(r"\bfa-[\w-]+", page) if name in icons}
    unnamed = NAMED.sub("", css)
    written = {ord(letter) for letter in unnamed} | {
        int(digits, 16) for digits in re.findall(r"\\([ef]\w{3})", unnamed)
    }
    return named | {character for character in written if character in PRIVATE}


def subset(font: bytes, characters: set[int]) -> bytes:
    """The same font (WOFF2) with the glyphs of these characters alone."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    reader = TTFont(BytesIO(font))
    worker = Subsetter(Options(layout_features=[], notdef_outline=True))
    worker.populate(unicodes=characters)
    worker.subset(reader)
    reader.flavor = "woff2"
    smaller = BytesIO()
    reader.save(smaller)
    return smaller.getvalue()


def theme_fonts() -> Path:
    """The theme's own fonts, whole: those in the site may be cut already."""
    import pydata_sphinx_theme

    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    return theme / "static" / "vendor" / "fontawesome" / "webfonts"


def keep_what_is_shown(app: "Sphinx", error: Exception | None) -> None:
    """After the build: cut the fonts, drop their copies in the older format."""
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    read = [path.read_text(encoding="utf-8") for suffix in ("html", "js") for path in site.rglob(f"*.{suffix}")]
    css = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    characters = shown(css, read)
    folder = site / "_static" / "vendor" / "fontawesome" / "webfonts"
    for original in theme_fonts().glob("*.woff2"):
        (folder / original.name).write_bytes(subset(original.read_bytes(), characters))
    for older in folder.glob("*.ttf"):
        older.unlink()


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("build-finished", keep_what_is_shown)
