"""Run a notebook in a kernel of its own, from top to bottom, outputs and all."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Progress = Callable[[int, int], None]


def run(
    notebook: Any, folder: Path, errors: bool = False, seconds: int = 600, progress: Progress | None = None
) -> None:
    """Fill in the outputs of a notebook whose files lie in `folder`; with `errors` it goes on after one.

    `seconds` is the limit of a cell. What the kernel itself writes to the terminal is dropped.
    """
    from nbclient import NotebookClient

    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}})
    client.kernel_name, client.record_timing, client.allow_errors = "python3", False, errors
    client.timeout, client.interrupt_on_timeout = seconds, errors
    if progress is not None:
        cells = len(notebook.cells)
        client.on_cell_start = lambda cell, cell_index: progress(cell_index, cells)
    client.execute(stderr=subprocess.DEVNULL)
