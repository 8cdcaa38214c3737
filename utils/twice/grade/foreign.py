"""A notebook from outside, of format 3 or 4: read without believing that anything in it is what it should be."""

import json
from collections.abc import Mapping
from typing import Any

from twice.grade.archive import Refused

Cell = Mapping[str, Any]


def parsed(content: bytes) -> dict[str, Any]:
    """The notebook in these bytes; raises Refused with the reason where there is none."""
    if not content.strip():
        raise Refused("The file is empty.")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused("The file is not text in UTF-8.") from None
    except (ValueError, RecursionError) as trouble:
        raise Refused(f"The file is not JSON, as a notebook must be ({_where(trouble)}).") from None
    if not isinstance(notebook, dict) or not cells(notebook):
        raise Refused("The file is JSON but holds no cells of a notebook.")
    return notebook


def _where(trouble: Exception) -> str:
    if isinstance(trouble, json.JSONDecodeError):
        return f"line {trouble.lineno}, column {trouble.colno}"
    return "nested too deeply" if isinstance(trouble, RecursionError) else "a number is too long"


def cells(notebook: object) -> list[Cell]:
    """Format 4 has one list of cells, format 3 one in each worksheet; what is no cell is left out."""
    sheets = notebook.get("worksheets") if isinstance(notebook, Mapping) else None
    holders = [notebook, *(sheets if isinstance(sheets, list) else [])]
    lists = [holder.get("cells") for holder in holders if isinstance(holder, Mapping)]
    return [cell for found in lists if isinstance(found, list) for cell in found if isinstance(cell, Mapping)]


def source(cell: Cell) -> str:
    """Format 3 calls the source of code its input; a source is a string or a list of lines."""
    found = cell.get("source", cell.get("input", ""))
    lines = found if isinstance(found, list) else [found]
    return "".join(line for line in lines if isinstance(line, str)).replace("\r\n", "\n")


def tag(cell: Cell, room: str) -> Mapping[str, Any]:
    """What the cell's metadata hold for `nbgrader` or `twice`."""
    metadata = cell.get("metadata")
    found = metadata.get(room) if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def name(cell: Cell, room: str, key: str) -> str:
    """A word of a cell's tag; '' where there is none."""
    found = tag(cell, room).get(key)
    return found if isinstance(found, str) else ""
