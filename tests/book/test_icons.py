"""Of the icon fonts, what the site shows stays."""

import pytest

pytest.importorskip("pydata_sphinx_theme")
pytest.importorskip("brotli")

from io import BytesIO

from fontTools.ttLib import TTFont

from twice.book import icons

CSS = '.fa-sun:before{content:"\\f185"}.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}:root{--note:"\uf0f3"}'


def test_both_names_of_an_icon_are_known():
    assert icons.named_icons(CSS) == {"fa-sun": 0xF185, "fa-bars": 0xF0C9, "fa-navicon": 0xF0C9}


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("", {0xF0F3}),
        ('<i class="fa-solid fa-sun">', {0xF0F3, 0xF185}),
        ('el.className = "fas fa-navicon"', {0xF0F3, 0xF0C9}),
        ("fa-sunny", {0xF0F3}),
    ],
)
def test_what_pages_name_and_what_the_style_sheet_shows_itself(page, expected):
    assert icons.shown(CSS, [page]) == expected


def test_the_cut_font_keeps_these_glyphs_alone():
    whole = (icons.theme_fonts() / "fa-solid-900.woff2").read_bytes()
    cut = icons.subset(whole, {0xF185, 0xF0C9})
    assert set(TTFont(BytesIO(cut)).getBestCmap()) == {0xF185, 0xF0C9}
    assert len(cut) < len(whole) / 20
