"""What a measurement depends on, and how a page says it: processor, threads, libraries, GPU, date."""

import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from twice.doctor import installed

LIBRARY_FACTS = ("user_api", "internal_api", "num_threads", "version", "architecture")


def environment(threads: int | None = None, settings: Iterable[str] = ()) -> dict[str, Any]:
    """The facts, as plain data; `settings` names environment variables to keep, `threads` is what torch uses."""
    import numpy as np

    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": _version("torch"),
        "machine": platform.machine(),
        "processor": processor(),
        "cores": cores(),
        "system": platform.system(),
        "threads": torch_threads() if threads is None else threads,
        "libraries": _libraries(),
        "settings": {name: os.environ.get(name) for name in settings},
    }


def described(facts: Mapping[str, Any]) -> str:
    """`AMD EPYC, 2 threads, NumPy 2.4.6, PyTorch 2.15.0, Python 3.11.7, Linux, 2026-11-20`, as far as it is known."""
    threads = facts["threads"]
    words = [
        facts.get("gpu"),
        facts.get("processor") or facts.get("machine"),
        f"{threads} thread{'s' if threads > 1 else ''}",
        f"NumPy {facts['numpy']}",
        f"PyTorch {facts['torch']}" if facts["torch"] else None,
        f"Python {facts['python']}",
        facts.get("system"),
        facts.get("date"),
    ]
    return ", ".join(str(word) for word in words if word)


def processor() -> str:
    """The processor's own name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def torch_threads() -> int:
    """The threads of torch where it is loaded; else those of the NumPy engine's products."""
    if "torch" in sys.modules:
        return sys.modules["torch"].get_num_threads()
    blas = [library["num_threads"] for library in _libraries() if library["user_api"] == "blas"]
    return max(blas, default=1)


def peak_megabytes() -> float | None:
    """The most memory that this process held at once since it began; None where the system does not tell (Windows)."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count the parent's peak, too
        kilobytes = re.findall(r"^VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"), re.MULTILINE)
        return int(kilobytes[0]) * 1024 / 1e6 if kilobytes else None
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _version(distribution: str) -> str | None:
    """As the loaded package says it (torch names its build), else as it was installed."""
    loaded = sys.modules.get(distribution)
    return installed(distribution) if loaded is None else str(loaded.__version__)


def _libraries() -> list[dict[str, Any]]:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return [{key: info[key] for key in LIBRARY_FACTS if key in info} for info in threadpool_info()]
