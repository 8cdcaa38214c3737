"""Names: what a room of the library offers, each with the first line of its docstring."""

import inspect
import re
from functools import partial
from html import escape
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from twice.book.fingerprint import note_library

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def public(place: Any) -> dict[str, Any]:
    """The functions and classes of the library that a module or a class offers, in the alphabet's order."""
    found = {name: getattr(place, name) for name in sorted(dir(place), key=str.lower) if not name.startswith("_")}
    return {name: thing for name, thing in found.items() if is_ours(thing)}


def is_ours(thing: Any) -> bool:
    """A function or a class that this library has made: no module, no number, nothing that was only imported."""
    if not callable(thing) or isinstance(thing, ModuleType):
        return False
    made = thing.func if isinstance(thing, partial) else thing
    return getattr(made, "__module__", "").partition(".")[0] == "twice"


def sentence(thing: Any) -> str:
    """The first line of its own docstring; a `partial` has only that of all partials."""
    own = thing.__doc__ or ""
    return "" if own == partial.__doc__ else inspect.cleandoc(own).partition("\n")[0].rstrip(".")


def grouped(names: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What each thing is, and its names: torch has two or three for some."""
    groups: dict[int, list[str]] = {}
    for name, thing in names.items():
        groups.setdefault(id(thing), []).append(name)
    return [(sentence(names[group[0]]), group) for group in groups.values()]


def code(text: str) -> str:
    """Escaped, with `backticks` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def listing(place: str, names: dict[str, Any]) -> str:
    """Each thing with its sentence; names without one close the list, one after the other."""
    groups = grouped(names)
    bare = [name for said, group in groups if not said for name in group]

    def anchors(group: list[str]) -> str:
        return ", ".join(f'<code id="{place}.{name}">{name}</code>' for name in group)

    entries = [f"<dt>{anchors(group)}</dt><dd>{code(said)}</dd>" for said, group in groups if said]
    if bare:
        entries.append(f"<dt>and, as their names say</dt><dd>{anchors(bare)}</dd>")
    return f'<dl class="names simple">{"".join(entries)}</dl>'


class Names(SphinxDirective):
    """`{names} twice.nn`: the public names of a module (or of a class in one) and what each is."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page is built again when the library changes."""
        place = self.arguments[0]
        names = public(import_module(place))
        if not names:
            raise self.error(f"names: {place} offers nothing, expected a module with public names")
        note_library(self.env)
        return [nodes.raw("", listing(place, names), format="html")]


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("names", Names)
