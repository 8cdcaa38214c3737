"""Grade many submissions on the cores of this machine; what one of them does never reaches another."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from twice.grade.archive import Refused
from twice.grade.store import Result
from twice.grade.worker import Died, Grade, Worker, failed, stop_all

PATIENCE = 1800.0  # seconds for one submission, above all limits inside: only a fault of the grader reaches it


@dataclass(frozen=True)
class Task:
    """One thing to grade: the key of its result, its hash, a name for people, and its bytes on demand."""

    key: str
    sha256: str
    name: str
    read: Callable[[], bytes]


Done = Callable[[Task, Result], None]


@dataclass
class Running:
    """A worker and what it grades."""

    worker: Worker
    task: Task
    since: float


def run(tasks: Iterable[Task], grade: Grade, jobs: int, done: Done, patience: float = PATIENCE) -> None:
    """Grade every task in `jobs` processes and hand each result to `done` as it comes. Whatever ends this call, also
    Ctrl-C, ends the processes and what they started."""
    waiting = readable(tasks, done)
    idle: list[Worker] = []
    running: dict[Connection, Running] = {}
    try:
        while True:
            _fill(running, idle, waiting, grade, jobs)
            if not running:
                return
            _harvest(running, idle, done, patience)
    finally:
        stop_all([*idle, *(one.worker for one in running.values())])


def readable(tasks: Iterable[Task], done: Done) -> Iterator[tuple[Task, bytes]]:
    """Each task with its bytes, read when its turn comes; one that cannot be read is done with that."""
    for task in tasks:
        try:
            content = task.read()
        except Refused as refusal:
            done(task, failed(task.name, task.sha256, str(refusal), "refused"))
        else:
            yield task, content


def _fill(
    running: dict[Connection, Running],
    idle: list[Worker],
    waiting: Iterator[tuple[Task, bytes]],
    grade: Grade,
    jobs: int,
) -> None:
    while len(running) < jobs:
        found = next(waiting, None)
        if found is None:
            return
        task, content = found
        worker = idle.pop() if idle else Worker()
        running[worker.connection] = Running(worker, task, time.monotonic())
        worker.send(grade, content, task.name)


def _harvest(running: dict[Connection, Running], idle: list[Worker], done: Done, patience: float) -> None:
    ready = wait(list(running), timeout=1.0)
    for connection in list(running):
        one = running[connection]
        if connection in ready:
            done(one.task, _result(one, idle))
        elif time.monotonic() - one.since > patience:
            one.worker.stop()
            reason = f"The grader did not come to an end within {patience:.0f} s."
            done(one.task, failed(one.task.name, one.task.sha256, reason))
        else:
            continue
        del running[connection]


def _result(one: Running, idle: list[Worker]) -> Result:
    try:
        result = one.worker.receive()
    except Died as death:
        one.worker.stop()
        return failed(one.task.name, one.task.sha256, str(death))
    idle.append(one.worker)
    return result
