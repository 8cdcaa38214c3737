"""Every link and every file that a page of the built site names is there."""

import sys
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from site_pages import PAGES, SITE

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOST = "http://site/"


class Names(HTMLParser):
    """What a page leads to, and the places on it that can be led to."""

    def __init__(self):
        super().__init__()
        self.links, self.places = set(), set()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[name] for name in ("id", "name") if found.get(name)}
        named = found.get("src") or (found.get("href") if found.get("rel") != "canonical" else None)
        if named:
            self.links.add(named)


@cache
def names(path):
    reader = Names()
    reader.feed((SITE / path).read_text(encoding="utf-8"))
    return reader


def broken(path):
    """The links of a page that lead nowhere within the site."""
    for link in sorted(names(path).links):
        address, place = urldefrag(urljoin(HOST + path, link))
        if not address.startswith(HOST):
            continue
        there = unquote(urlsplit(address).path).lstrip("/")
        if not (SITE / there).is_file():
            yield f"{link}: no such file"
        elif place and there.endswith(".html") and unquote(place) not in names(there).places:
            yield f"{link}: no such place"


@pytest.mark.parametrize("path", PAGES)
def test_internal_links_resolve(path):
    assert list(broken(path)) == []


def test_a_broken_link_would_be_found(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text('<a href="b.html">b</a> <a href="#no">no</a> <a id="yes" href="#yes">yes</a>')
    monkeypatch.setattr(sys.modules[__name__], "SITE", tmp_path)
    assert list(broken("a.html")) == ["#no: no such place", "b.html: no such file"]
