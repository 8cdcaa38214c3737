"""The kernels of one submission: they run its cells in order, start again where one has ended, and call the answers."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twice.grade.kernel import Ended, Kind, NotStarted, OutOfTime, SandboxedKernel
from twice.grade.rebuild import Cell
from twice.labs import plain
from twice.labs.exercise import Exercise

TORCH = "torch"


class Spent(Exception):
    """The submission as a whole has had its time."""


class CellFailed(Exception):
    """The cell that defines the answer ended its kernel, or did not come to an end; `reason` says which."""

    def __init__(self, reason: Exception):
        super().__init__(str(reason))
        self.reason = reason


@dataclass
class Shared:
    """What the kernels of a submission have in common: its cells and each exercise's engine, when its time is over and
    how long a cell may take, the cells not to run again and why, errors of cells."""

    cells: Sequence[Cell]
    engines: Mapping[str, str]
    until: float
    cell_seconds: float
    bad: dict[int, Exception] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)


class Session:
    """One kernel for exercises of a kind, with its replacements."""

    def __init__(self, kind: Kind, shared: Shared):
        self.kind, self.shared = kind, shared
        self.kernel: SandboxedKernel | None = None
        self.next = 0
        self.again: set[int] = set()  # cells in which a kernel ended once: an earlier cell may have been the cause

    def advance(self, upto: int) -> SandboxedKernel:
        """A kernel in which every good cell before this one has run."""
        while True:
            if time.monotonic() > self.shared.until:
                raise Spent
            kernel = self.kernel or self._start()
            todo = [i for i in range(self.next, upto) if i not in self.shared.bad and self._runs(self.shared.cells[i])]
            if not todo:
                self.next = max(self.next, upto)
                return kernel
            self._run(kernel, todo[0])

    def _start(self) -> SandboxedKernel:
        try:
            self.kernel = SandboxedKernel(self.kind)
        except NotStarted:
            self.kernel = SandboxedKernel(self.kind)  # once more: the machine may have been busy
        self.next = 0
        return self.kernel

    def _run(self, kernel: SandboxedKernel, index: int) -> None:
        try:
            error = kernel.run(self.shared.cells[index].source, self.shared.cell_seconds)
        except (Ended, OutOfTime) as reason:
            if isinstance(reason, OutOfTime) or index in self.again:
                self.shared.bad[index] = reason
            self.again.add(index)
            self.stop()
            return
        self.next = index + 1
        if error is not None:
            self.shared.errors.setdefault(index, error)

    def _runs(self, cell: Cell) -> bool:
        """A kernel without torch leaves out the answers to torch's exercises."""
        if cell.role == "solution":
            return self.kind.torch or self.shared.engines[cell.exercise] != TORCH
        return cell.role in ("setup", "helper")

    def call(self, at: int, own: int, request: Mapping[str, Any], seconds: float, largest: int) -> dict[str, Any]:
        """The reply of the answer that cell `own` defines, called where the cells before `at` have run. Where the
        kernel ends, another one tries once more: what an earlier exercise left behind may have ended the first."""
        try:
            return self._call(at, own, request, seconds, largest)
        except Ended:
            pass
        try:
            return self._call(at, own, request, seconds, largest)
        except Ended as reason:
            self.shared.bad[own] = reason
            raise

    def _call(self, at: int, own: int, request: Mapping[str, Any], seconds: float, largest: int) -> dict[str, Any]:
        kernel = self.advance(at)
        if own in self.shared.bad:
            raise CellFailed(self.shared.bad[own])
        try:
            return kernel.call(request, seconds, largest)
        except (Ended, OutOfTime, plain.BadValue):
            self.stop()
            raise

    def settle(self, own: int, passed: bool) -> None:
        """After an exercise: what it left running could disturb the next one, so it ends with the kernel."""
        if self.kernel is None:
            return
        if self.kernel.has_company() or (not passed and self.kernel.is_busy()):
            if not passed:
                self.shared.bad[own] = Ended("left something running")
            self.stop()

    def stop(self) -> None:
        """End the kernel; the next call begins with another."""
        if self.kernel is not None:
            self.kernel.stop()
            self.kernel = None
            self.next = 0


class Sessions:
    """All kernels of a submission, begun when an exercise first needs one."""

    def __init__(self, shared: Shared, kind: Callable[[Exercise], Kind]):
        self.shared, self._kind = shared, kind
        self._open: dict[Kind, Session] = {}

    def of(self, exercise: Exercise) -> Session:
        kind = self._kind(exercise)
        return self._open.setdefault(kind, Session(kind, self.shared))

    def stop(self) -> None:
        for session in self._open.values():
            session.stop()
