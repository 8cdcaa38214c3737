"""The folder of `twice` that a sandbox sees: what runs the answers and the rooms that the exercise allows."""

import shutil
from functools import cache
from pathlib import Path

from twice.grade import scratch

LIBRARY = Path(__file__).parents[1]
CARRIED = ("labs/plain.py", "labs/calling.py", "labs/forbidden.py", "labs/culprit.py", "grade/student.py")
STANDS_IN = {
    "__init__.py": '"""The part of the library that an answer may use."""\n',
    "grade/__init__.py": "",
    "labs/__init__.py": '''"""Checks that check nothing: an answer is judged outside."""


class Checks:
    def __call__(self, name): ...

    def passed(self, name):
        return False


def checks(lab, namespace=None):
    return Checks()
''',
}


@cache
def rooms(allows: tuple[str, ...]) -> Path:
    """A folder to put on the kernel's path; it stays as long as this process."""
    folder = scratch.make()
    for name, text in STANDS_IN.items():
        _place(folder, name).write_text(text, encoding="utf-8")
    for name in CARRIED:
        shutil.copyfile(LIBRARY / name, _place(folder, name))
    for room in allows:
        _carry(room, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def _place(folder: Path, name: str) -> Path:
    path = folder / "twice" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _carry(room: str, folder: Path) -> None:
    """Copy `twice.data`, a package, or `twice.size`, a module."""
    name = room.removeprefix("twice.").replace(".", "/")
    if (LIBRARY / name).is_dir():
        shutil.copytree(LIBRARY / name, _place(folder, name), dirs_exist_ok=True)
    elif (LIBRARY / f"{name}.py").is_file():
        shutil.copyfile(LIBRARY / f"{name}.py", _place(folder, f"{name}.py"))
    else:
        raise ValueError(f"allows: the library has no room {room!r}")
