"""How far a run is: a line in a terminal or a notebook that redraws itself, or a line an epoch in a log."""

import html
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

EVERY = 0.15  # seconds between two drawings
WIDTH = 24  # characters of a bar


@dataclass
class Bar:
    """Told of every step and epoch; draws now and then."""

    epochs: int
    steps: int
    draw: Callable[["Bar"], None]
    log: Callable[[str], None]
    epoch: int = 0
    step: int = 0
    loss: float = float("nan")
    row: str = ""
    begun: float = 0.0
    first: float = 0.0  # what was done before, in epochs
    drawn: float = 0.0

    @property
    def done(self) -> float:
        """Epochs that are over, with the part of the present one."""
        return self.epoch + self.step / max(1, self.steps)

    def start(self, epoch: int, step: int) -> None:
        """The run begins, or goes on, here."""
        self.epoch, self.step, self.begun = epoch, step, time.monotonic()
        self.first = self.done

    def at(self, epoch: int, step: int, loss: float) -> None:
        """So many steps of this epoch are done."""
        self.epoch, self.step, self.loss = epoch, step, loss
        now = time.monotonic()
        if now - self.drawn >= EVERY:
            self.drawn = now
            self.draw(self)

    def close(self, epoch: int, row: Mapping[str, float], seconds: float) -> None:
        """An epoch is over, counted from 1."""
        numbers = [f"{name.replace('_', ' ')} {value:.4g}" for name, value in row.items()]
        self.row = ", ".join([*numbers, f"{seconds:.3g} s"])
        self.log(f"epoch {epoch}/{self.epochs}: {self.row}")

    def text(self) -> str:
        """Where the run is, and how long it will take."""
        parts = [f"epoch {min(self.epoch + 1, self.epochs)}/{self.epochs}", f"step {self.step}/{self.steps}"]
        parts.append(f"loss {self.loss:.4g}")
        covered = self.done - self.first
        if covered > 0:
            left = (time.monotonic() - self.begun) * (self.epochs - self.done) / covered
            parts.append(f"{clock(left)} left")
        return " · ".join(parts)


def clock(seconds: float) -> str:
    """1:02:03, or 2:03 below an hour."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def progress_bar(progress: bool | None, epochs: int, steps: int) -> Iterator[Bar]:
    """In a terminal or a notebook with somebody before it; `True` writes an epoch's line where there is neither."""
    notebook, terminal = _is_live_notebook(), sys.stderr.isatty()
    if progress is False or (progress is None and not notebook and not terminal):
        yield Bar(epochs, steps, _nothing, _nothing)
    elif notebook:
        yield from _in_notebook(epochs, steps)
    elif terminal:
        yield from _in_terminal(epochs, steps)
    else:
        yield Bar(epochs, steps, _nothing, lambda line: print(line, file=sys.stderr, flush=True))


def _nothing(_: Any) -> None:
    pass


def _in_terminal(epochs: int, steps: int) -> Iterator[Bar]:
    """The bar stands in the last line; the epochs' lines stay above it."""
    clear = "\r\x1b[2K"

    def draw(bar: Bar) -> None:
        filled = round(WIDTH * bar.done / max(1, bar.epochs))
        line = f"{'━' * filled}{'╌' * (WIDTH - filled)} {bar.text()}"
        sys.stderr.write(clear + line[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()

    try:
        yield Bar(epochs, steps, draw, lambda line: print(f"{clear}{line}", file=sys.stderr, flush=True))
    finally:
        sys.stderr.write(clear)
        sys.stderr.flush()


def _in_notebook(epochs: int, steps: int) -> Iterator[Bar]:
    """An HTML bar with the last epoch's numbers; it goes when the run ends, since the history then says it all."""
    from IPython.display import HTML, display

    def page(bar: Bar) -> Any:
        lines = "<br>".join(html.escape(text) for text in (bar.text(), bar.row) if text)
        return HTML(
            f'<progress max="{bar.epochs}" value="{bar.done:.3f}" style="width:100%;max-width:30em"></progress>'
            f'<div style="font-family:monospace;font-size:.85em;color:inherit">{lines}</div>'
        )

    bar = Bar(epochs, steps, _nothing, _nothing)
    handle = display(page(bar), display_id=True)
    bar.draw = lambda bar: handle.update(page(bar))
    try:
        yield bar
    finally:
        handle.update(HTML(""))


def _is_live_notebook() -> bool:
    """A kernel whose front end could answer `input()`: what executes notebooks (nbclient, papermill, nbval) cannot."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent("shell").get("content", {}).get("allow_stdin", False))
