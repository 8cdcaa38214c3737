"""A process that grades one submission after another; if it dies, that costs one submission, to be tried again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import psutil

from twice.grade.store import Result

Grade = Callable[[bytes, str], Result]  # content of a notebook and its name; must be importable by name

START = "import sys; sys.path[:] = {path!r}; from twice.grade.worker import main; main({number})"
LARGEST = 2**28  # bytes of a result
GRACE = 3.0  # seconds to clean up after being asked to stop


class Died(Exception):
    """The process ended while it graded; the message says how."""


class Worker:
    """The parent's end. The process ends when the parent does, however that ends."""

    def __init__(self) -> None:
        """Start the process; it imports what it needs with the first submission."""
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed in stop
        start = START.format(path=[part or os.getcwd() for part in sys.path], number=theirs.fileno())
        self.process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,  # closed by the kernel when the parent is gone: the process waits for that
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C reaches the parent alone
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self._known: list[psutil.Process] = []

    def send(self, grade: Grade, content: bytes, name: str) -> None:
        """Hand over one submission."""
        with contextlib.suppress(OSError):  # a process that has died is found out when its answer is asked for
            self.connection.send((grade, content, name))

    def receive(self) -> Result:
        """The result of the submission handed over; waits for it. It comes as JSON: what is near students' code must
        not choose what is unpickled here."""
        try:
            return json.loads(self.connection.recv_bytes(LARGEST))
        except (EOFError, OSError):
            raise Died(self._how()) from None

    def ask_to_stop(self) -> None:
        """Let it clean up; its children are noted first, for they are nobody's once it is gone."""
        self._known = self._family()
        self.process.terminate()

    def stop(self, grace: float = GRACE) -> None:
        """End the process and all that it started."""
        if not self._known:
            self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        kill([*self._known, *self._family()])
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()
        for file in (self.process.stdin, self._errors):
            with contextlib.suppress(OSError):
                file.close()  # type: ignore[union-attr]

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self.process.pid)
            return [*process.children(recursive=True), process]
        except psutil.NoSuchProcess:
            return []

    def _how(self) -> str:
        self.process.wait()
        code = self.process.returncode
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
        return f"The grading process ended {how}{': ' + said[-1] if said else ''}."


def grade_once(worker: Worker, grade: Grade, content: bytes, name: str) -> Result:
    """Hand over one submission and wait; raises Died."""
    worker.send(grade, content, name)
    return worker.receive()


def failed(name: str, sha256: str, reason: str, status: str = "infra_error") -> Result:
    """A result without grades: the machinery failed, or what was handed in was refused."""
    return {
        "schema": 1,
        "submission": {"sha256": sha256, "name": name},
        "status": status,
        "reason": reason,
        "points": 0.0,
        "possible": 0.0,
        "seconds": 0.0,
        "exercises": [],
        "texts": [],
        "notes": [],
        "fingerprint": None,
        "shingles": [],
    }


def stop_all(workers: Iterable[Worker], grace: float = GRACE) -> None:
    """End these processes, all in the same time of grace."""
    workers, end = list(workers), time.monotonic() + grace
    for worker in workers:
        worker.ask_to_stop()
    for worker in workers:
        worker.stop(max(0.0, end - time.monotonic()))


def main(number: int) -> None:
    """The process's own end: grade what comes until nothing comes any more, or until it is asked to stop."""
    stopping = threading.Event()
    os.set_inheritable(number, False)  # nothing that is started here may speak for this process
    signal.signal(signal.SIGTERM, partial(_interrupt, stopping))
    _end_with_the_parent()
    with Connection(number) as parent, contextlib.suppress(KeyboardInterrupt, EOFError):
        while not stopping.is_set():
            grade, content, name = parent.recv()
            parent.send_bytes(_outcome(grade, content, name))
    kill(psutil.Process().children(recursive=True))


def _interrupt(stopping: threading.Event, *_: object) -> None:
    """As Ctrl-C does: pytest ends for that and cleans up, where it would report SystemExit as a failing test."""
    if not stopping.is_set():
        stopping.set()
        raise KeyboardInterrupt


def _outcome(grade: Grade, content: bytes, name: str) -> bytes:
    try:
        return json.dumps(grade(content, name)).encode()
    except Exception as trouble:
        last = traceback.extract_tb(trouble.__traceback__)[-1]
        where = f"{os.path.basename(last.filename)} line {last.lineno}"
        reason = f"The grader failed ({where}): {type(trouble).__name__}: {trouble}"
        return json.dumps(failed(name, "", reason)).encode()


def _end_with_the_parent() -> None:
    """Wait beside the grading for the end of standard input, which comes when the parent is gone."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    threading.Thread(target=_wait_for_the_end, args=(lifeline,), daemon=True).start()


def _wait_for_the_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    kill(psutil.Process().children(recursive=True))
    os._exit(1)


def kill(processes: list[psutil.Process]) -> None:
    """End these processes; those that are gone already are no trouble."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def own(result: Result, sha256: str) -> dict[str, Any]:
    """The result with the hash of its submission, also where the grader failed before it could say it."""
    return {**result, "submission": {**result["submission"], "sha256": sha256}}
