"""The built site, served to a real Chromium."""

import gzip
import os
import re
import shutil
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from site_pages import SITE
from twice.book.serve import server

# The page stands still: it has no formulas, or MathJax has drawn them.
READY = "!document.querySelector('.math') || window.MathJax?.startup?.promise?.then(() => true)"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDE = {"viewport": {"width": 1400, "height": 900}, "color_scheme": "light"}
NARROW = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium: on Debian and Ubuntu type `sudo apt install chromium`")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=ARGUMENTS + root)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").exists():
        pytest.skip("no built site: type `make site`")
    with server(SITE) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def watch(page, site):
    """`page.trouble` collects what a reader would not see, `page.answers` what the site was asked for."""
    page.trouble, page.answers = [], []
    page.on("response", lambda r: page.answers.append(r))
    page.on("console", lambda m: m.type in ("error", "warning") and page.trouble.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda error: page.trouble.append(f"error: {error}"))
    page.on("requestfailed", lambda request: page.trouble.append(f"failed: {request.url}"))
    page.on("response", lambda r: r.status >= 400 and page.trouble.append(f"{r.status}: {r.url}"))
    page.on("request", lambda r: r.url.startswith((site, "data:", "blob:")) or page.trouble.append(f"left: {r.url}"))
    return page


@pytest.fixture
def visit(chromium, site):
    """Open a page of the site in a fresh profile."""
    contexts = []

    def open_page(path, width=1400, height=900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = watch(context.new_page(), site)
        page.goto(site + path, wait_until="load")
        if options.get("java_script_enabled", True):
            page.wait_for_function(READY)
        return page

    yield open_page
    for context in contexts:
        context.close()


@dataclass
class Look:
    """What one visit of a page has shown: each test asks for a part of it."""

    trouble: list[str]
    facts: dict[str, Any]
    violations: list[str]
    bytes: dict[str, int]


@pytest.fixture(scope="session")
def look(chromium, site):
    """Each page is opened once wide by day and once narrow by night; all tests look at the same two visits."""
    pages, seen = {}, {}

    def at(path, mode):
        if mode not in pages:
            context = chromium.new_context(**{"wide": WIDE, "narrow": NARROW}[mode])
            context.route("**/*", lambda route: route.continue_())  # without the browser's cache: each visit is a first
            pages[mode] = context.new_page()
            watch(pages[mode], site)
        if (path, mode) not in seen:
            seen[path, mode] = inspect(pages[mode], site + path)
        return seen[path, mode]

    yield at
    for page in pages.values():
        page.context.close()


FACTS = Path(__file__).with_name("facts.js").read_text(encoding="utf-8")


def inspect(page, address):
    """Open, wait until it stands still, note."""
    page.trouble.clear()
    page.answers.clear()
    page.goto(address, wait_until="load")
    page.wait_for_function(READY)
    page.wait_for_timeout(50)  # what reacts to `load` has run
    bytes = {answer.url: weight(answer) for answer in page.answers if answer.ok}
    facts, trouble = page.evaluate(FACTS), list(page.trouble)  # axe-core reads the style sheets itself, not always well
    found = violations(page)
    page.emulate_media(media="print")
    facts["printed"] = page.evaluate(PRINTED)
    page.emulate_media(media="screen")
    return Look(trouble, facts, found, bytes)


NAVIGATION = "nav, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, [role=tab]"
PRINTED = f"""[...document.querySelectorAll("{NAVIGATION}")]
    .filter(element => element.checkVisibility()).map(element => element.outerHTML.slice(0, 80))"""


def weight(answer):
    """The bytes of an answer as a web server sends them, figures apart."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("image/"):
        return 0
    body = answer.body()
    if kind.startswith("text/html"):
        body = re.sub(rb"<svg\b.*?</svg>|data:image/[^\"')]+", b"", body, flags=re.DOTALL)
    return len(body) if "font" in kind or answer.url.endswith(("woff", "woff2")) else len(gzip.compress(body))


def violations(page):
    """What axe-core finds, from moderate on."""
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.submodule_search_locations
    page.evaluate((Path(found.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8"))
    answer = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{rule['impact']} {rule['id']}: {node['html'][:120]}"
        for rule in answer["violations"]
        if rule["impact"] != "minor"
        for node in rule["nodes"]
    ]
