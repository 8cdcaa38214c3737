"""Labs: the end of a page leads to the notebook in which its reader builds what it explained."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from twice.book import repository

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def title(notebook: Path) -> str:
    """The first heading of a notebook."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    words = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    heading = re.search(r"^# (.+)$", words, re.MULTILINE)
    if heading is None:
        raise ValueError(f"lab: {notebook.name} has no heading, expected a line that begins with #")
    return heading[1].strip()


class Lab(SphinxDirective):
    """`{lab} convolution`: the lab's title, and the ways to open it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page is read again when the lab changes."""
        folder = Path(self.env.srcdir) / "labs"
        notebook = folder / f"{self.arguments[0]}.ipynb"
        if not notebook.exists():
            known = ", ".join(sorted(path.stem for path in folder.glob("*.ipynb")))
            raise self.error(f"lab: {self.arguments[0]} is not there, expected one of: {known}")
        self.env.note_dependency(str(notebook))
        try:
            said = title(notebook)
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.container("", nodes.paragraph("", "", *self.words(said, notebook.name)), classes=["lab"])]

    def words(self, said: str, file: str) -> list[nodes.Node]:
        """The title, then where it opens."""
        address, branch = repository.of(self.config)
        colab = repository.colab(address, branch, f"labs/{file}")
        code = repository.file(address, branch, f"labs/{file}")
        return [
            nodes.strong("", said),
            nodes.Text(": "),
            nodes.reference("", "open the lab in Colab", refuri=colab),
            nodes.Text(" or "),
            nodes.reference("", "see its file", refuri=code),
            nodes.Text("; on your own machine, "),
            nodes.literal("", f"labs/{file}"),
            nodes.Text("."),
        ]


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.add_directive("lab", Lab)
