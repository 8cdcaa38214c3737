"""The certificate: rows of comparisons, as a table in a terminal and in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twice.tables import Line, as_html, headed, plain

SHOWN = 24  # a longer table shows the worst row of each kind and every row that failed


@dataclass(frozen=True)
class Row:
    """One comparison: its largest difference or, if some are too large, the one furthest beyond what is allowed."""

    what: str
    device: str
    dtype: str
    difference: float
    allowed: float
    passed: bool
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        verdict = "same" if self.passed else f"DIFFERENT {self.note}".rstrip()
        return self.what, self.device, self.dtype, f"{self.difference:.1e}", f"{self.allowed:.1e}", verdict


HEADER = ("what", "device", "dtype", "largest difference", "allowed", "verdict")


@dataclass(frozen=True)
class Certificate:
    """The rows of a comparison; it prints as a table, in a terminal and in a notebook."""

    title: str
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        return bool(self.rows) and all(row.passed for row in self.rows)

    def raise_if_failed(self) -> "Certificate":
        """Raise an AssertionError with the table unless everything agreed; else answer the certificate."""
        if not self.passed:
            raise AssertionError(str(self))
        return self

    def summary(self) -> str:
        failed = [row for row in self.rows if not row.passed]
        if failed:
            return headed(self.title, f"{len(failed)} of {len(self.rows)} comparisons differ")
        return headed(self.title, f"all {len(self.rows)} comparisons agree")

    def __repr__(self) -> str:
        return plain(self.summary(), HEADER, self._lines())

    def _repr_html_(self) -> str:
        return as_html(self.summary(), HEADER, self._lines(), right=(3, 4))

    def _lines(self) -> list[Line]:
        return [Line(row.cells(), strong=not row.passed) for row in shortened(self.rows)]


def shortened(rows: Sequence[Row]) -> list[Row]:
    """All rows, or of many the worst of each kind (its name says of how many) and every one that failed."""
    if len(rows) <= SHOWN:
        return list(rows)
    kinds: dict[tuple, list[Row]] = {}
    for row in rows:
        kind = "∂" if row.what.startswith("∂") else row.what
        kinds.setdefault((kind, row.device, row.dtype), []).append(row)
    shown = []
    for group in kinds.values():
        agreeing = [row for row in group if row.passed]
        shown += [row for row in group if not row.passed]
        if agreeing:
            worst = max(agreeing, key=lambda row: row.difference / row.allowed if row.allowed else 0.0)
            more = f" (worst of {len(agreeing)})" if len(agreeing) > 1 else ""
            shown.append(replace(worst, what=worst.what + more))
    return shown
