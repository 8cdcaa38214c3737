"""Does an answer use what the exercise asks the student to write? Found in its source, and in that of its helpers."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any


def used(answer: Any, names: tuple[str, ...], namespace: Mapping[str, Any]) -> list[str]:
    """What in the answer, or in a function of the notebook that it calls, is forbidden: as it is written there."""
    found = {
        ast.unparse(node)
        for tree in (_sources(answer, namespace) if names else ())
        for node in ast.walk(tree)
        if any(_is(node, name, namespace) for name in names)
    }
    return sorted(name for name in found if not any(other.startswith(f"{name}.") for other in found))


def _sources(answer: Any, namespace: Mapping[str, Any]) -> Iterator[ast.AST]:
    """The answer's source and those of the functions and classes of the notebook that it leads to."""
    seen, waiting = set(), [answer]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or getattr(thing, "__module__", None) != namespace.get("__name__", "__main__"):
            continue
        seen.add(id(thing))
        if isinstance(thing, type):
            waiting += [v for v in vars(thing).values() if isinstance(v, FunctionType)]
        elif isinstance(thing, FunctionType):
            tree = _parsed(thing)
            yield tree
            waiting += [namespace.get(n.id) for n in ast.walk(tree) if isinstance(n, ast.Name)]


def _parsed(function: FunctionType) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def _is(node: ast.AST, name: str, namespace: Mapping[str, Any]) -> bool:
    """Whether this node of the tree is the forbidden thing: an import of it, or an expression that stands for it."""
    if isinstance(node, ast.Import):
        return any(_within(alias.name, name) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return any(_within(f"{node.module}.{alias.name}", name) for alias in node.names)
    if isinstance(node, ast.Name | ast.Attribute):
        return _same(_value(node, namespace), name)
    return False


def _within(path: str, name: str) -> bool:
    return path == name or path.startswith(name + ".")


def _value(node: ast.AST, namespace: Mapping[str, Any]) -> Any:
    """What a dotted expression stands for in the notebook, as far as modules lead."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _value(node.value, namespace)
        return getattr(base, node.attr, None) if isinstance(base, ModuleType) else None
    return None


def _same(value: Any, name: str) -> bool:
    """A module by its name; a function or class by being the very one."""
    if value is None:
        return False
    if isinstance(value, ModuleType):
        return _within(value.__name__, name)
    target = _resolved(name)
    if isinstance(target, ModuleType):
        return _within(getattr(value, "__module__", None) or "", name)
    return target is not None and value is target


def _resolved(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return import_module(name)
    except ImportError:
        pass
    try:
        return getattr(import_module(module), attribute, None)
    except (ImportError, ValueError):
        return None
