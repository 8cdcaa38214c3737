"""The certificate: rows of comparisons, as a table in a terminal and in a notebook."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
            return f"{self.title}: {len(failed)} of {len(self.rows)} comparisons differ"
        return f"{self.title}: all {len(self.rows)} comparisons agree"

    def __repr__(self) -> str:
        table = [HEADER, *(row.cells() for row in shortened(self.rows))]
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]
        lines.insert(1, "  ".join("─" * width for width in widths))
        return "\n".join([self.summary(), *lines])

    def _repr_html_(self) -> str:
        """A table in the colours of the page around it, light or dark."""
        cell = "padding:.15em .8em;text-align:{};border:0;border-bottom:1px solid;background:none;color:inherit"

        def line(cells: Sequence[str], tag: str, weight: str) -> str:
            aligns = ("left", "left", "left", "right", "right", "left")
            return f'<tr style="background:none;font-weight:{weight}">' + "".join(
                f'<{tag} style="{cell.format(align)}">{html.escape(text)}</{tag}>' for text, align in zip(cells, aligns)
            )

        body = [line(row.cells(), "td", "normal" if row.passed else "bold") for row in shortened(self.rows)]
        return (
            '<div style="overflow-x:auto;color:inherit"><table style="border-collapse:collapse;color:inherit">'
            f'<caption style="caption-side:top;text-align:left;color:inherit">{html.escape(self.summary())}</caption>'
            f"<thead>{line(HEADER, 'th', 'bold')}</thead><tbody>{''.join(body)}</tbody></table></div>"
        )


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
