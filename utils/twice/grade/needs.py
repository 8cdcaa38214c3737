"""Which statements of other cells an answer uses, found without running them."""

import ast
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LONGEST = 200_000  # characters of a cell that is looked into
ALL = "*"  # what `from numpy import *` binds
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Statement:
    """A statement at the top of a cell, the names that it binds or changes, and the global names that it reads."""

    source: str
    binds: frozenset[str]
    reads: frozenset[str]


def statements(source: str) -> list[Statement]:
    """The statements of a cell that bind a name; none where it is no Python."""
    plain, tree = _parsed(source)
    try:
        return [found for node in tree.body if (found := _statement(node, plain)).binds]
    except UNREADABLE:
        return []


def tree(source: str) -> ast.Module:
    """The cell as Python reads it, without IPython's own lines."""
    return _parsed(source)[1]


def _parsed(source: str) -> tuple[str, ast.Module]:
    """A cell and its tree, without the lines for IPython where there are such; an empty one where it is no Python."""
    bare = "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.split("\n"))
    for text in (source, bare):
        try:
            if len(text) <= LONGEST:
                return text, ast.parse(text)
        except UNREADABLE:
            continue
    return "", ast.Module([], [])


def _statement(node: ast.stmt, cell: str) -> Statement:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    source = "\n".join(cell.split("\n")[first - 1 : node.end_lineno])
    if node.lineno == node.end_lineno:  # it may share its line
        source = ast.get_source_segment(cell, node) or source
    table = symtable.symtable(source, "cell", "exec")
    changed = {name for target in _targets(node) if (name := _base(target))}
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    star = {ALL} if isinstance(node, ast.ImportFrom) and node.names[0].name == ALL else set()
    return Statement(source, frozenset(bound | changed | star), frozenset(_reads(table)))


def _targets(node: ast.stmt) -> Iterator[ast.expr]:
    """What an assignment assigns to, `x[0]` and `x.y` too."""
    if isinstance(node, ast.Assign):
        yield from node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        yield node.target


def _base(target: ast.expr) -> str | None:
    while isinstance(target, ast.Subscript | ast.Attribute):
        target = target.value
    return target.id if isinstance(target, ast.Name) else None


def reads(source: str) -> frozenset[str]:
    """The global names that a cell reads, in its functions too."""
    try:
        return frozenset(_reads(symtable.symtable(_parsed(source)[0], "cell", "exec")))
    except UNREADABLE:
        return frozenset()


def _reads(table: symtable.SymbolTable) -> Iterator[str]:
    waiting = [table]
    while waiting:
        here = waiting.pop()
        waiting += here.get_children()
        top = here.get_type() == "module"
        yield from (s.get_name() for s in here.get_symbols() if s.is_referenced() and (top or s.is_global()))


def needed(pool: Sequence[Statement], answers: Iterable[str]) -> set[Statement]:
    """The statements of the pool that bind what the answers read, and what those read in turn."""
    wanted = {ALL, *(name for answer in answers for name in reads(answer))}
    used: set[Statement] = set()
    while more := {s for s in pool if s not in used and s.binds & wanted}:
        used |= more
        wanted |= {name for statement in more for name in statement.reads}
    return used
