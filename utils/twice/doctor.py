"""What `twice doctor` looks at: what is there, what is missing, and what to type. Pure functions that return rows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "note", "stop"]

LEAST_PYTHON = (3, 11)
LEAST_NUMPY = (2, 0)
PINNED_BLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


@dataclass(frozen=True)
class Row:
    """One thing that was looked at. `stop` means: without it, the course cannot run."""

    subject: str
    state: State
    found: str
    advice: str = ""


def examine(environment: Mapping[str, str] | None = None) -> list[Row]:
    """Every row, in the order in which one would set up a machine."""
    environment = os.environ if environment is None else environment
    return [
        python_row(),
        numpy_row(installed("numpy")),
        blas_row(blas_libraries(), environment),
        package_row("PyTorch", "torch", "torch>=2.9", "the PyTorch half of each page"),
        package_row("torchvision", "torchvision", "torchvision>=0.24", "real data and pretrained weights"),
        cuda_row(*cuda_facts()),
        bubblewrap_row(sys.platform, shutil.which("bwrap")),
        package_row("safetensors", "safetensors", "safetensors>=0.5", "weights in the safetensors format"),
        package_row("Matplotlib", "matplotlib", "matplotlib>=3.9", "figures"),
        package_row("JupyterLab", "jupyterlab", "jupyterlab>=4.2", "`make lab`"),
        data_row(data_folder(environment)),
    ]


def can_run(rows: list[Row]) -> bool:
    """The course runs unless a row says stop."""
    return all(row.state != "stop" for row in rows)


def installed(distribution: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def numbers(version: str) -> tuple[int, ...]:
    """'2.4.6' as (2, 4): enough to compare with a least version."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def python_row(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Row:
    """Python ≥ 3.11."""
    found = ".".join(map(str, version))
    if version[:2] >= LEAST_PYTHON:
        return Row("Python", "ok", found)
    return Row("Python", "stop", f"{found}, expected 3.11 or newer", "install Python 3.12, then: make setup")


def numpy_row(version: str | None) -> Row:
    """NumPy ≥ 2.0: the one package that nothing works without."""
    if version is None:
        return Row("NumPy", "stop", "missing", 'python -m pip install "numpy>=2.0"')
    if numbers(version) < LEAST_NUMPY:
        return Row("NumPy", "stop", f"{version}, expected 2.0 or newer", 'python -m pip install "numpy>=2.0"')
    return Row("NumPy", "ok", version)


def blas_libraries() -> list[dict[str, Any]]:
    """The BLAS libraries that NumPy loaded, as threadpoolctl describes them."""
    try:
        import numpy  # noqa: F401  (loads its BLAS)
        import threadpoolctl
    except ImportError:
        return []
    blas = [library for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
    return [library for library in blas if "numpy" in library["filepath"]] or blas


def blas_row(libraries: list[dict[str, Any]], environment: Mapping[str, str]) -> Row:
    """Which library multiplies matrices, with how many threads; a pinned core type can halve its speed."""
    found = ", ".join(describe_blas(library) for library in libraries) or "not recognised (Apple's Accelerate is not)"
    pinned = [name for name in PINNED_BLAS if name in environment]
    if not pinned:
        return Row("BLAS", "ok", found)
    values = ", ".join(f"{name}={environment[name]}" for name in pinned)
    return Row("BLAS", "note", f"{found}; pinned by {values}, which can halve its speed", f"unset {' '.join(pinned)}")


def describe_blas(library: Mapping[str, Any]) -> str:
    """'openblas 0.3.30, kernel SkylakeX, 2 threads'."""
    kernel = f", kernel {library['architecture']}" if library.get("architecture") else ""
    threads = library["num_threads"]
    return f"{library['internal_api']} {library['version']}{kernel}, {threads} thread{'s' * (threads != 1)}"


def package_row(subject: str, distribution: str, requirement: str, purpose: str) -> Row:
    """A package that part of the course needs."""
    version = installed(distribution)
    advice = f'python -m pip install "{requirement}"'
    if version is None:
        return Row(subject, "note", f"missing: needed for {purpose}", advice)
    if numbers(version) < numbers(requirement.partition(">=")[2]):
        return Row(subject, "note", f"{version}, expected {requirement.partition('>=')[2]} or newer", advice)
    return Row(subject, "ok", version)


def cuda_facts() -> tuple[str | None, str | None, bool]:
    """The CUDA device that PyTorch sees, the CUDA it was built for, and whether an NVIDIA driver is there."""
    driver = shutil.which("nvidia-smi") is not None
    try:
        import torch
    except (ImportError, OSError):
        return None, None, driver
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return device, torch.version.cuda, driver


def cuda_row(device: str | None, built_for: str | None, driver: bool) -> Row:
    """A GPU is welcome and never needed."""
    if device is not None:
        return Row("CUDA", "ok", f"{device}, CUDA {built_for}")
    if not driver:
        return Row("CUDA", "note", "no NVIDIA GPU found: everything runs on the CPU")
    if built_for is None:
        return Row(
            "CUDA", "note", "an NVIDIA driver, but no PyTorch built for CUDA", "choose CUDA at pytorch.org/get-started"
        )
    return Row(
        "CUDA",
        "note",
        f"an NVIDIA driver that CUDA {built_for} cannot use",
        "nvidia-smi (update the driver if it is old)",
    )


def bubblewrap_row(platform: str, program: str | None) -> Row:
    """The sandbox in which submissions are graded."""
    if platform != "linux":
        return Row(
            "bubblewrap", "note", "Linux only: needed for grading alone", "grade in WSL2 or in a Linux virtual machine"
        )
    if program is None:
        return Row("bubblewrap", "note", "missing: needed for grading alone", "sudo apt install bubblewrap")
    if not sandbox_starts(program):
        return Row(
            "bubblewrap", "note", f"{program}, but it may not open a sandbox here", f"{program} --ro-bind / / true"
        )
    return Row("bubblewrap", "ok", program)


def sandbox_starts(program: str) -> bool:
    """Containers and some kernels forbid what the sandbox needs: try it."""
    trial = [program, "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc", "true"]
    try:
        return subprocess.run(trial, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where real data is kept: TWICE_DATA, else ~/.cache/twice."""
    return Path(environment.get("TWICE_DATA") or Path.home() / ".cache" / "twice").expanduser()


def data_row(folder: Path) -> Row:
    """The real data sets that were fetched; the pages need none of them."""
    if not folder.exists():
        return Row("data", "note", f"{folder}: not there yet; no page needs it", f"mkdir -p {folder}")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return Row("data", "note", f"{folder}: not a folder that can be written to", "export TWICE_DATA=~/twice-data")
    sets = sorted(path.stem for path in folder.glob("*.npz") if not path.name.startswith("."))
    return Row("data", "ok", f"{folder}: {', '.join(sets) or 'no set yet'}")
