"""A result of a run: what was measured, where, with what, by which code; written to a file, read, shown."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from twice.machine import described
from twice.tables import Line, as_html, plain

PACKAGE = Path(__file__).resolve().parents[1]
SCALES = ("small", "medium", "full")
# What an experiment's numbers depend on, beside its own file.
MADE_WITH = (
    "autograd.py blocks.py creation.py data functions kernels networks nn optim runs/training.py summary train worlds"
)


@dataclass(frozen=True)
class Result:
    """`rows` is the table, `finding` what it says, `curves` the histories behind it, by label.

    The rest says where they come from.
    """

    name: str
    title: str
    finding: str
    scale: str
    seed: int
    settings: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    curves: Mapping[str, Mapping[str, Any]]
    seconds: float
    peak_mb: float | None
    gpu_peak_mb: float | None
    code: str
    environment: Mapping[str, Any]

    def row(self, **wanted: Any) -> Mapping[str, Any]:
        """The one row with these entries: `result.row(network="ResNet", depth=56)`."""
        found = [row for row in self.rows if wanted.items() <= row.items()]
        if len(found) != 1:
            raise LookupError(f"row: {wanted} fits {len(found)} rows of {self.name}, expected one")
        return found[0]

    def only(self, **wanted: Sequence[Any]) -> "Result":
        """The same with these rows alone, in this order: `result.only(block=["one 7×7", "three 3×3"])`."""
        ((key, values),) = wanted.items()
        return replace(self, rows=[self.row(**{key: value}) for value in values], finding="")

    def columns(self, *keys: str) -> "Result":
        """The same with these columns alone, in this order."""
        return replace(self, rows=[{key: row[key] for key in keys} for row in self.rows])

    @property
    def provenance(self) -> str:
        """Where, when, how long, with what: one line."""
        words = [f"on {data}"] if (data := self.settings.get("data")) else []
        words += [f"scale {self.scale}", f"seed {self.seed}", described(self.environment), duration(self.seconds)]
        words += [f"peak {self.peak_mb:,.0f} MB"] if self.peak_mb else []
        words += [f"GPU peak {self.gpu_peak_mb:,.0f} MB"] if self.gpu_peak_mb else []
        return f"Measured with twice run {self.name}: {', '.join(words)}, code {self.code}."

    def __str__(self) -> str:
        header, lines, right = table(self.rows)
        return "\n".join(filter(None, (plain(self.title, header, lines, right), self.finding, self.provenance)))

    def _repr_html_(self) -> str:
        header, lines, right = table(self.rows)
        said = f'<p style="color:inherit">{escape(self.finding)}</p>' if self.finding else ""
        said += f'<p style="font-size:.85em;opacity:.85;color:inherit">{escape(self.provenance)}</p>'
        return as_html(self.title, header, lines, right) + said

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Line], list[int]]:
    """The header, the lines, and which columns hold numbers."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = [Line([cell(key, row.get(key)) for key in keys]) for row in rows]
    right = [i for i, key in enumerate(keys) if any(isinstance(row.get(key), int | float) for row in rows)]
    return [key.replace("_", " ") for key in keys], lines, right


def cell(key: str, value: Any) -> str:
    """Shares as per cent, whole numbers in groups of three, other numbers with three digits."""
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    if key.endswith(("accuracy", "error")):
        return f"{100 * value:.2f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def folder(chosen: str | Path | None = None) -> Path:
    """Where results lie: the folder that was chosen, else `chapters/results` of the repository."""
    if chosen is not None:
        return Path(chosen)
    root = PACKAGE.parents[1]
    if not (root / "chapters").is_dir():
        raise FileNotFoundError(f"runs: {root} is not the course's repository, expected a folder: --out FOLDER")
    return root / "chapters" / "results"


def require_replaceable(name: str, scale: str, place: Path) -> None:
    """A stored result of a larger scale is not replaced; better to know before the run than after it."""
    path = place / f"{name}.json"
    if path.exists() and SCALES.index((before := read(path)).scale) > SCALES.index(scale):
        raise FileExistsError(
            f"run: {path} holds a result of scale {before.scale}, which one of scale {scale} does not replace; "
            "choose another folder: --out FOLDER"
        )


def write(result: Result, place: Path) -> Path:
    """`NAME.json`, the whole of it or nothing."""
    path = place / f"{result.name}.json"
    write_whole(path, json.dumps(asdict(result), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def write_whole(path: Path, text: str) -> None:
    """The whole file, or the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def read(path: Path) -> Result:
    """What `write` has written."""
    try:
        return Result(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as e:
        raise ValueError(f"{path} is broken ({e}), expected a result of twice run") from e


def code_of(experiment: Path, package: Path = PACKAGE) -> str:
    """Twelve hex digits of the source that made a result: the experiment's and that of the rooms it stands on."""
    sha = hashlib.sha256()
    for path in sorted({experiment, *_sources(package, MADE_WITH.split())}):
        sha.update(f"\0{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes())
    return sha.hexdigest()[:12]


def _sources(package: Path, rooms: Iterable[str]) -> Iterable[Path]:
    for room in rooms:
        yield from [package / room] if room.endswith(".py") else (package / room).rglob("*.py")
