"""What cells print: tables are told from running text."""

import pytest
from docutils import nodes
from docutils.utils import new_document

from twice.book.printed import in_columns, mark_columns

TABLE = "layer     parameters\nconv1         14,720\nconv2        307,456"
ARRAY = "[[ 1.  0.5]\n [-2.  3. ]]"


@pytest.mark.parametrize("text", [TABLE, ARRAY, "first a line of words\n" + TABLE, "[1 2 3]\n[4 5 6]"])
def test_tables_and_arrays_stand_in_columns(text):
    assert in_columns(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line  with room",
        "It is right.\nIt is wrong.",
        "    indented words\n    and more of them",
        "[a] is b\n[c] is d",
    ],
)
def test_running_text_does_not(text):
    assert not in_columns(text)


def test_only_what_was_printed_is_marked():
    document = new_document("page")
    printed, words, code = (nodes.literal_block(text, text) for text in (TABLE, "words", TABLE))
    for block in (printed, words):
        block["classes"] += ["output", "stream"]
    document += [printed, words, code]
    mark_columns(None, document)
    assert ["columns" in block["classes"] for block in (printed, words, code)] == [True, False, False]
