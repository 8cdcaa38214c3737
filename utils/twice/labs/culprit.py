"""Whose line raised: an error of the student's code in a sentence, with the lines of that code and no other."""

import linecache
import sys
import sysconfig
import traceback
from pathlib import Path
from types import TracebackType

LIBRARY = str(Path(__file__).parents[1])
INSTALLED = {"site-packages", "dist-packages"}
FRAMES = 3


def told(error: BaseException) -> tuple[str, str]:
    """'ValueError: …', and the student's own lines that led to it, the last one last."""
    name = type(error).__name__
    text = str(error).strip()
    message = f"{name}: {text}" if text else name
    return message, "\n".join(own_lines(error.__traceback__)[-FRAMES:])


def own_lines(trace: TracebackType | None) -> list[str]:
    """`line 3 in conv2d:  y[i] = x[i + t]` for each frame that is neither this library's nor an installed package's."""
    frames = [f for f in traceback.walk_tb(trace) if _is_own(f[0].f_code.co_filename)]
    return [
        f"line {line} in {frame.f_code.co_name}:  {_source(frame.f_code.co_filename, line)}" for frame, line in frames
    ]


def _is_own(file: str) -> bool:
    paths = sysconfig.get_paths()
    installed = (LIBRARY, paths["stdlib"], paths["purelib"], paths["platlib"], f"{sys.base_prefix}/lib")
    return not (file.startswith((*installed, "<frozen")) or INSTALLED & set(Path(file).parts))


def _source(file: str, line: int) -> str:
    return linecache.getline(file, line).strip()
