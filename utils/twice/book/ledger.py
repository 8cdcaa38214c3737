"""The ledger on pages: every number of the lectures beside the one that the code computes, and that code."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from twice.book import repository
from twice.book.fingerprint import PACKAGE, note_library
from twice.claims import CHAPTERS, DOCUMENTS, LEDGER, VERDICTS, Claim, Finding, check
from twice.claims.ledger import text

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "chapters/reference/claims"  # has all claims, and says what the documents and the verdicts are
MANY = 5  # from so many on, the claims of a page with one of these verdicts are folded
FOLDED = {"agrees": "that agree", "rounds": "that agree when rounded", "cited": "that can only be cited"}
HEAD = ("Claim", "Document", "Slides", "Computed", "Verdict")


@cache
def finding(id: str) -> Finding:
    """A claim computed again, once for all pages of a build."""
    return check(next(claim for claim in LEDGER if claim.id == id))


# ── what computes a number ──────────────────────────────────────────────────────────────────────────────────────


class Source(NamedTuple):
    """What computes a claim: its text, and where it stands."""

    code: str
    path: Path
    line: int


def source(compute: Callable[[], Any]) -> Source:
    """Of a lambda its own text, of a function a call of it."""
    function: Any = compute.func if isinstance(compute, partial) else compute
    path, line = Path(function.__code__.co_filename), function.__code__.co_firstlineno
    if function.__name__ == "<lambda>":
        return Source(lambdas(path)[line], path, line)
    given = map(repr, compute.args) if isinstance(compute, partial) else ()
    return Source(f"{function.__name__}({', '.join(given)})", path, line)


@cache
def lambdas(path: Path) -> dict[int, str]:
    """What the lambdas of a file compute, by the line where each begins; of nested ones the outermost."""
    found: dict[int, str] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, ast.unparse(node.body))
    return found


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────


def notes(claim: Claim, library: str) -> Iterator[str]:
    """What stands under a claim: why, the paper, the code. `library` is the address of the library's files."""
    if claim.why:
        yield escape(claim.why)
    if claim.source and claim.source not in claim.why:
        yield escape(claim.source)
    if claim.compute is not None:
        made = source(claim.compute)
        place = f"{library}/{made.path.relative_to(PACKAGE).as_posix()}#L{made.line}"
        yield f'<a href="{escape(place)}"><code>{escape(made.code)}</code></a>'


def row(found: Finding, library: str, anchored: bool = False) -> str:
    """A claim as a row of the table, with a place to link to if it is anchored."""
    claim = found.claim
    where = escape(claim.where) + "".join(f"<small>{note}</small>" for note in notes(claim, library))
    computed = "–" if claim.compute is None else text(found.computed)
    numbers = map(escape, (claim.said, computed))
    cells = [where, ", ".join(claim.documents), *numbers, f'<b class="{claim.verdict}">{claim.verdict}</b>']
    data = {"chapter": claim.chapter, "document": claim.documents, "verdict": claim.verdict}
    anchor = f' id="claim-{claim.id}"' if anchored else ""
    attributes = "".join(f' data-{name}="{value}"' for name, value in data.items())
    columns = "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in zip(HEAD, cells))
    return f"<tr{anchor}{attributes}>{columns}</tr>"


def table(claims: Iterable[Claim], library: str, anchored: bool = False) -> str:
    """All rows, under the name of their part where there are several."""
    claims = list(claims)
    parts = [(name, list(part)) for name, part in groupby(claims, lambda claim: claim.chapter)]
    heading = '<tr><th colspan="5" scope="rowgroup">{}</th></tr>' if len(parts) > 1 else ""
    bodies = "".join(
        f"<tbody>{heading.format(CHAPTERS[name])}"
        f"{''.join(row(finding(claim.id), library, anchored) for claim in part)}</tbody>"
        for name, part in parts
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    return f"<table><caption>{counted(claims)}</caption><thead><tr>{heads}</tr></thead>{bodies}</table>"


def counted(claims: Sequence[Claim]) -> str:
    """How many claims, and how many have each verdict that occurs."""
    found = Counter(claim.verdict for claim in claims)
    verdicts = ", ".join(f"{verdict} {found[verdict]}" for verdict in VERDICTS if found[verdict])
    return f"{len(claims)} claim{'s' if len(claims) > 1 else ''}: {verdicts}"


def folded(claims: Sequence[Claim], library: str) -> str:
    """What differs stands open; many rows that agree, or that can only be cited, are folded below it."""
    kinds = {verdict: [claim for claim in claims if claim.verdict == verdict] for verdict in FOLDED}
    many = {verdict: found for verdict, found in kinds.items() if len(found) >= MANY}
    open_ = [claim for claim in claims if claim.verdict not in many]
    if not open_ and (first := next((verdict for verdict in many if verdict != "cited"), None)):
        open_ = many.pop(first)
    parts = [table(open_, library)] if open_ else []
    for verdict, found in many.items():
        words = f"{len(found)} {'more ' if parts else ''}claims {FOLDED[verdict]}"
        parts.append(f"<details><summary>{words}</summary>{table(found, library)}</details>")
    return "".join(parts)


def choices(name: str, label: str, options: dict[str, str]) -> str:
    """A list to choose from, all at first."""
    listed = "".join(f'<option value="{value}">{escape(said)}</option>' for value, said in options.items())
    return f'<label>{label} <select name="{name}"><option value="">all</option>{listed}</select></label>'


def controls() -> str:
    """What narrows the table down: a script shows it, for without one it could do nothing."""
    lists = (
        choices("chapter", "Part", CHAPTERS),
        choices("document", "Document", {letter: letter for letter in DOCUMENTS}),
        choices("verdict", "Verdict", {verdict: verdict for verdict in VERDICTS}),
    )
    return f'<form class="ledger-filter" hidden>{"".join(lists)}<output></output></form>'


def key(what: str) -> str:
    """The documents, or the verdicts: what each is, and how many claims it has."""
    if what == "documents":
        entries = {name: (said, LEDGER.find(document=name)) for name, said in DOCUMENTS.items()}
    else:
        entries = {name: (said, LEDGER.find(verdict=name)) for name, said in VERDICTS.items()}
    listed = (
        f'<dt><b class="{name}">{name}</b></dt><dd>{said} <span>({len(found)} claims)</span></dd>'
        for name, (said, found) in entries.items()
    )
    return f'<dl class="ledger-key simple">{"".join(listed)}</dl>'


# ── the directives ──────────────────────────────────────────────────────────────────────────────────────────────


class LedgerTable(SphinxDirective):
    """`{ledger} pooling`: the claims of a part, or of all; `:document:`, `:verdict:` and `:id:` narrow them down.

    `:id:` takes the beginnings of ids (`vgg-16 stack`). With `:filter:` the reader narrows them down.
    """

    optional_arguments = 1
    option_spec: ClassVar = {
        "document": directives.unchanged_required,
        "verdict": directives.unchanged_required,
        "id": directives.unchanged_required,
        "filter": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """A verdict that is no longer true stops the build; the page is built again when the library changes."""
        note_library(self.env)
        found = self.claims()
        broken = [claim.id for claim in found if not finding(claim.id).holds]
        if broken:
            raise self.error(f"ledger: the verdict on {', '.join(broken)} is no longer true")
        filtered = "filter" in self.options
        address = library(self.config)
        html = controls() + table(found, address, anchored=True) if filtered else folded(found, address)
        rows = nodes.raw("", f'<div class="ledger">{html}</div>', format="html")
        return [rows] if filtered or PAGE not in self.env.found_docs else [self.about(), rows]

    def about(self) -> nodes.Node:
        """What the letters and the verdicts are, in a sentence that leads to more."""
        more = addnodes.pending_xref(
            "", nodes.inline("", "The ledger"), refdomain="std", reftype="doc", reftarget=f"/{PAGE}", refexplicit=True
        )
        said = " says what the documents A to E are, and the verdicts."
        return nodes.paragraph("", "", more, nodes.Text(said), classes=["ledger-about"])

    def claims(self) -> list[Claim]:
        """Those that the directive asks for."""
        ids = tuple(self.options.get("id", "").split()) or None
        options = {name: self.options.get(name) for name in ("document", "verdict")}
        try:
            found = LEDGER.find(self.arguments[0] if self.arguments else None, id=ids, **options)
        except ValueError as mistake:
            raise self.error(str(mistake)) from None
        if not len(found):
            raise self.error(f"ledger: no claim is {self.block_text.splitlines()[0].strip()} …, expected at least one")
        return list(found)


class LedgerKey(SphinxDirective):
    """`{ledger-key} documents` or `{ledger-key} verdicts`: what they are, and how many claims each has."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A definition list."""
        what = self.arguments[0]
        if what not in ("documents", "verdicts"):
            raise self.error(f"ledger-key: {what} came, expected documents or verdicts")
        note_library(self.env)
        return [nodes.raw("", key(what), format="html")]


def library(config: Any) -> str:
    """The address of the library's files in the repository."""
    return repository.file(*repository.of(config), "utils/twice")


def dress(app: "Sphinx", page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Only a page with claims loads their style and script."""
    if doctree is not None and any('class="ledger' in raw.astext() for raw in doctree.findall(nodes.raw)):
        app.add_css_file("ledger.css")
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("ledger", LedgerTable)
    app.add_directive("ledger-key", LedgerKey)
    app.connect("html-page-context", dress)
