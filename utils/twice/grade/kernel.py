"""A student's kernel: nbval's, in the sandbox, over sockets that are files; it runs cells, calls answers and is ended.

What arrives from a kernel is bytes of a bounded size. Cells give a status that decides nothing, calls give plain data.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel

from twice.grade import packages, sandbox, scratch
from twice.grade.rooms import rooms
from twice.grade.sandbox import Limits
from twice.grade.student import HEAD, send
from twice.labs import plain

TICK = 0.05  # seconds between two looks at what a kernel uses
PATIENCE = 3  # times its limit, that an answer may take where the machine has other work
STARTING = 60.0
REPLY = 256 * 1024  # bytes of a message about a cell
STALE = 1000  # messages that nobody asked for
SERVE = "__import__('twice.grade.student', fromlist=['serve']).serve()"
START = "import sys; sys.path.append({!r}); from twice.grade.student import main; main({})"
CHANNELS = ("shell", "iopub", "stdin", "hb", "control")


class Ended(Exception):
    """The kernel is gone, and why, as the end of a sentence that begins with the answer."""


class OutOfTime(Exception):
    """What was asked took too long."""


class NotStarted(Exception):
    """The machinery failed: no kernel came up."""


@dataclass(frozen=True)
class Kind:
    """What a kernel is given: torch or not, what its exercises allow, limits, a sandbox or none."""

    torch: bool = False
    allows: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    sandbox: str = "bwrap"
    seconds: float = 600.0  # of processor time in all

    @property
    def packages(self) -> tuple[str, ...]:
        return ("torch",) * self.torch + tuple(name for name in self.allows if not _is_room(name))

    @property
    def rooms(self) -> Path:
        return rooms(tuple(name for name in self.allows if _is_room(name)))


def _is_room(name: str) -> bool:
    return name.partition(".")[0] == "twice"


class _Specs(KernelSpecManager):
    """The one kernel that there is: no folder of the machine is searched for others."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(argv=self.argv, display_name="twice", language="python")  # type: ignore[attr-defined]


class SandboxedKernel(RunningKernel):
    """One kernel of one submission, never used for another."""

    def __init__(self, kind: Kind):
        self.kind = kind
        self._folder = scratch.make()
        self._sockets = self._folder / "s"
        self._sockets.mkdir(mode=0o700)
        self._channel, theirs = socket.socketpair()
        self._buffer, self._looked = bytearray(), 0.0
        self._serving: str | None = None  # the message that began to serve calls
        self._context = _context()
        try:
            self._start(theirs)
            self.kc = self.km.client()
            self.kc.start_channels(iopub=False, stdin=False, hb=False, control=False)
        except BaseException:
            self.stop()
            raise

    # ── start and end ──

    def _start(self, theirs: socket.socket) -> None:
        rights = sandbox.rights(self.kind.limits, self.kind.seconds)
        if self.kind.sandbox == "none":
            rights.pop("uid", None)
            rights.pop("tasks", None)
        if "uid" in rights:
            os.chown(self._sockets, rights["uid"], -1)
        self.km = self._manager(theirs.fileno())
        errors = self._folder / "stderr"
        with theirs, errors.open("wb") as stderr:
            streams = {"stdout": subprocess.DEVNULL, "stderr": stderr}
            self.km.start_kernel(pass_fds=(theirs.fileno(),), env=self._environment(), cwd="/", **streams)
        self.process: subprocess.Popen = self.km.provisioner.process  # type: ignore[union-attr]
        try:
            send(self._channel, 0, json.dumps(self._settings(rights)).encode())
            self._receive(100, STARTING)
        except (Ended, OutOfTime, OSError, plain.BadValue) as error:
            said = errors.read_text(encoding="utf-8", errors="replace").strip()[-1000:]
            raise NotStarted(f"No kernel came up: {said or error}") from None
        self._processes = sandbox.usage(self.process.pid).processes
        if "uid" in rights:  # nothing else is ever written here
            os.chown(self._sockets, os.geteuid(), -1)
            self._sockets.chmod(0o711)

    def _manager(self, fd: int) -> KernelManager:
        specs = _Specs()
        specs.argv = self._command(fd)  # type: ignore[attr-defined]
        ports = {f"{channel}_port": number for number, channel in enumerate(CHANNELS, 1)}
        return KernelManager(
            kernel_name="twice",
            kernel_spec_manager=specs,
            transport="ipc",
            ip=str(self._sockets / "k"),
            connection_file=str(self._folder / "kernel.json"),
            context=self._context,
            **ports,
        )

    def _command(self, fd: int) -> list[str]:
        bare = self.kind.sandbox == "none"
        walls = [] if bare else sandbox.command(self.kind.rooms, self._sockets, self.kind.packages, self.kind.limits)
        start = START.format(str(self.kind.rooms) if bare else "/rooms", fd)
        return [*walls, *sandbox.interpreter(), "-c", start]

    def _environment(self) -> dict[str, str]:
        """Bubblewrap clears it; what a kernel needs is set within."""
        return sandbox.environment(str(self._folder / "home")) if self.kind.sandbox == "none" else {}

    def _settings(self, rights: dict[str, int]) -> dict[str, Any]:
        connection = {f"{channel}_port": number for number, channel in enumerate(CHANNELS, 1)}
        key = self.km.session.key.decode()
        return {
            "rights": rights,
            "path": packages.search_path(),
            "torch": self.kind.torch,
            "connection": {**connection, "key": key, "transport": "ipc", "ip": str(self._sockets / "k")},
        }

    def stop(self) -> None:
        """End the kernel with all that it started; nothing of it stays."""
        if hasattr(self, "kc"):
            self.kc.stop_channels()
        if hasattr(self, "km") and self.km.has_kernel:
            sandbox.kill(self.km.provisioner.process)  # type: ignore[union-attr]
        self._channel.close()
        self._context.destroy(linger=0)
        scratch.remove(self._folder)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def has_company(self) -> bool:
        """Whether processes run beside the kernel that were not there when it started."""
        return sandbox.usage(self.process.pid).processes > self._processes

    def is_busy(self, seconds: float = 0.05) -> bool:
        """Whether it works although nothing is asked of it: a thread that an answer left behind."""
        before = sandbox.demand(self.process.pid)
        time.sleep(seconds)
        return sandbox.demand(self.process.pid) - before > seconds / 2

    # ── cells and calls ──

    def run(self, source: str, seconds: float) -> str | None:
        """Run a cell: None where the kernel says that it went well, else the error that it names."""
        self.finish()
        asked = self.execute_cell_input(source, allow_stdin=False)
        clock = _Clock(seconds)
        for _ in range(STALE):
            self._wait(self.kc.shell_channel.socket, clock)
            reply = self._reply()
            if reply.get("parent") == asked:
                return None if reply["status"] == "ok" else reply["error"]
        raise Ended("sent messages that nobody asked for")

    def call(self, request: Mapping[str, Any], seconds: float, largest: int) -> dict[str, Any]:
        """Have student.py call an answer; what it gives is a dict of unknown content with a `kind`."""
        if not self._serving:
            self._serving = self.execute_cell_input(SERVE, allow_stdin=False)
        number = self._ask(request)
        clock = _Clock(seconds)
        for _ in range(STALE):
            got, data = self._receive(largest, clock=clock)
            if got == number:
                if time.monotonic() > self._looked + TICK / 10:
                    self._within_limits()  # an answer that comes between two looks is not spared
                reply = plain.decode(data, plain.Limits(size=largest))
                if isinstance(reply, dict) and isinstance(reply.get("kind"), str):
                    return reply
                raise plain.BadValue("the answer is not in the form of one")
        raise Ended("sent answers that nobody asked for")

    def finish(self) -> None:
        """Let the kernel run cells again."""
        if self._serving:
            self._ask({"last": True})
            self._serving = None

    def _ask(self, request: Mapping[str, Any]) -> int:
        number = secrets.randbits(64)  # so that nothing can be answered before it is asked
        data = plain.encode(dict(request))
        waiting = memoryview(HEAD.pack(number, len(data)) + data)
        clock = _Clock(STARTING)
        while waiting:
            try:
                waiting = waiting[self._channel.send(waiting, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                self._look(clock)
                time.sleep(TICK / 10)
            except OSError:
                raise Ended("ended its own process") from None
        return number

    # ── waiting ──

    def _reply(self) -> dict[str, Any]:
        """The next message about a cell, as far as it is one."""
        try:
            message = self.kc.shell_channel.get_msg(timeout=0)
            content = message["content"]
            error = f"{content.get('ename', 'Error')}: {content.get('evalue', '')}"
            return {
                "parent": message["parent_header"].get("msg_id"),
                "status": content.get("status"),
                "error": _tidy(error),
            }
        except (Exception, RecursionError):  # it may be any bytes
            return {}

    def _receive(self, largest: int, seconds: float = 0.0, clock: "_Clock | None" = None) -> tuple[int, bytes]:
        clock = clock or _Clock(seconds)
        while len(self._buffer) < HEAD.size:
            self._read(HEAD.size, clock)
        number, length = HEAD.unpack_from(self._buffer)
        if length > largest:
            raise plain.BadValue(f"the answer takes {length} bytes, expected at most {largest}")
        while len(self._buffer) < HEAD.size + length:
            self._read(HEAD.size + length, clock)
        data = bytes(self._buffer[HEAD.size : HEAD.size + length])
        del self._buffer[: HEAD.size + length]
        return number, data

    def _read(self, up_to: int, clock: "_Clock") -> None:
        while self._wait(self._channel, clock) is not self._channel:
            if self._reply().get("parent") == self._serving is not None:
                raise Ended("stopped what calls it")
        try:
            more = self._channel.recv(up_to - len(self._buffer))
        except OSError:
            more = b""
        if not more:
            raise Ended("ended its own process")
        self._buffer += more

    def _wait(self, source: Any, clock: "_Clock") -> Any:
        """What has something to read, `source` or else the cells' socket; until then, and where there is always
        something, the kernel is watched."""
        poller = zmq.Poller()
        for one in {source, self.kc.shell_channel.socket} if hasattr(self, "kc") else {source}:
            poller.register(one, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(int(TICK * 1000)))
            if time.monotonic() > self._looked + TICK:
                self._look(clock)
            if ready:
                return source if source in ready or source.fileno() in ready else self.kc.shell_channel.socket

    def _look(self, clock: "_Clock") -> None:
        if not self.is_alive():
            raise Ended("ended its own process")
        now = self._within_limits()
        if len(os.listdir(self._sockets)) > len(CHANNELS):
            raise Ended("wrote files beside the kernel's sockets")
        clock.check(now.cpu)

    def _within_limits(self) -> sandbox.Usage:
        self._looked = time.monotonic()
        now = sandbox.usage(self.process.pid)
        over = sandbox.excess(self.process.pid, now, self.kind.limits)
        if over is not None:
            raise Ended(over)
        return now


class _Clock:
    """The time of one task, begun now: the processor's, within patience, as the machine may have other work."""

    def __init__(self, seconds: float):
        self.seconds, self.begun = seconds, time.monotonic()
        self.before: float | None = None

    def check(self, cpu: float) -> None:
        """Raise OutOfTime when the task has had its time; `cpu` is what the kernel has used in its life."""
        elapsed = time.monotonic() - self.begun
        if self.before is None:
            self.before = cpu - elapsed
        if elapsed > self.seconds * PATIENCE or min(elapsed, cpu - self.before) > self.seconds:
            raise OutOfTime


def _context() -> zmq.Context:
    """Sockets that take no large message, no crowd of messages, and do not connect a second time."""
    context = zmq.Context()
    context.maxmsgsize = REPLY
    context.rcvhwm = 16
    context.reconnect_ivl = -1
    context.linger = 0
    return context


def _tidy(text: str) -> str:
    """An error in one short line without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()[:500]
