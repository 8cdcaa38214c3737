"""The sandbox of a student's kernel: what it can see, how much it may use, how it is watched and ended."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from twice.grade import packages

MEGABYTE = 2**20
SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
UIDS = range(20_000, 60_000)  # a user of its own for each kernel, where the grader runs as root
PER_NAMESPACE = (5, 14)  # the Linux from which the limit on processes counts those of the sandbox alone
PROCESSORS = "/sys/devices/system/cpu"
ENDING = 1.0  # seconds for the walls to fall
_started = count()


class NoSandbox(Exception):
    """Why nothing can be graded here, and what to do."""


@dataclass(frozen=True)
class Limits:
    """What one kernel may use: memory and space in bytes, tasks (processes and threads), open files."""

    memory: int = 1024 * MEGABYTE
    tasks: int = 40
    files: int = 256
    file: int = 64 * MEGABYTE
    space: int = 128 * MEGABYTE


# ── is there one ────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def obstacle() -> str | None:
    """Why bubblewrap cannot be used here, or None where it can."""
    if not sys.platform.startswith("linux"):
        return f"bubblewrap runs on Linux, and this is {sys.platform}: grade in WSL2 or in a Linux virtual machine"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed: on Debian and Ubuntu type 'sudo apt install bubblewrap'"
    trial = [*_walls(Limits()), *_binds(_system()), "--", _interpreter(), "-I", "-S", "-c", "import json"]
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        return "this Linux does not tell a process's children in /proc: grade in a virtual machine"
    done = subprocess.run(trial, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={})
    if done.returncode == 0:
        return None
    said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return f"bubblewrap does not work here ({said}): allow user namespaces, or grade in a virtual machine"


def choose(name: str) -> str:
    """`bwrap` or `none` for what was asked: `auto`, `bwrap` or `none`."""
    if name not in ("auto", "bwrap", "none"):
        raise ValueError(f"sandbox: got {name!r}, expected 'auto', 'bwrap' or 'none'")
    if name == "none":
        return "none"
    reason = obstacle()
    if reason is not None:
        raise NoSandbox(f"Nothing is graded without a sandbox. {reason}. (To trust the submissions: --sandbox none)")
    return "bwrap"


# ── what it can see ─────────────────────────────────────────────────────────────────────────────────────────────


def command(rooms: Path, sockets: Path, names: tuple[str, ...], limits: Limits) -> list[str]:
    """The bubblewrap command, to stand before Python's; it shows Python, the packages of these names, `rooms` and the
    sockets."""
    shown = _shown(names, str(rooms))
    folder = ["--perms", "0755", "--dir", str(sockets.parent), "--bind", str(sockets), str(sockets)]
    return [*_walls(limits), *shown, *_set(environment("/tmp/home")), *folder, "--remount-ro", "/", "--"]


def interpreter() -> list[str]:
    """Python as it is started within: no user's site, no site at all, no bytecode written, no current folder."""
    return [_interpreter(), "-s", "-S", "-B", "-P"]


def environment(home: str) -> dict[str, str]:
    """What every kernel finds in its environment."""
    return {
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **{"HOME": home, "IPYTHONDIR": f"{home}/.ipython", "MPLCONFIGDIR": f"{home}/.matplotlib", "MPLBACKEND": "agg"},
        **{"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "student", "PYTHONHASHSEED": "0"},
    }


def _walls(limits: Limits) -> list[str]:
    space = ["--size", str(limits.space), "--perms", "1777", "--tmpfs"]
    bare = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if os.geteuid() == 0 else []
    return [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--clearenv", *bare),
        *("--proc", "/proc", "--dev", "/dev", *space, "/dev/shm", "--remount-ro", "/dev"),
        *(*space, "/tmp", "--chdir", "/tmp"),
    ]


@cache
def _shown(names: tuple[str, ...], rooms: str) -> tuple[str, ...]:
    return tuple(_binds([*_system(), *packages.shown(names), (rooms, "/rooms")]))


def _set(environment: dict[str, str]) -> list[str]:
    return [word for item in environment.items() for word in ("--setenv", *item)]


def _binds(shown: Iterable[tuple[str, str]]) -> list[str]:
    """What is shown, read-only, in folders that an unprivileged user can walk into; other libraries are covered."""
    shown = list(dict.fromkeys(shown))
    wholes = [Path(inside) for _, inside in shown]
    parents = {parent for inside in wholes for parent in inside.parents}
    made = sorted(str(p) for p in parents if not any(p.is_relative_to(w) for w in wholes) and str(p) != "/")
    arguments = [word for folder in made if folder != "/tmp" for word in ("--perms", "0755", "--dir", folder)]
    for outside, inside in shown:
        if Path(outside).is_symlink() and outside in SYSTEM:
            arguments += ["--symlink", os.readlink(outside), inside]
        elif outside == "cover":
            arguments += ["--perms", "0755", "--tmpfs", inside]
        else:
            arguments += ["--ro-bind", outside, inside]
    return arguments


@cache
def _system() -> tuple[tuple[str, str], ...]:
    """Python and its standard library with the libraries that they load, and covers over other installed packages."""
    program, prefix = Path(_interpreter()), Path(sys.base_prefix)
    library = Path(sysconfig.get_path("stdlib"))
    paths = [Path(p) for p in (*SYSTEM, "/etc/ld.so.cache", PROCESSORS)] + [prefix / "lib", library, program]
    shown = {str(p): str(p) for p in paths if p.exists()}
    for path in list(shown):
        if any(Path(path) != Path(w) and Path(path).is_relative_to(w) and not Path(w).is_symlink() for w in shown):
            del shown[path]
    covers = [p for p in _installed(Path("/usr/lib"), prefix / "lib", library.parent) if _within(p, shown)]
    shell = (os.path.realpath("/bin/sh"), "/bin/sh")  # `!pip install` then fails without an end of the cell
    return (*shown.items(), shell, *(("cover", str(p)) for p in dict.fromkeys(covers)))


def _installed(*roots: Path) -> Iterator[Path]:
    """Folders of third-party packages beside Python's own libraries."""
    for root in roots:
        for pattern in ("python3/dist-packages", "python3*/site-packages", "python3*/dist-packages"):
            yield from root.glob(pattern)


def _within(path: Path, shown: Iterable[str]) -> bool:
    return any(path.is_relative_to(whole) for whole in shown)


def _interpreter() -> str:
    return os.path.realpath(sys.executable)


# ── how much it may use ─────────────────────────────────────────────────────────────────────────────────────────


def rights(limits: Limits, seconds: float) -> dict[str, int]:
    """What the kernel's first lines set before anything else runs: its user and its limits (see student.py)."""
    root = os.geteuid() == 0
    set_rights = {"data": limits.memory, "files": limits.files, "file": limits.file, "cpu": int(seconds) + 1}
    if root:
        set_rights["uid"] = UIDS[(os.getpid() * 64 + next(_started)) % len(UIDS)]
    if root or tuple(int(part) for part in os.uname().release.split(".")[:2]) >= PER_NAMESPACE:
        set_rights["tasks"] = limits.tasks
    return set_rights


@dataclass(frozen=True)
class Usage:
    """What a tree of processes uses now: processor seconds, bytes of memory, processes."""

    cpu: float
    memory: int
    processes: int


def usage(pid: int) -> Usage:
    """What the process and its descendants use; those that end meanwhile count for nothing."""
    cpu, memory, processes = 0.0, 0, 0
    for one in _tree(pid):
        try:
            after_name = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        cpu += sum(int(ticks) for ticks in after_name[11:15]) / os.sysconf("SC_CLK_TCK")
        memory += sum(_kilobytes(line) for line in status.splitlines() if line.startswith(("RssAnon:", "RssShmem:")))
        processes += 1
    return Usage(cpu, memory, processes)


def demand(pid: int) -> float:
    """The processor seconds that all threads of the tree have had or have waited for: how busy it is, however little of
    a crowded machine it gets."""
    nanoseconds = 0
    for one in _tree(pid):
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                ran, waited, _ = Path(f"/proc/{one}/task/{thread}/schedstat").read_text(encoding="utf-8").split()
                nanoseconds += int(ran) + int(waited)
        except OSError:
            continue  # ended meanwhile
    return nanoseconds / 1e9


def _kilobytes(line: str) -> int:
    return int(line.split()[1]) * 1024


def _tree(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        try:
            for thread in os.listdir(f"/proc/{one}/task"):
                waiting += map(int, Path(f"/proc/{one}/task/{thread}/children").read_text(encoding="utf-8").split())
        except OSError:
            continue  # ended meanwhile


def excess(pid: int, now: Usage, limits: Limits) -> str | None:
    """Which limit the tree is over, as the end of a sentence, or None."""
    if now.memory > limits.memory and _shared_once(pid, now) > limits.memory:
        return f"used more than {limits.memory // MEGABYTE} MB of memory"
    if now.processes > limits.tasks:
        return f"started more than {limits.tasks} processes"
    return None


def _shared_once(pid: int, now: Usage) -> int:
    """The memory of the tree where what several processes share counts once; slow, so asked for in doubt alone."""
    memory = 0
    for one in _tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except ProcessLookupError:
            continue
        except OSError:
            return now.memory  # this system does not tell
        memory += sum(_kilobytes(line) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return memory


def kill(process: subprocess.Popen) -> None:
    """End a kernel with all that it started. Where its walls are the process, what it guards is killed first, with
    which the whole namespace ends, and the walls see to it that no dead process stays."""
    guarded = [*_tree(process.pid)][1:] if sys.platform.startswith("linux") else []
    for one in guarded or [process.pid]:
        with contextlib.suppress(OSError):
            os.kill(one, signal.SIGKILL)
    try:
        process.wait(ENDING if guarded else None)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
