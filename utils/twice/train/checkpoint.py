"""A run on disk: all that it needs to go on from where it stood, and the settings that make it this run."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from twice.files import load, save

if TYPE_CHECKING:
    from twice.train.run import Run

KIND = "a run of twice.train"
FILE = "run.npz"


def file_of(checkpoint: str | Path) -> Path:
    """The `.npz` itself, or `run.npz` in a folder."""
    path = Path(checkpoint)
    if path.suffix not in ("", ".npz"):
        raise ValueError(f"fit: checkpoint is {str(checkpoint)!r}, expected a file that ends in .npz, or a folder")
    return path if path.suffix else path / FILE


def write(path: Path, about: dict[str, Any], state: dict[str, Any]) -> None:
    """The whole of the file or nothing: who is killed meanwhile leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save({"kind": KIND, "settings": json.dumps(about), "state": state}, path)


def read(path: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """The state of this very run; None where there is no file yet."""
    _sweep(path)
    if not path.is_file():
        return None
    saved = load(path)
    if not isinstance(saved, dict) or saved.get("kind") != KIND:
        raise ValueError(f"fit: checkpoint {path} holds something else, expected a run that fit has saved")
    theirs, ours = json.loads(saved["settings"]), json.loads(json.dumps(about))
    differing = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
    if differing:
        sides = ((name, _short(theirs.get(name)), _short(ours.get(name))) for name in differing)
        came = "; ".join(f"{name} is {there} there, {here} here" for name, there, here in sides)
        raise ValueError(
            f"fit: checkpoint {path} is of another run ({came}), expected equal settings, another file or resume=False"
        )
    return saved["state"]


def _sweep(path: Path) -> None:
    """Remove what a process that was killed while it wrote has left behind."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        part.unlink(missing_ok=True)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}…"


def like(saved: Any, now: Any) -> Any:
    """The saved state in the types of the present one, as far as a file has not kept them."""
    if isinstance(now, Counter):
        return Counter(saved)
    if isinstance(saved, Mapping) and isinstance(now, Mapping):
        return {key: like(value, now.get(key)) for key, value in saved.items()}
    if isinstance(saved, list) and isinstance(now, list) and len(saved) == len(now):
        return [like(*pair) for pair in zip(saved, now)]
    return saved


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────


def settings(run: "Run") -> dict[str, Any]:
    """What must be equal for a run to be the same run. Functions count as equal if their names are."""
    feed, measures = run.feed, run.measures
    return {
        "engine": run.engine.name,
        "precision": run.precision,
        "processes": run.engine.processes.world,
        "model": _of_model(run.engine.model),
        "data": feed.samples.describe(),
        "validation": None if run.validation is None else run.validation.samples.describe(),
        "batch_size": feed.batch_size,
        "drop_last": feed.drop_last,
        "seed": feed.seed,
        **{name: _of_function(getattr(feed, name)) for name in ("augment", "transform", "prepare")},
        "loss": _of_function(measures.loss),
        "metrics": {name: _of_function(metric) for name, metric in measures.metrics.items()},
        "optimizer": _of_state(run.optimizer),
        "schedule": _of_state(run.schedule),
        "schedule_every": run.schedule_every,
        "clip_norm": run.clip_norm,
        "patience": run.patience,
    }


def _of_model(model: Any) -> str:
    """Its kind, and the names, shapes and dtypes of its state."""
    entries = [f"{name} {tuple(value.shape)} {value.dtype}" for name, value in model.state_dict().items()]
    return f"{type(model).__name__} with {len(entries)} tensors ({crc32(' '.join(entries).encode()):08x})"


def _of_function(function: Callable | None) -> str | None:
    return None if function is None else getattr(function, "__qualname__", type(function).__name__)


def _of_state(thing: Any) -> Any:
    """The kind and the options of an optimiser or a schedule that has not done anything yet."""
    if thing is None:
        return None
    options = {key: value for key, value in thing.state_dict().items() if key != "state"}
    return [type(thing).__name__, json.loads(json.dumps(options, default=_plain))]


def _plain(value: Any) -> Any:
    """Tensors and NumPy's numbers as lists; anything else by its name."""
    return value.tolist() if hasattr(value, "tolist") else type(value).__name__
