"""A run: what it is made of, where it stands, and how that goes to a checkpoint and comes back."""

import math
import time
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twice.kernels.checks import require
from twice.train import checkpoint
from twice.train.engines import Engine
from twice.train.feed import Feed
from twice.train.history import History
from twice.train.metrics import Measures
from twice.train.progress import Bar


@dataclass
class Place:
    """Where a run stands: so many steps of epoch number `epoch`, counted from 0, are done."""

    epoch: int = 0
    step: int = 0
    sums: list[float] = field(default_factory=list)  # of the measures over the samples of this epoch
    seen: int = 0  # samples of this epoch
    seconds: float = 0.0  # of this epoch
    best_loss: float = math.inf
    waited: int = 0  # epochs since the best


@dataclass
class Run:
    """Everything that `fit` was given, made ready, and what has come of it."""

    engine: Engine
    feed: Feed
    validation: Feed | None
    measures: Measures
    optimizer: Any
    schedule: Any
    schedule_every: str
    clip_norm: float | None
    patience: int | None
    precision: str
    path: Path | None
    save_steps: int | None
    save_seconds: float
    place: Place = field(default_factory=Place)
    history: History = field(default_factory=History)
    best: Any = None  # the weights of the lowest validation loss, packed
    unread: list[tuple[Any, int]] = field(default_factory=list)  # sums of steps, and of how many samples
    saved_epoch: int = 0

    def __post_init__(self) -> None:
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.settings = {} if self.path is None else checkpoint.settings(self)

    @property
    def rate(self) -> float:
        """The learning rate of the first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def _steps(self) -> int:
        """How many steps are done in all."""
        return self.place.epoch * len(self.feed) + self.place.step

    @property
    def gave_up(self) -> bool:
        """Whether the validation loss has not become lower for too long."""
        return self.patience is not None and self.place.waited >= self.patience

    # ── what happens on the way ─────────────────────────────────────────────────────────────────────────────────

    def start(self, bar: Bar) -> None:
        """From now on the time counts."""
        self.bar, self.clock = bar, time.monotonic()
        self.saved_at = self.clock
        bar.start(self.place.epoch, self.place.step)

    def note(self, sums: Any, count: int) -> None:
        """Keep the measures of a step where they are: to read them now might mean to wait for the device."""
        self.unread.append((sums, count))

    def read(self) -> None:
        """Take over the measures of the steps since the last time, one by one, so that a pause changes no sum."""
        rows = self.engine.numbers([sums for sums, _ in self.unread]) if self.unread else ()
        for row, (_, count) in zip(rows, self.unread):
            self.history.losses.append(float(row[0]) / count)
            before = self.place.sums or [0.0] * len(row)
            self.place.sums = [total + float(value) for total, value in zip(before, row)]
            self.place.seen += count
        self.unread = []

    def means(self) -> dict[str, float]:
        """The measures over this epoch so far."""
        return {name: total / self.place.seen for name, total in zip(self.measures.names, self.place.sums)}

    def after_step(self) -> None:
        """Now and then read the losses, draw the bar and save: after the same steps in every process."""
        steps = self._steps
        by_steps = self.save_steps is not None and steps % self.save_steps == 0
        if by_steps or steps % self.engine.lag == 0:
            self.read()
            self.bar.at(self.place.epoch, self.place.step, self.history.losses[-1])
            if by_steps or self._is_late:
                self.save()

    def compare(self, loss: float) -> None:
        """Remember the lowest validation loss, and with `patience` its weights."""
        if loss < self.place.best_loss:
            self.place.best_loss, self.place.waited = loss, 0
            if self.patience is not None:
                self.best = deepcopy(self.engine.pack(self.engine.model.state_dict()))
        else:
            self.place.waited += 1

    def next_epoch(self, row: dict[str, float]) -> None:
        """Write an epoch's line into the history and go on to the next one."""
        self._tick()
        done = self.place
        self.history.append(row | {"lr": self.history.rates[-1]}, done.seconds)
        self.place = Place(done.epoch + 1, best_loss=done.best_loss, waited=done.waited)
        self.bar.close(self.place.epoch, self.history.last, done.seconds)
        if self._is_late:
            self.save()

    def finish(self) -> None:
        """Save where the run has ended, then give the model its best weights, if they were kept."""
        if self.place.epoch > self.saved_epoch:
            self.save()
        if self.best is not None:
            self.engine.model.load_state_dict(self.engine.unpack(self.best))

    def _tick(self) -> None:
        """Count the time since the last call to this epoch."""
        now = time.monotonic()
        self.place.seconds, self.clock = self.place.seconds + now - self.clock, now

    # ── on disk ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _parts(self) -> dict[str, Any]:
        """All that has a `state_dict`."""
        parts = {"model": self.engine.model, "optimizer": self.optimizer, "schedule": self.schedule}
        return {name: part for name, part in (parts | self.engine.parts).items() if part is not None}

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self.saved_at >= self.save_seconds

    def save(self) -> None:
        """Write the checkpoint; of several processes the first one does."""
        self._tick()
        self.saved_at, self.saved_epoch = self.clock, self.place.epoch
        if self.path is not None and self.engine.processes.rank == 0:
            history = self.history
            state = {
                "parts": self.engine.pack({name: part.state_dict() for name, part in self._parts.items()}),
                "place": vars(self.place),
                "best": self.best,
                "history": vars(history) | {"losses": np.array(history.losses), "rates": np.array(history.rates)},
            }
            checkpoint.write(self.path, self.settings, state)

    def resume(self, epochs: int) -> None:
        """Go on from the checkpoint, where there is one."""
        state = None if self.path is None else checkpoint.read(self.path, self.settings)
        if state is not None:
            done = state["place"]["epoch"]
            sentence = f"fit: checkpoint {self.path} has done {done} epochs, expected at most epochs={epochs}"
            require(done <= epochs, sentence)
            self._load(state)
        self._agree()

    def _agree(self) -> None:
        """Several processes must stand at one place, or they would wait for each other in vain."""
        here, world = self._steps, self.engine.processes.world
        if self.path is not None and world > 1:
            together = self.engine.numbers([self.engine.totals([float(here)], 1)])[0, 0]
            sentence = f"fit: the processes find different checkpoints at {self.path}, expected one file for all"
            require(together == here * world, sentence, RuntimeError)

    def _load(self, state: dict[str, Any]) -> None:
        saved = self.engine.unpack(state["parts"])
        for name, part in self._parts.items():
            part.load_state_dict(checkpoint.like(saved[name], part.state_dict()))
        self.engine.lay_out(self.optimizer)
        self.place, self.best, history = Place(**state["place"]), state["best"], state["history"]
        lists = {name: history[name].tolist() for name in ("losses", "rates")}
        self.history, self.saved_epoch = History(**history | lists), self.place.epoch
