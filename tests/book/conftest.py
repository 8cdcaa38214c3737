"""A small book in a fresh folder."""

import pytest

from small_book import write


@pytest.fixture
def book(tmp_path):
    return lambda pages: write(tmp_path, pages)
