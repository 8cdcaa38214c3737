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
    "cells",
    "check",
    "counts",
]

_MODULES = (start, convolution, pooling, fully_connected, training, early, vgg, googlenet, modern, sequences)
LEDGER = Ledger(claim for module in _MODULES for claim in module.CLAIMS)
CHAPTERS = {  # the parts of the book that have claims, by their short names
    "start": "Start",
    "convolution": "Convolution",
    "pooling": "Pooling",
    "fully-connected": "Fully connected layers",
    "training": "Training",
    "classic": "Classic networks",
    "sequences": "Sequences and attention",
}
