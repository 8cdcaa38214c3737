"""Temporary folders of the grader: each is removed by its process, or by a later one where that was killed."""

import atexit
import fcntl
import os
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path

PREFIX = "twice-grading-"
YOUNG = 60.0  # seconds for a process to lock a folder that it has made
_held: dict[Path, int] = {}  # the lock on each folder of this process


def make() -> Path:
    """A new folder of this process. Its path is short, as sockets' names must be."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_place()))
    _held[folder] = os.open(folder, os.O_RDONLY)
    fcntl.flock(_held[folder], fcntl.LOCK_SH)
    return folder


def remove(folder: Path) -> None:
    """Remove a folder that `make` made."""
    shutil.rmtree(folder, ignore_errors=True)
    lock = _held.pop(folder, None)
    if lock is not None:
        os.close(lock)


@atexit.register
def _remove_all() -> None:
    for folder in list(_held):
        remove(folder)


def _place() -> str:
    return "/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()


@cache
def _sweep() -> None:
    """Remove the folders of processes that are gone: nobody holds their lock."""
    for folder in Path(_place()).glob(f"{PREFIX}*"):
        try:
            found = folder.lstat()
            if found.st_uid != os.getuid() or found.st_mtime > time.time() - YOUNG:
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)
