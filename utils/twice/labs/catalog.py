"""The labs that there are: each module of this room that declares a `LAB` of its own name."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

from twice.labs.exercise import Lab

ROOM = Path(__file__).parent


@cache
def names() -> tuple[str, ...]:
    """The names of all labs, in the order of their numbers."""
    return tuple(sorted(_declared(), key=lambda name: (find(name).number, name)))


def find(name: str) -> Lab:
    """The declaration of the lab of this name."""
    if name not in _declared():
        raise ValueError(f"lab: there is no lab {name!r}, expected one of {', '.join(names())}")
    return import_module(f"twice.labs.{name}").LAB


@cache
def _declared() -> frozenset[str]:
    """Found by the text, so that looking for one lab imports no other."""
    return frozenset(path.stem for path in ROOM.glob("*.py") if _declares(path))


def _declares(path: Path) -> bool:
    own = rf'^LAB = Lab\(\s*"{re.escape(path.stem)}"'
    return re.search(own, path.read_text(encoding="utf-8"), re.MULTILINE) is not None


def forget() -> None:
    """Look again at the next question: a lab has come."""
    names.cache_clear()
    _declared.cache_clear()
