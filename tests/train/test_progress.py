import os
import re
import select
import subprocess
import sys

import pytest

from twice.train.progress import Bar, clock

pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")

SCRIPT = """
import twice
from twice.train import fit, progress
progress.EVERY = 0
fit(twice.nn.Linear(2, 2), ([[0.0, 1.0], [1.0, 0.0]], [0, 1]), epochs=2, batch_size=1, progress={progress})
print("done")
"""


def in_terminal(code, columns=70):
    """What a process writes to a terminal of that width."""
    own, its = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=its, stderr=its, env=environment)
    os.close(its)
    read = b""
    while select.select([own], [], [], 60)[0]:
        try:
            read += os.read(own, 4096)
        except OSError:  # the other end is closed
            break
    os.close(own)
    assert process.wait() == 0, read.decode()
    return read.decode()


def test_a_terminal_keeps_the_epochs_and_loses_the_bar():
    written = in_terminal(SCRIPT.format(progress=None))
    drawn = [line for line in re.split(r"[\r\n]+|\x1b\[2K", written) if line.startswith(("━", "╌"))]
    assert "epoch 1/2 · step 1/2 · loss" in drawn[0]
    assert all(len(line) <= 69 for line in drawn)
    shown = [line.rpartition("\x1b[2K")[2] for line in written.replace("\r\n", "\n").split("\n")]
    assert [line.split(":")[0] for line in shown] == ["epoch 1/2", "epoch 2/2", "done", ""]


def test_a_terminal_stays_empty_where_no_progress_is_wanted():
    assert in_terminal(SCRIPT.format(progress=False)) == "done\r\n"


@pytest.mark.parametrize("progress, lines", [("None", 0), ("False", 0), ("True", 2)])
def test_a_log_gets_a_line_an_epoch_if_it_asks(progress, lines):
    code = [sys.executable, "-c", SCRIPT.format(progress=progress)]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"
    assert len(done.stderr.splitlines()) == lines
    assert "\x1b" not in done.stderr


class Kernel:
    """As ipykernel shows itself to a cell."""

    def __init__(self, live):
        self.live = live

    def get_parent(self, channel):
        return {"content": {"allow_stdin": self.live}}


@pytest.mark.parametrize("live", [True, False])
def test_a_notebook_shows_a_bar_only_to_somebody(live, monkeypatch):
    import IPython
    import IPython.display

    from twice.train import progress

    pages = []

    class Handle:
        def update(self, page):
            pages.append(page.data)

    def display(page, display_id):
        pages.append(page.data)
        return Handle()

    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": Kernel(live)})())
    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(progress, "EVERY", 0)
    with progress.progress_bar(None, 2, 4) as bar:
        bar.start(0, 0)
        bar.at(0, 2, 1.5)
        bar.close(1, {"train_loss": 1.25}, 2.0)
        bar.at(1, 1, 1.0)
    if not live:
        assert pages == []
        return
    assert 'max="2" value="0.500"' in pages[1]
    assert "epoch 1/2 · step 2/4 · loss 1.5" in pages[1]
    assert "train loss 1.25, 2 s" in pages[2]
    assert pages[-1] == ""


def test_the_time_left_counts_from_where_the_run_was_resumed(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    bar = Bar(10, 5, lambda bar: None, lambda line: None)
    bar.start(8, 0)
    now[0] += 30
    bar.at(9, 0, 0.5)
    assert bar.text() == "epoch 10/10 · step 0/5 · loss 0.5 · 0:30 left"


def test_a_clock_has_hours_when_it_needs_them():
    assert [clock(s) for s in (0.4, 59.6, 61, 3599.7, 3661)] == ["0:00", "1:00", "1:01", "1:00:00", "1:01:01"]
