"""What an answer may not use, found in its source by names alone: nothing is imported and nothing is executed."""

import ast
from collections.abc import Iterator, Mapping

from twice.grade.needs import tree

USUAL = {"np": "numpy", "F": "torch.nn.functional", "nn": "torch.nn"}  # imported by the lab's own cells
AROUND = {"getattr", "eval", "exec", "compile", "__import__", "globals", "vars", "__builtins__"}
DETOURS = (
    "importlib",
    "sys.modules",
    "gc",
    "ctypes",
    "torch.ops",
    "torch._C",
    "torch._VF",
    "numpy._core",
    "numpy.core",
)


def used(source: str, names: tuple[str, ...]) -> list[str]:
    """Those of the names that the source mentions, whatever it calls them."""
    mentioned = set(_mentions(source))
    return sorted(name for name in names if any(_within(path, name) for path in mentioned))


def detours(source: str) -> list[str]:
    """Ways by which a name could be used without being mentioned: somebody should look at them."""
    mentioned = set(_mentions(source))
    return sorted({p for p in mentioned if p in AROUND} | {d for d in DETOURS if any(_within(p, d) for p in mentioned)})


def _within(path: str, name: str) -> bool:
    return path == name or path.startswith(name + ".")


def _mentions(source: str) -> Iterator[str]:
    """Every dotted name in full: after `import torch.nn.functional as F`, `F.conv2d` is torch.nn.functional.conv2d."""
    nodes = list(ast.walk(tree(source)))
    known = {name: path for node in nodes for name, path in _imports(node).items()}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node).values()
        elif isinstance(node, ast.Name | ast.Attribute):
            yield _path(node, known)


def _imports(node: ast.AST) -> dict[str, str]:
    """The names that an import binds, with what they stand for."""
    if isinstance(node, ast.Import):
        heads = {a.name.partition(".")[0]: a.name.partition(".")[0] for a in node.names if not a.asname}
        return {**heads, **{a.asname or a.name: a.name for a in node.names}}
    if isinstance(node, ast.ImportFrom):
        return {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {}


def _path(node: ast.expr, known: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    head = [known.get(node.id, USUAL.get(node.id, node.id))] if isinstance(node, ast.Name) else []
    return ".".join([*head, *reversed(parts)])
