"""What runs with NumPy alone, and who may look at whom, tested where everything is installed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_library_needs_numpy_alone():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "utils")}
    script = [sys.executable, "-W", "error", str(ROOT / "tests" / "numpy_alone.py")]
    done = subprocess.run(script, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "alone" in done.stdout
