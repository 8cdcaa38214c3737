"""What the numbers depend on: settled before the engines are loaded, and recorded with the result."""

import os
import sys
from typing import Any

from twice import machine

CLEARED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def settings(threads: int) -> dict[str, str]:
    """What must be set before NumPy and torch are loaded."""
    return {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_THREAD_TIMEOUT": "20",
        "MALLOC_MMAP_THRESHOLD_": "4000000000",
        "MALLOC_TRIM_THRESHOLD_": "8000000000",
    }


def settle_environment(threads: int) -> None:
    """Start this program again where the environment is not as the bench needs it."""
    wanted = settings(threads)
    if all(os.environ.get(k) == v for k, v in wanted.items()) and not any(k in os.environ for k in CLEARED):
        return
    settled = {k: v for k, v in os.environ.items() if k not in CLEARED} | wanted
    os.execve(sys.executable, [sys.executable, "-m", "twice.cli", *sys.argv[1:]], settled)


def environment(threads: int) -> dict[str, Any]:
    """What the numbers depend on."""
    return machine.environment(threads, [*settings(threads), *CLEARED])
