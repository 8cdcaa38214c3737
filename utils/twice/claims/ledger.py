"""A claim: a number that a document prints, the function that computes it again, and the verdict between the two.

The document's number stands once, as it is printed; its digits say how exact it means to be.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twice.tables import Line, as_html, plain

DOCUMENTS = {  # the five sets of lecture slides
    "A": "in Chinese: applications, the layers of a network, AlexNet to ResNet",
    "B": "in Chinese: optimisers, LeNet to MobileNet, recurrent networks, attention, Transformers",
    "C": "in Chinese: AlexNet in depth, from ImageNet's images to inference",
    "D": "in Korean and English: from the visual cortex to ResNet, with tables of parameters",
    "E": "in English and Chinese: the classic networks",
}
VERDICTS = {
    "agrees": "the code computes the very number",
    "rounds": "the code computes a number that, rounded to the digits on the slide, is the slide's",
    "differs": "the code computes another number; the row says why",
    "cited": "nothing here can compute it: an error on ImageNet, a year; the row names the source",
}
HEADER = ("claim", "document", "where", "said", "computed", "verdict", "why")


@dataclass(frozen=True)
class Claim:
    """One row of the ledger."""

    chapter: str
    id: str
    documents: str  # letters from A to E: those that print the number
    said: str  # as they print it
    where: str
    verdict: str
    compute: Callable[[], Any] | None = None
    why: str = ""  # why it differs, or what to know beside a number that is right
    source: str = ""  # the paper of a number that cannot be computed here
    value: Any = None  # the number where `said` has it in words or symbols
    to: float = 0  # rounded to this instead of to its last digit: 100,000 for "600 K"
    kilo: int = 1000  # what a small k means: some tables count thousands of 1024


@dataclass(frozen=True)
class Finding:
    """What came out when a claim was computed again."""

    claim: Claim
    computed: Any
    verdict: str  # of this computation

    @property
    def holds(self) -> bool:
        """Whether the ledger's verdict is true."""
        return self.verdict == self.claim.verdict


# ── the printed number ──────────────────────────────────────────────────────────────────────────────────────────

NUMBER = re.compile(
    r"(?<![\w.)])(?P<sign>[-−]?)(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d*\.?\d+)"
    r"(?:\s?×\s?10\^(?P<times>\d+)|\^(?P<power>\d+))?"
    r"(?:\s?(?P<unit>[kKMG])(?![A-Za-z]))?"
)
UNITS = {"K": 10**3, "M": 10**6, "G": 10**9}


def numbers_in(said: str, kilo: int = 1000) -> list[tuple[float, float]]:
    """The numbers of a text, each with the worth of its last digit: "138 M" is 138,000,000 to the million."""
    text = re.sub(r"(?<=\d)[x*×-](?=\d(?!\d*\^))", " ", said).replace("MB", "M")
    return [_number(match, kilo) for match in NUMBER.finditer(text)]


def _number(match: re.Match, kilo: int) -> tuple[float, float]:
    digits, unit = match["digits"].replace(",", ""), match["unit"]
    if match["power"]:
        return int(digits) ** int(match["power"]), 1
    scale = kilo if unit == "k" else UNITS.get(unit, 1)
    scale *= 10 ** int(match["times"] or 0)
    decimals = len(digits.partition(".")[2])
    number = float(digits) if decimals else int(digits)
    return (-number if match["sign"] else number) * scale, scale / 10**decimals


# ── the verdict ─────────────────────────────────────────────────────────────────────────────────────────────────


def check(claim: Claim) -> Finding:
    """Compute a claim again and judge it anew."""
    if claim.compute is None:
        return Finding(claim, None, "cited" if claim.source else "without a source")
    computed = claim.compute()
    return Finding(claim, computed, judge(claim, computed))


def judge(claim: Claim, computed: Any) -> str:
    """Equal, equal when rounded to the printed digits, or different."""
    said, worth = printed(claim)
    found = np.ravel(np.asarray(computed, float))
    if found.shape != said.shape:
        return "differs"
    if np.allclose(found, said, rtol=1e-12, atol=1e-12):
        return "agrees"
    return "rounds" if (np.abs(found - said) <= worth * (0.5 + 1e-9)).all() else "differs"


def printed(claim: Claim) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that a claim prints and what each is rounded to."""
    if claim.value is not None:
        said = np.ravel(np.asarray(claim.value, float))
        return said, np.full(said.shape, float(claim.to))
    pairs = np.array(numbers_in(claim.said, claim.kilo), float).reshape(-1, 2)
    return pairs[:, 0], np.maximum(pairs[:, 1], claim.to)


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────


class Ledger:
    """Claims, found and shown: `ledger.find(chapter="pooling")` is a ledger, too."""

    def __init__(self, claims: Iterable[Claim]):
        self.claims = tuple(claims)

    def __iter__(self) -> Any:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def find(
        self,
        chapter: str | None = None,
        document: str | None = None,
        verdict: str | None = None,
        id: str | tuple[str, ...] | None = None,
    ) -> "Ledger":
        """The claims of a chapter, of a document, of a verdict, with ids that begin so, or in one of several ways."""
        _known("chapter", chapter, list(dict.fromkeys(claim.chapter for claim in self.claims)) if chapter else ())
        _known("document", document, DOCUMENTS)
        _known("verdict", verdict, VERDICTS)
        return Ledger(
            claim
            for claim in self.claims
            if chapter in (None, claim.chapter)
            and (document is None or document in claim.documents)
            and verdict in (None, claim.verdict)
            and (id is None or claim.id.startswith(id))
        )

    def check(self) -> list[Finding]:
        """Every claim computed again."""
        return [check(claim) for claim in self.claims]

    def __repr__(self) -> str:
        return plain(self._title(), HEADER, [Line(cells(finding)) for finding in self.check()])

    def _repr_html_(self) -> str:
        lines = [Line(cells(finding), strong=finding.claim.verdict == "differs") for finding in self.check()]
        return as_html(self._title(), HEADER, lines, height="32em")

    def _title(self) -> str:
        return f"{len(self)} claims: {counts(self.claims)}"


def _known(name: str, value: str | None, allowed: Iterable[str]) -> None:
    if value is not None and value not in allowed:
        raise ValueError(f"claims: {name} is {value!r}, expected one of {', '.join(allowed)}")


def counts(claims: Iterable[Claim]) -> str:
    """How many claims have each verdict."""
    verdicts = [claim.verdict for claim in claims]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS)


def cells(finding: Finding) -> tuple[str, ...]:
    """A claim's texts, in the order of the header; a verdict that no longer holds says what is true instead."""
    claim = finding.claim
    verdict = claim.verdict if finding.holds else f"{claim.verdict}? now: {finding.verdict}"
    why = claim.why or claim.source
    computed = "–" if finding.computed is None else text(finding.computed)
    return claim.id, ", ".join(claim.documents), claim.where, claim.said, computed, verdict, why


def text(value: Any) -> str:
    """A computed number or array, as short as its kind allows."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text, value))}]"
    return f"{value:,}" if isinstance(value, int | np.integer) else f"{value:,.6g}"
