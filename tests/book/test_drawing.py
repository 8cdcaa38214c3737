"""Drawings are set into the page and say what they show."""

import pytest

pytest.importorskip("sphinx")

from twice.book.drawing import inline


def test_the_declaration_before_the_element_is_left_out():
    svg = inline('<?xml version="1.0"?>\n<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>\n', "A path.")
    assert svg.startswith('<svg role="img" aria-label="A path." viewBox="0 0 1 1">')


def test_the_description_cannot_break_the_page():
    assert 'aria-label="x &lt; &quot;y&quot;"' in inline("<svg></svg>", 'x < "y"')
