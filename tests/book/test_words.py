"""The glossary's languages."""

import pytest

pytest.importorskip("sphinx")

from twice.book.words import language

WORDS = [("stride", None), ("步长", "zh"), ("스트라이드", "ko"), ("합성곱 卷积", "ko"), ("ReLU 函数", "zh")]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_the_letters_tell_the_language(text, expected):
    assert language(text) == expected
