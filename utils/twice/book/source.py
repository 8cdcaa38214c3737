"""Code of the library on a page: a function or a class as it stands in its file, with a link to its lines."""

import ast
import inspect
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from twice.book import repository
from twice.book.fingerprint import PACKAGE

if TYPE_CHECKING:
    from sphinx.application import Sphinx


@dataclass(frozen=True)
class Code:
    """An object of the library: its lines, the first one's number, and its file."""

    text: str
    first: int
    file: Path

    @property
    def place(self) -> str:
        """The file and the lines in the repository, as its web pages write them."""
        inside = self.file.relative_to(PACKAGE).as_posix()
        return f"utils/twice/{inside}#L{self.first}-L{self.first + self.text.count(chr(10)) - 1}"


def resolve(name: str) -> Any:
    """The object that a full name such as `twice.nn.Linear.forward` stands for."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                raise ValueError(f"{name}: {'.'.join(parts[:length])} has no {'.'.join(parts[length:])}")
            found = getattr(found, part)
        return found
    raise ValueError(f"{name} cannot be imported, expected a full name such as twice.kernels.linear.linear")


def code_of(name: str) -> Code:
    """The code of a function, a method or a class of the library."""
    thing = inspect.unwrap(resolve(name))
    if not (inspect.isfunction(thing) or inspect.isclass(thing)):
        raise ValueError(f"{name} is a {type(thing).__name__}, expected a function or a class")
    file = Path(inspect.getsourcefile(thing) or "").resolve()
    if not file.is_relative_to(PACKAGE):
        raise ValueError(f"{name} is defined in {file.name}, expected an object of the library")
    lines, first = inspect.getsourcelines(thing)
    return Code(dedent("".join(lines)), first, file)


def without_docstring(text: str) -> str:
    """The same function or class without the docstring of its own."""
    body = ast.parse(text).body[0].body  # type: ignore[attr-defined]
    said = body[0]
    if len(body) == 1 or not (isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant)):
        return text
    lines = text.splitlines(keepends=True)
    del lines[said.lineno - 1 : said.end_lineno]
    return "".join(lines)


class Source(SphinxDirective):
    """`{source} twice.kernels.linear.linear`: the code, and a caption that links to it; content opens the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"without-docstring": directives.flag, "name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """The page is read again when the file changes."""
        name = self.arguments[0]
        try:
            code = code_of(name)
        except ValueError as error:
            raise self.error(f"source: {error}") from None
        self.env.note_dependency(str(code.file))
        text = without_docstring(code.text) if "without-docstring" in self.options else code.text
        text = text.rstrip("\n")
        block = nodes.literal_block(text, text, language="python")  # two texts that differ would not be coloured
        both = nodes.container("", self.caption(name, code), block, classes=["source"])
        self.add_name(both)
        return [both]

    def caption(self, name: str, code: Code) -> nodes.paragraph:
        """The author's words, then the name as a link to the lines."""
        where = repository.file(*repository.of(self.config), code.place)
        caption = nodes.paragraph(classes=["source-caption"])
        if self.content:
            words, messages = self.parse_inline(" ".join(self.content), lineno=self.lineno)
            caption += [*words, *messages, nodes.Text(" ")]
        caption += nodes.reference("", "", nodes.literal("", name), refuri=where)
        return caption


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("source", Source)
