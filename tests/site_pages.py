"""The pages of the built site, for the tests that open each of them; the root only leads to the first."""

from pathlib import Path

SITE = Path(__file__).parents[1] / "_build" / "html"
FOUND = [p.relative_to(SITE) for p in SITE.rglob("*.html")]
PAGES = sorted(p.as_posix() for p in FOUND if "_static" not in p.parts and p.as_posix() != "index.html")
