"""The ledger: every number that the source documents print, beside the one that the code computes.

    from twice.claims import LEDGER
    LEDGER.find(chapter="pooling")              # a table, in a terminal or a notebook
    twice claims --document D --verdict differs

A claim *agrees* when the numbers are equal, *rounds* when they are equal once rounded to the printed digits, *differs*
when they are not, with the reason, and is *cited* when it cannot be computed here. `check` tells whether that is true.
"""

from twice.claims import (
    convolution,
    early,
    fully_connected,
    googlenet,
    modern,
    pooling,
    sequences,
    start,
    training,
    vgg,
)
from twice.claims.ledger import DOCUMENTS, HEADER, VERDICTS, Claim, Finding, Ledger, cells, check, counts

__all__ = [
    "CHAPTERS",
    "DOCUMENTS",
    "HEADER",
    "LEDGER",
    "VERDICTS",
    "Claim",
    "Finding",
    "Ledger",
    "as_rows",
    "cells",
    "check",
    "counts",
]

_MODULES = (start, convolution, pooling, fully_connected, training, early, vgg, googlenet, modern, sequences)
LEDGER = Ledger(claim for module in _MODULES for claim in module.CLAIMS)
CHAPTERS = tuple(dict.fromkeys(claim.chapter for claim in LEDGER))


def as_rows(
    chapter: str | None = None, document: str | None = None, verdict: str | None = None, id: str | None = None
) -> Ledger:
    """The rows that a page shows: of a chapter, of a document, with a verdict, or with ids that begin so."""
    return LEDGER.find(chapter, document, verdict, id)
