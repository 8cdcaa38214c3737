"""CSV files that a spreadsheet can open safely: written so that no cell is a formula, read back as they were."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from twice.grade.store import write_atomically

# What Excel, LibreOffice and Google Sheets take for the start of a formula (OWASP, "CSV Injection").
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Cell = str | int | float | None


def safe(cell: Cell) -> str:
    """The text of a cell; an apostrophe stands before what a spreadsheet would compute."""
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return number(cell)
    text = cell.replace("\0", "")
    return f"'{text}" if _is_formula(text) or _is_escaped(text) else text


def plain(text: str) -> str:
    """The cell as it was before `safe`."""
    return text[1:] if _is_escaped(text) else text


def number(value: float) -> str:
    """At most two decimals, none for a whole number: 7.5, 10, 3.33."""
    return f"{round(value, 2):.2f}".rstrip("0").rstrip(".")


def _is_formula(text: str) -> bool:
    return text.startswith(DANGEROUS) and text != "-"  # Moodle writes a lone hyphen for "none"


def _is_escaped(text: str) -> bool:
    """An apostrophe that `safe` wrote, or one that reads like it."""
    return text.startswith("'") and text.lstrip("'").startswith(DANGEROUS)


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A CSV in UTF-8, with the mark that Excel needs to see that."""
    write_atomically(path, ("\ufeff" + text(header, rows)).encode())


def text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The CSV as a text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([map(safe, header), *(map(safe, row) for row in rows)])
    return out.getvalue()


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV as a spreadsheet or a learning management system saves it."""
    decoded = _decoded(path.read_bytes())
    separator = max(",;\t", key=decoded.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(decoded, newline=""), delimiter=separator))
    header = [plain(cell).strip() for cell in rows[0]] if rows else []
    return header, [dict(zip(header, map(plain, row))) for row in rows[1:] if any(row)]


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")  # Excel's "Unicode Text"
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # Excel's plain "CSV" on Western Windows


def column(header: Sequence[str], names: Sequence[str]) -> str | None:
    """The first of `names` that the header has, in any case of letters."""
    lower = {title.lower(): title for title in header}
    return next((lower[name.lower()] for name in names if name.lower() in lower), None)


def cell(row: Mapping[str, str], title: str | None) -> str:
    """The stripped text below a title, empty where there is none."""
    return (row.get(title, "") if title else "").strip()
