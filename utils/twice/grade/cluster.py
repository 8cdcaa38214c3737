"""Grade many submissions on a Dask cluster: the same function, the same results, workers that may come and go."""

import logging
import threading
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from twice.grade.batch import Done, Task, readable
from twice.grade.engine import CannotGrade
from twice.grade.store import Result
from twice.grade.worker import Died, Grade, Worker, failed, grade_once

PATIENCE = 30.0  # seconds for a scheduler to answer and for a first worker to be there

_mine = threading.local()  # each thread of a Dask worker keeps one grading process


def run(tasks: Iterable[Task], grade: Grade, address: str, done: Done, about: Any = None) -> None:
    """Grade every task on the cluster whose scheduler listens at `address`. A worker that goes away in the middle of a
    submission costs nothing but that beginning: the submission is graded by another."""
    client = _connected(address)
    try:
        _check(client, about)
        _grade_all(client, readable(tasks, done), grade, done)
    finally:
        client.close()


def _grade_all(client: Any, waiting: Iterator[tuple[Task, bytes]], grade: Grade, done: Done) -> None:
    """Results are fetched as soon as they are there and kept here, so a worker that goes later takes none with it."""
    from distributed import as_completed

    run_id, pending = uuid.uuid4().hex[:8], {}
    queue = as_completed(loop=client.loop)
    ahead = 2 * max(1, sum(client.nthreads().values()))

    def submit() -> None:
        for task, content in waiting:
            key = f"grade-{task.key}-{run_id}"
            future = client.submit(grade_there, grade, content, task.name, task.sha256, key=key, pure=False)
            pending[future.key] = task
            queue.add(future)
            return

    try:
        for _ in range(ahead):
            submit()
        for future in queue:
            task = pending.pop(future.key)
            done(task, _result(future, task))
            future.release()
            submit()
    finally:
        client.cancel(list(pending), force=True)


def _result(future: Any, task: Task) -> Result:
    try:
        return future.result()
    except Exception as trouble:  # KilledWorker, or what a worker raised before it graded
        return failed(task.name, task.sha256, f"The cluster failed: {type(trouble).__name__}: {trouble}")


def grade_there(grade: Grade, content: bytes, name: str, sha256: str) -> Result:
    """What a Dask worker does: grade in a process of its own, for Dask runs tasks in threads and a thread cannot be
    stopped, nor can pytest run in two at once."""
    worker = getattr(_mine, "worker", None) or Worker()
    _mine.worker = worker
    try:
        return grade_once(worker, grade, content, name)
    except Died as death:
        _mine.worker = None
        worker.stop()
        return failed(name, sha256, str(death))


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise CannotGrade("scheduler: the package distributed is missing; pip install 'built-twice[cluster]'") from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as trouble:
        raise CannotGrade(
            f"scheduler: no worker was reached at {address} within {PATIENCE:.0f} s ({trouble})"
        ) from None
    return client


def _check(client: Any, about: Any) -> None:
    """Every worker must have what this machine has, or two students would be graded by two graders."""
    if about is None:
        return
    expected = about()
    try:
        answers = client.run(about)
    except Exception as trouble:
        raise CannotGrade(
            f"scheduler: a worker cannot import what grades here: {type(trouble).__name__}: {trouble}"
        ) from None
    for worker, answer in answers.items():
        for name in sorted(set(expected) | set(answer)):
            if expected.get(name) != answer.get(name):
                found = f"{name} {answer.get(name)}, expected {expected.get(name)} as here"
                raise CannotGrade(f"scheduler: the worker {worker} has {found}")
