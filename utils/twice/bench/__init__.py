"""`twice bench`: the engine against torch on the CPU, operation by operation, side by side in one process.

Every ratio is NumPy's time divided by torch's: below 1, NumPy is faster. The two are timed alternately, in random
order, with a pause before each so that no library's idle threads disturb the other; what is shown are medians. Three
facts about the environment decide such numbers, so the bench starts itself again where they are not settled:

- a kernel pinned for OpenBLAS (`OPENBLAS_CORETYPE`) can halve the speed of NumPy's products: it is cleared;
- glibc's default malloc gives large arrays back to the system, and both engines then wait for pages: it keeps them;
- OpenBLAS's idle threads spin and slow torch down: they are told to sleep.
"""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from fnmatch import fnmatch
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np

from twice.bench.cases import CASES, MEAN_GATE, Engine
from twice.bench.environment import environment, settle_environment
from twice.bench.timing import Row, measure


def main(json: Path | None = None, threads: int = 1, only: str | None = None) -> bool:
    """Measure, print the table, write the JSON; whether every bar is met."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    settle_environment(threads)
    import torch

    torch.set_num_threads(threads)
    wanted = (only or "*").lower()
    pattern = wanted if any(c in wanted for c in "*?[") else f"*{wanted}*"
    cases = [c for c in CASES if fnmatch(c.op.lower(), pattern)]
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not cases:
        console.print(
            f"bench: --only is {only!r}, expected a pattern that fits one of: {', '.join(c.op for c in CASES)}"
        )
        return False
    engines, rng, rows = (Engine("twice"), Engine("torch")), np.random.default_rng(0), []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            progress.update(task, description=case.op)
            rows.append(measure(case, engines, rng))
            progress.advance(task)
    met = report(rows, console, whole=len(cases) == len(CASES))
    if json:
        result = {"environment": environment(threads), "rows": [asdict(r) for r in rows]}
        json.write_text(dumps(result, indent=2, ensure_ascii=False) + "\n")
    return met


def report(rows: list[Row], console: Any, whole: bool) -> bool:
    """Print the table and the geometric means; whether every bar is met."""
    from rich.table import Table

    table = Table(title="NumPy time ÷ torch time (below 1, NumPy is faster)", title_justify="left")
    table.add_column("operation", no_wrap=True)
    for name in ("forward", "forward+backward", "gate", "GEMM share", "peak MB", "NumPy ms", "torch ms"):
        table.add_column(name, justify="right")
    for r in rows:
        both = "" if r.ratio_forward_backward is None else f"{r.ratio_forward_backward:.2f}"
        mark = "" if r.passed else " ✗"
        cells = (f"{r.ratio_forward:.2f}", both, f"{r.gate:.2f}{mark}", f"{r.gemm_share:.0%}", f"{r.peak_mb:.0f}")
        table.add_row(r.op, *cells, f"{r.ours_ms:.2f}", f"{r.theirs_ms:.2f}", style=None if r.passed else "red")
    console.print(table)
    counted = [r for r in rows if r.counted and r.ratio_forward_backward is not None]
    met = all(r.passed for r in rows)
    if counted:
        forward = geometric_mean(r.ratio_forward for r in counted)
        mean = geometric_mean(r.ratio_forward_backward or 0 for r in counted)
        console.print(f"geometric mean of {len(counted)}: forward {forward:.2f}, forward+backward {mean:.2f}")
        met = met and (not whole or mean <= MEAN_GATE)
    console.print("all bars are met" if met else "not every bar is met")
    return met


def geometric_mean(values: Iterable[float]) -> float:
    """exp of the mean logarithm: the fair mean of ratios."""
    return float(np.exp(np.mean(np.log(list(values)))))
