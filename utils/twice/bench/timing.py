"""Two engines timed side by side, the share of matrix products, and the peak of memory."""

import linecache
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twice.bench.cases import Case, Engine

ROUNDS = 9
PAUSE = 0.03
SHORTEST = 0.03  # seconds that one timing should last: short operations are repeated


@dataclass
class Row:
    """What was measured of one operation."""

    op: str
    ratio_forward: float
    ratio_forward_backward: float | None
    gemm_share: float
    peak_mb: float
    ours_ms: float
    theirs_ms: float
    gate: float | None
    counted: bool
    passed: bool


def timed(function: Callable[[], Any], repeats: int) -> float:
    """Seconds per call."""
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def side_by_side(functions: dict[str, Callable[[], Any]], rng: np.random.Generator) -> dict[str, float]:
    """The median seconds of each function, timed in turns, in another order each round."""
    for function in functions.values():
        function()
    repeats = {name: max(1, round(SHORTEST / timed(function, 1))) for name, function in functions.items()}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name in rng.permutation(list(functions)):
            time.sleep(PAUSE)
            functions[name]()
            seconds[name].append(timed(functions[name], repeats[name]))
    return {name: statistics.median(values) for name, values in seconds.items()}


def peak_megabytes(function: Callable[[], Any]) -> float:
    """The most memory that NumPy held at once during a call, beyond what it held before."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def gemm_share(function: Callable[[], Any], seconds: float = 0.4) -> float:
    """The share of the time spent in matrix products, by looking every millisecond at the line that runs."""
    target, stop, seen = threading.get_ident(), threading.Event(), [0, 0]

    def look() -> None:
        while not stop.wait(0.001):
            frame = sys._current_frames().get(target)
            if frame is not None:
                line = linecache.getline(frame.f_code.co_filename, frame.f_lineno or 0)
                seen[0] += "matmul(" in line or " @ " in line or "einsum(" in line
                seen[1] += 1

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        function()
    stop.set()
    watcher.join()
    return seen[0] / max(1, seen[1])


def measure(case: Case, engines: tuple[Engine, Engine], rng: np.random.Generator) -> Row:
    """Both engines on one case."""
    functions: dict[str, Callable[[], Any]] = {}
    for engine in engines:
        forward, step = case.build(engine)
        functions[f"{engine.name} forward"] = _without_tape(engine, forward)
        if step is not None:
            functions[f"{engine.name} both"] = step
    seconds = side_by_side(functions, rng)
    kind = "both" if "twice both" in functions else "forward"
    main = functions[f"twice {kind}"]
    forward_ratio = seconds["twice forward"] / seconds["torch forward"]
    both_ratio = seconds["twice both"] / seconds["torch both"] if kind == "both" else None
    share, peak = gemm_share(main), peak_megabytes(main)
    passed = (
        (case.gate is None or both_ratio is None or both_ratio <= case.gate)
        and (case.forward_gate is None or forward_ratio <= case.forward_gate)
        and (case.memory_gate is None or peak <= case.memory_gate)
    )
    ours, theirs = seconds[f"twice {kind}"] * 1e3, seconds[f"torch {kind}"] * 1e3
    gate = case.gate if case.gate is not None else case.forward_gate
    return Row(case.op, forward_ratio, both_ratio, share, peak, ours, theirs, gate, case.counted, passed)


def _without_tape(engine: Engine, function: Callable[[], Any]) -> Callable[[], Any]:
    def forward() -> None:
        with engine.top.no_grad():
            function()

    return forward
