import os
import subprocess
import sys
import time

import pytest

from twice.grade import scratch

LEAVE = "import os, sys; sys.path[:] = {!r}; from twice.grade import scratch; print(scratch.make(), flush=True); {}"


def left_behind(end):
    program = LEAVE.format(sys.path, end)
    return scratch.Path(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip())


@pytest.fixture(autouse=True)
def later(monkeypatch):
    """A sweep takes place again, and no folder is young."""
    monkeypatch.setattr(scratch, "YOUNG", -60.0)
    scratch._sweep.cache_clear()


def test_a_folder_goes_with_its_process():
    assert not left_behind("pass").exists()


def test_what_a_killed_process_left_is_removed_by_the_next():
    folder = left_behind("os._exit(1)")
    assert folder.is_dir()
    scratch.remove(scratch.make())
    assert not folder.exists()


def test_the_folders_of_living_processes_stay():
    mine = scratch.make()
    scratch._sweep.cache_clear()
    scratch.remove(scratch.make())
    assert mine.is_dir()
    scratch.remove(mine)
    assert not mine.exists()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "precious").write_text("x")
    link = scratch.Path(scratch._place()) / f"{scratch.PREFIX}link-{os.getpid()}-{time.time_ns()}"
    link.symlink_to(tmp_path)
    try:
        scratch.remove(scratch.make())
        assert (tmp_path / "precious").exists()
    finally:
        link.unlink()
