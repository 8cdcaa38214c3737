"""The built site, served to a real Chromium."""

import os
import shutil
import threading

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


@pytest.fixture
def visit(chromium, site):
    """Open a page of the site in a fresh profile; `trouble` collects what a reader would not see."""
    contexts = []

    def open_page(path, width=1400, height=900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.trouble, page.answers = [], []
        page.on("response", lambda r: page.answers.append(r))
        page.on("console", lambda m: m.type in ("error", "warning") and page.trouble.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: page.trouble.append(f"error: {error}"))
        page.on("requestfailed", lambda request: page.trouble.append(f"failed: {request.url}"))
        page.on("response", lambda r: r.status >= 400 and page.trouble.append(f"{r.status}: {r.url}"))
        page.on(
            "request", lambda r: r.url.startswith((site, "data:", "blob:")) or page.trouble.append(f"left: {r.url}")
        )
        page.goto(site + path, wait_until="load")
        if options.get("java_script_enabled", True):
            page.wait_for_function(READY)
        return page

    yield open_page
    for context in contexts:
        context.close()
