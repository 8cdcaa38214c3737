"""A page as plain Markdown and code: what its doctree says, in words that any notebook shows.

Sphinx has resolved everything by then (links, numbers, citations, includes), so nothing of MyST is left to translate:
each kind of node has a function here that writes it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes

from twice.book import exercises, pairs
from twice.book.picture import embedded, first_svg

SPECIAL = re.compile(r"([\\`*_\[\]<$])")
STARTS_A_BLOCK = re.compile(r"^(#|>|[-+] |\d+[.)] )")
SILENT = (
    nodes.comment,
    nodes.target,
    nodes.substitution_definition,
    nodes.system_message,
    nodes.meta,
    addnodes.index,
    addnodes.toctree,
    addnodes.highlightlang,
)


@dataclass(frozen=True)
class Text:
    """A stretch of Markdown; `opens` where a new cell should begin with it."""

    markdown: str
    opens: bool = False


@dataclass(frozen=True)
class Code:
    """A code cell of the page, by its place among all cells."""

    index: int


Piece = Text | Code


@dataclass(frozen=True)
class Place:
    """Where links lead from: the page's own address on the site, and where images ended up."""

    address: str
    images: Mapping[str, str]

    def link(self, node: nodes.Element) -> str:
        """The whole address that a reference leads to."""
        return urljoin(self.address, node.get("refuri") or "#" + node["refid"])


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────


def words(node: nodes.Element, place: Place) -> str:
    """The children of a node as one line of Markdown."""
    return "".join(word(child, place) for child in node.children)


def word(node: nodes.Node, place: Place) -> str:
    """One inline node."""
    if isinstance(node, nodes.Text):
        return SPECIAL.sub(r"\\\1", node.astext().replace("\n", " "))
    if isinstance(node, SILENT) or not isinstance(node, nodes.Element):
        return ""
    if isinstance(node, nodes.raw):
        return node.astext() if node.get("format") == "html" else ""
    write = INLINE.get(type(node).__name__, words)
    return write(node, place)


def wrapped(mark: str) -> Callable[[nodes.Element, Place], str]:
    """Words between two marks."""
    return lambda node, place: f"{mark}{words(node, place)}{mark}"


def literal(node: nodes.Element, place: Place) -> str:
    """Code within a sentence, between enough backticks."""
    text = node.astext()
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def reference(node: nodes.Element, place: Place) -> str:
    """A link; one without words is none."""
    said = words(node, place)
    return f"[{said}]({place.link(node)})" if said and ("refuri" in node or "refid" in node) else said


def image(node: nodes.Element, place: Place) -> str:
    """The image where the site has it."""
    return f"![{plain(node.get('alt', ''))}]({urljoin(place.address, place.images.get(node['uri'], node['uri']))})"


def plain(text: str) -> str:
    """Words that may stand between the brackets of an image."""
    return " ".join(text.split()).translate({ord("["): "(", ord("]"): ")"})


INLINE: dict[str, Callable[[Any, Place], str]] = {
    "emphasis": wrapped("*"),
    "title_reference": wrapped("*"),
    "strong": wrapped("**"),
    "literal": literal,
    "reference": reference,
    "number_reference": reference,
    "image": image,
    "math": lambda node, place: f"${node.astext().strip()}$",
    "superscript": lambda node, place: f"<sup>{words(node, place)}</sup>",
    "subscript": lambda node, place: f"<sub>{words(node, place)}</sub>",
    "footnote_reference": lambda node, place: f"<sup>{words(node, place)}</sup>",
}


# ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def blocks(node: nodes.Element, place: Place) -> str:
    """The children of a node as blocks, one below the other."""
    return "\n\n".join(filter(None, (block(child, place) for child in node.children)))


def block(node: nodes.Node, place: Place) -> str:
    """One block."""
    if isinstance(node, SILENT) or (isinstance(node, nodes.Element) and "toctree-wrapper" in node.get("classes", [])):
        return ""
    if isinstance(node, nodes.Text | nodes.Inline) and not isinstance(node, nodes.image | nodes.raw):
        return word(node, place)
    if isinstance(node, nodes.admonition | nodes.Admonition):
        return admonition(node, place)
    assert isinstance(node, nodes.Element)
    return BLOCK.get(type(node).__name__, blocks)(node, place)


def paragraph(node: nodes.Element, place: Place) -> str:
    """A sentence must not begin a list or a heading by accident."""
    return STARTS_A_BLOCK.sub(r"\\\1", words(node, place).strip())


def quoted(text: str) -> str:
    """A block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def admonition(node: nodes.Element, place: Place) -> str:
    """A box becomes a quotation that begins with its title."""
    title = next((child for child in node.children if isinstance(child, nodes.title)), None)
    said = words(title, place) if title is not None else type(node).__name__.capitalize()
    rest = [block(child, place) for child in node.children if child is not title]
    return quoted("\n\n".join(filter(None, [f"**{said}**", *rest])))


def fence(node: nodes.Element, place: Place) -> str:
    """Code that is shown, not run."""
    text, language = node.astext(), node.get("language", "")
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{'' if language in ('none', 'default') else language}\n{text}\n{ticks}"


def display(node: nodes.Element, place: Place) -> str:
    """A formula on its own lines, with its number."""
    number = rf" \tag{{{node['number']}}}" if node.get("number") else ""
    return f"$$\n{node.astext().strip()}{number}\n$$"


def items(node: nodes.Element, place: Place) -> str:
    """A list; what an item holds is indented below its mark."""
    numbered = isinstance(node, nodes.enumerated_list)
    lines = []
    for number, item in enumerate(node.children, node.get("start", 1)):
        mark = f"{number}. " if numbered else "- "
        text = blocks(item, place)  # type: ignore[arg-type]
        lines.append(mark + text.replace("\n", "\n" + " " * len(mark)))
    return "\n".join(re.sub(r"\n +\n", "\n\n", line) for line in lines)


def definition(node: nodes.Element, place: Place) -> str:
    """The term in bold, and below it what it means."""
    terms = ", ".join(words(child, place) for child in node.children if isinstance(child, nodes.term))
    said = [blocks(child, place) for child in node.children if isinstance(child, nodes.definition)]
    return "\n\n".join([f"**{terms}**", *map(quoted, said)])


def table(node: nodes.Element, place: Place) -> str:
    """Rows between pipes; the first is the head."""
    rows = [
        [blocks(entry, place).replace("\n\n", "<br>").replace("|", r"\|") for entry in row.findall(nodes.entry)]
        for row in node.findall(nodes.row)
    ]
    if not rows:
        return ""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    title = next((f"*{words(t, place)}*\n\n" for t in node.children if isinstance(t, nodes.title)), "")
    return title + "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def raw(node: nodes.Element, place: Place) -> str:
    """HTML: its drawing as a picture; tables and lists as they are; of all else the reader is led to the page."""
    html = node.astext()
    if node.get("format") != "html":
        return ""
    svg = first_svg(html)
    if svg:
        return f"![{plain(svg.alt)}]({embedded(svg)})"
    if re.search(r"<(table|dl|details|ul|ol|p)\b", html):
        return re.sub(r"\n\s*\n", "\n", html)
    return f"[This part is on the page.]({place.address})"


def figure(node: nodes.Element, place: Place) -> str:
    """The picture, then its caption; one that moves on the page says so."""
    shown = [block(child, place) for child in node.children if not isinstance(child, nodes.caption)]
    said = [f"*{words(child, place)}*" for child in node.children if isinstance(child, nodes.caption)]
    moves = [f"[On the page, this figure moves.]({place.address})"] if "interactive" in node["classes"] else []
    return "\n\n".join(filter(None, [*shown, *said, *moves]))


def footnote(node: nodes.Element, place: Place) -> str:
    """Its number, then what it says."""
    said = [block(child, place) for child in node.children if not isinstance(child, nodes.label)]
    number = next((words(child, place) for child in node.children if isinstance(child, nodes.label)), "")
    return f"<sup>{number}</sup> " + "\n\n".join(said)


BLOCK: dict[str, Callable[[Any, Place], str]] = {
    "paragraph": paragraph,
    "compact_paragraph": paragraph,
    "rubric": lambda node, place: f"**{words(node, place)}**",
    "term": words,
    "caption": lambda node, place: f"*{words(node, place)}*",
    "literal_block": fence,
    "math_block": display,
    "bullet_list": items,
    "enumerated_list": items,
    "definition_list_item": definition,
    "block_quote": lambda node, place: quoted(blocks(node, place)),
    "sidebar": admonition,
    "topic": admonition,
    "table": table,
    "raw": raw,
    "figure": figure,
    "image": image,
    "footnote": footnote,
    "transition": lambda node, place: "---",
}


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def pieces(node: nodes.Node, place: Place, level: int = 0) -> Iterator[Piece]:
    """A page from top to bottom: stretches of Markdown, and between them its cells."""
    if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
        yield Code(node["cell_index"])
    elif isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
        yield Text(f"{'#' * level} {words(node, place)}", opens=True)
    elif isinstance(node, nodes.document | nodes.section | pairs.pair):
        deeper = level + isinstance(node, nodes.section)
        yield from chain.from_iterable(pieces(child, place, deeper) for child in node.children)
    elif isinstance(node, pairs.side):
        yield Text(f"**{pairs.ENGINES[node['engine']]}**")
        yield from chain.from_iterable(pieces(child, place) for child in node.children)
    elif isinstance(node, exercises.exercise):
        yield from exercise(node, place)
    else:
        yield Text(block(node, place))


def exercise(node: exercises.exercise, place: Place) -> Iterator[Piece]:
    """The task under its title, then its solution: folded where it is words alone, else with its cells."""
    title, *rest = node.children
    yield Text(f"**{words(title, place).strip()}**", opens=True)  # type: ignore[arg-type]
    for child in rest:
        inside = list(chain.from_iterable(pieces(part, place) for part in child.children))
        if not isinstance(child, exercises.solution):
            yield Text(block(child, place))
        elif any(isinstance(piece, Code) for piece in inside):
            yield Text("**Solution**", opens=True)
            yield from inside
        else:
            said = "\n\n".join(piece.markdown for piece in inside if isinstance(piece, Text))
            yield Text(f"<details><summary>Solution</summary>\n\n{said}\n\n</details>")
