"""What the interactive figures begin with: a figure, its examples, and how a page changes one."""

from collections.abc import Callable
from typing import Any, NamedTuple

State = dict[str, Any]
WORDS = {"mode": ("zero", "replicate"), "view": ("1-D", "2-D"), "pool": ("none", "max", "mean")}


class Figure(NamedTuple):
    """Its name on the page, its examples (the first is shown unless a page asks for another), and its still."""

    title: str
    presets: dict[str, State]
    still: Callable[[State], str]

    def first(self, preset: str | None = None, settings: str = "") -> tuple[str, State]:
        """The preset's name, and its state after settings such as "stride=2 padding=1"."""
        chosen = preset or next(iter(self.presets))
        state = self.presets[one_of("preset", chosen, self.presets)]
        return chosen, {**state, **dict(setting(state, word) for word in settings.split())}


def one_of(what: str, name: str, names: Any) -> str:
    """The name, if it is one of those."""
    if name not in names:
        raise ValueError(f"interactive: {what} is {name!r}, expected one of {', '.join(names)}")
    return name


def setting(state: State, word: str) -> tuple[str, Any]:
    """One "name=value": the name of a number in the preset, or of one of the `WORDS`."""
    numbers = [key for key, value in state.items() if isinstance(value, int | float) and not isinstance(value, bool)]
    name, _, value = word.partition("=")
    if one_of("a name of :set:", name, [*numbers, *(key for key in WORDS if key in state)]) in WORDS:
        return name, one_of(name, value, WORDS[name])
    try:
        return name, int(value) if value.lstrip("-").isdigit() else float(value)
    except ValueError:
        raise ValueError(f"interactive: {name} is {value!r}, expected a number") from None


def require_place(name: str, place: int, count: int) -> None:
    """A place that the first state looks at must be there."""
    if not 0 <= place < count:
        raise ValueError(f"interactive: {name} is {place}, expected 0 to {count - 1}")
