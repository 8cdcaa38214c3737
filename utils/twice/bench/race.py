"""A few ways to compute one thing, timed against each other in a process of its own, and drawn.

A page's kernel is no place to measure: libraries are loaded, memory is fragmented, other threads spin. So a race
starts a fresh Python with the bench's settings, runs `setup`, then each statement in turns, and takes medians.
"""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from twice.bench.environment import CLEARED, settings
from twice.machine import described

FILES: set[str] = set()  # the library's files that races have imported: what a page shows depends on them, too


@dataclass(frozen=True)
class Race:
    """Median seconds of each statement, and where they were measured."""

    seconds: dict[str, float]
    machine: dict[str, Any]

    def ratio(self, name: str, to: str) -> float:
        """How many times as long `name` takes as `to`."""
        return self.seconds[name] / self.seconds[to]

    def __repr__(self) -> str:
        width = max(map(len, self.seconds))
        lines = [f"{name.ljust(width)}  {duration(seconds)}" for name, seconds in self.seconds.items()]
        return "\n".join([*lines, self._provenance()])

    def _repr_html_(self) -> str:
        from twice.show import bars

        milliseconds = {name: seconds * 1e3 for name, seconds in self.seconds.items()}
        spoken = ", ".join(f"{name} {duration(seconds)}" for name, seconds in self.seconds.items())
        wide = max(milliseconds.values()) > 30 * min(milliseconds.values())
        words = "milliseconds" + (", on a logarithmic scale" if wide else "")
        drawn = bars(milliseconds, x=words, log=wide, alt=f"Bar chart of times: {spoken}.")
        return f'{drawn.html}<p style="font-size:.85em;opacity:.85">{self._provenance()}</p>'

    def _provenance(self) -> str:
        return f"Medians, measured when this page was built: {described(self.machine)}."


def duration(seconds: float) -> str:
    """Three digits and the unit that suits them."""
    unit, factor = next(((u, f) for u, f in (("s", 1), ("ms", 1e3)) if seconds * f >= 1), ("µs", 1e6))
    return f"{seconds * factor:.3g} {unit}"


def race(setup: str, given: Sequence[Callable] = (), threads: int = 1, **statements: str) -> Race:
    """race("import numpy as np; x = np.ones(9)", loop="sum(x)", NumPy="x.sum()"): who needs how long.

    A name is shown as it is written, with spaces for underscores. `given` are functions that a page's cells define:
    their source runs after the setup.
    """
    if not statements:
        raise ValueError("race: no statement came, expected at least one, as in race(setup, NumPy='x.sum()')")
    setup = "\n".join([dedent(setup), *(dedent(inspect.getsource(function)) for function in given)])
    task = {"setup": setup, "statements": {n.replace("_", " "): s for n, s in statements.items()}, "threads": threads}
    clean = {k: v for k, v in os.environ.items() if k not in CLEARED} | settings(threads)
    command = [sys.executable, "-m", "twice.bench.race"]
    done = subprocess.run(command, input=json.dumps(task), env=clean, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"race: a statement failed.\n{done.stderr.strip()}")
    answer = json.loads(done.stdout.splitlines()[-1])
    FILES.update(answer["files"])
    return Race(answer["seconds"], answer["machine"])


def _run(task: dict[str, Any]) -> dict[str, Any]:
    """In the fresh process: the statements as functions of one namespace, timed in turns."""
    import numpy as np
    import torch

    from twice.bench.timing import side_by_side
    from twice.machine import environment

    torch.set_num_threads(task["threads"])
    space: dict[str, Any] = {}
    exec(task["setup"], space)
    functions = {name: eval(f"lambda: ({source})", space) for name, source in task["statements"].items()}
    return {
        "seconds": side_by_side(functions, np.random.default_rng(0)),
        "machine": environment(task["threads"]),
        "files": _own_files(),
    }


def _own_files() -> list[str]:
    """The files of the library that were imported here."""
    own = [module for name, module in sys.modules.items() if name.partition(".")[0] == "twice"]
    return sorted(file for module in own if (file := getattr(module, "__file__", None)))


if __name__ == "__main__":
    print(json.dumps(_run(json.load(sys.stdin))))
