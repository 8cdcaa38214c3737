"""What an experiment is, and how one is run, stored and found again."""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from twice import machine
from twice.doctor import cuda_facts, data_folder
from twice.runs import store
from twice.runs.store import SCALES, Result
from twice.runs.training import Trainer

NAMES = (
    "lenet_mnist",
    "relu_tanh",
    "plain_resnet",
    "degradation",
    "fc_width",
    "mobilenet_width",
    "ingredients",
    "blocks",
    "heads",
    "dense_residual",
    "scoreboard",
    "resnet50_throughput",
)


class Measured(NamedTuple):
    """What an experiment answers: a table, what it says in one sentence, and the histories behind it."""

    rows: list[dict[str, Any]]
    finding: str
    curves: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Experiment:
    """A title, a function of settings and a trainer, the settings of each scale, and the scales that need a GPU."""

    title: str
    measure: Callable[[Mapping[str, Any], Trainer], Measured]
    scales: Mapping[str, Mapping[str, Any]]
    on_gpu_alone: tuple[str, ...] = ()


def experiment(name: str) -> Experiment:
    """The experiment of that name; its file is imported now."""
    if name not in NAMES:
        raise ValueError(f"run: name is {name!r}, expected one of {', '.join(NAMES)}")
    found: Experiment = import_module(f"twice.runs.{name}").EXPERIMENT
    return found


def run(
    name: str,
    scale: str = "small",
    *,
    seed: int = 0,
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> Result:
    """Train and measure. Medium and full results are stored (in `out`, else chapters/results), small ones with `out`.

    What is finished of a medium or full run is kept beside the data until all of it is: `resume` goes on from there.
    """
    chosen, settings = experiment(name), settings_of(name, scale)
    gpu = cuda_facts()[0]
    if scale in chosen.on_gpu_alone and gpu is None:
        raise RuntimeError(f"run: {name} at scale {scale} needs a CUDA GPU, and torch finds none here")
    place = None if scale == "small" and out is None else store.folder(out)
    if place is not None:
        store.require_replaceable(name, scale, place)
    kept = None if scale == "small" else _kept(name, scale, seed, settings)
    if not resume:
        _forget(kept)
    trainer = Trainer(seed, progress, "cuda" if gpu else "cpu", kept, resume)
    result = _measured(name, scale, chosen, settings, trainer, gpu)
    if place is not None:
        store.write(result, place)
    _forget(kept)
    return result


def result(name: str, folder: str | Path | None = None) -> Result:
    """The stored result, for a page; with TWICE_SCALE=medium or full it is measured first where it is not stored yet.

    A result that is stored at that scale or a larger one, by the code as it is, is not measured again; nor is one of an
    experiment that has no such scale.
    """
    scales, scale = experiment(name).scales, os.environ.get("TWICE_SCALE") or "small"
    if scale not in SCALES:
        raise ValueError(f"result: TWICE_SCALE is {scale!r}, expected one of {', '.join(SCALES)}")
    path = store.folder(folder) / f"{name}.json"
    stored = store.read(path) if path.exists() else None
    if scale != "small" and scale in scales and not (stored and _is_enough(stored, scale)):
        return run(name, scale, out=path.parent)
    if stored is None:
        raise FileNotFoundError(f"result: {name} is not measured yet; type: {_command(name)}")
    return stored


def listed(folder: str | Path | None = None) -> list[tuple[str, str, str]]:
    """Each experiment's name and title, and what is stored of it."""
    place = store.folder(folder)
    rows = []
    for name in NAMES:
        path = place / f"{name}.json"
        found = store.read(path) if path.exists() else None
        said = f"{found.scale}, {found.environment['date']}" if found else f"nothing yet; type: {_command(name)}"
        rows.append((name, experiment(name).title, said))
    return rows


def _command(name: str) -> str:
    """What measures it at the smallest scale that is stored."""
    return f"twice run {name} --scale {'medium' if 'medium' in experiment(name).scales else 'full'}"


def settings_of(name: str, scale: str) -> Mapping[str, Any]:
    """The settings of an experiment at a scale."""
    if scale not in SCALES:
        raise ValueError(f"run: scale is {scale!r}, expected one of {', '.join(SCALES)}")
    known = experiment(name).scales
    if scale not in known:
        raise ValueError(f"run: scale is {scale!r}, expected one of {', '.join(known)} for {name}")
    return known[scale]


def _is_enough(stored: Result, scale: str) -> bool:
    larger = SCALES.index(stored.scale) > SCALES.index(scale)
    return larger or (stored.scale == scale and stored.code == _code(stored.name))


def _measured(
    name: str, scale: str, chosen: Experiment, settings: Mapping[str, Any], trainer: Trainer, gpu: str | None
) -> Result:
    start, code = time.perf_counter(), _code(name)
    rows, finding, curves = chosen.measure(settings, trainer)
    seconds = time.perf_counter() - start + trainer.seconds_before
    return Result(
        name=name,
        title=chosen.title,
        finding=finding,
        scale=scale,
        seed=trainer.seed,
        settings=settings,
        rows=rows,
        curves=curves,
        seconds=round(seconds, 1),
        peak_mb=machine.peak_megabytes(),
        gpu_peak_mb=_gpu_peak() if gpu else None,
        code=code,
        environment=machine.environment() | {"gpu": gpu},
    )


def _gpu_peak() -> float:
    import torch

    return torch.cuda.max_memory_allocated() / 1e6


def _code(name: str) -> str:
    return store.code_of(store.PACKAGE / "runs" / f"{name}.py")


def _kept(name: str, scale: str, seed: int, settings: Mapping[str, Any]) -> Path:
    """Where a run with these settings keeps what it has finished: other settings resume nothing of it."""
    mark = crc32(json.dumps(settings, sort_keys=True).encode())
    return data_folder(os.environ) / "runs" / f"{name}.{scale}.{seed}.{mark:08x}"


def _forget(kept: Path | None) -> None:
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
