"""Each page as a plain notebook, for Colab, for JupyterHub and to download.

The site's build writes it beside the page's source. `python -m twice.book.notebooks _build/html FOLDER` puts all of
them into a folder as the branch `notebooks` holds them.
"""

import argparse
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twice.book import repository
from twice.book.execution import Page, read_pages
from twice.book.markdown import Code, Piece, Place, Text, pieces

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
README = """\
# Notebooks

Each page of {pages} as a notebook, made from the branch `{branch}` when the site is published.
Changes belong there: this branch is overwritten.
"""
REQUIREMENTS = "built-twice[book] @ git+{repository}@{branch}\n"


def notebook(found: Iterable[Piece], page: Page, first: str) -> "NotebookNode":
    """The pieces as cells; `first` is the cell before all others."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = [new_code_cell(first, id="preparation", metadata={"tags": ["preparation"]})]
    for index, piece in enumerate(merged(with_all_code(found, page))):
        if isinstance(piece, Code):
            source = page.notebook.cells[piece.index]
            cells.append(new_code_cell(source.source, id=f"cell-{index}", metadata=source.metadata))
        else:
            cells.append(new_markdown_cell(piece.markdown, id=f"cell-{index}"))
    title = next((i for i, cell in enumerate(cells) if cell.cell_type == "markdown"), None)
    if title is not None:
        cells.insert(0, cells.pop(title))
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def with_all_code(found: Iterable[Piece], page: Page) -> Iterator[Piece]:
    """Cells that the page does not show run in the notebook all the same, where they stood."""
    waiting = [i for i, cell in enumerate(page.notebook.cells) if cell.cell_type == "code"]
    for piece in found:
        while isinstance(piece, Code) and waiting and waiting[0] < piece.index:
            yield Code(waiting.pop(0))
        if isinstance(piece, Code):
            waiting.remove(piece.index)
        yield piece
    yield from map(Code, waiting)


def merged(found: Iterable[Piece]) -> Iterator[Piece]:
    """What stands between two cells is one cell, unless a heading opens a new one."""
    said: list[str] = []
    for piece in found:
        if said and (isinstance(piece, Code) or piece.opens):
            yield Text("\n\n".join(said))
            said = []
        if isinstance(piece, Code):
            yield piece
        elif piece.markdown.strip():
            said.append(piece.markdown)
    if said:
        yield Text("\n\n".join(said))


def write_notebook(app: "Sphinx", name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """When a page is written, its notebook is, too; the launch buttons lead to where it will be published."""
    if doctree is None or "kernelspec" not in app.env.metadata.get(name, {}):
        return
    from nbformat import writes

    (page,) = read_pages(app.env, [name])
    place = Place(app.config.html_baseurl + name + ".html", images(app))
    first = repository.preparation(*repository.of(app.config))
    target = notebook_file(Path(app.outdir), name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(writes(notebook(pieces(doctree, place), page, first)) + "\n", encoding="utf-8")
    redirect(context, name, repository.of(app.config)[1])


def images(app: "Sphinx") -> dict[str, str]:
    """Where the site keeps each image, from any page."""
    found: dict[str, str] = app.builder.images
    return {uri: f"{app.config.html_baseurl}_images/{file}" for uri, file in found.items()}


def notebook_file(site: Path, name: str) -> Path:
    """Where the theme's download button looks for a page's notebook."""
    return site / "_sources" / f"{name}.ipynb"


def redirect(context: dict[str, Any], page: str, branch: str) -> None:
    """The theme's buttons would open the page's source on the main branch."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons":
            for button in group["buttons"]:
                button["url"] = published(button["url"], page, branch)


def published(url: str, page: str, branch: str) -> str:
    """The same notebook on the branch of notebooks."""
    there = repository.NOTEBOOKS
    for now, then in [
        (f"{page}.md", f"{page}.ipynb"),
        (f"/{branch}/", f"/{there}/"),
        (f"/{branch}?", f"/{there}?"),
        (f"branch={branch}", f"branch={there}"),
    ]:
        url = url.replace(now, then)
    return url


def collect(site: Path, folder: Path, address: str, branch: str) -> list[Path]:
    """All notebooks of a built site, what the branch says of itself, and what Binder installs."""
    sources = site / "_sources"
    found = sorted(path.relative_to(sources) for path in sources.rglob("*.ipynb"))
    for path in found:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sources / path, folder / path)
    words = {"pages": repository.pages(address), "repository": address, "branch": branch}
    (folder / "README.md").write_text(README.format(**words), encoding="utf-8")
    (folder / "requirements.txt").write_text(REQUIREMENTS.format(**words), encoding="utf-8")
    return found


def main(argv: list[str] | None = None) -> int:
    """Fill a folder with what the branch of notebooks holds."""
    parser = argparse.ArgumentParser(description="All pages of a built site as plain notebooks.")
    parser.add_argument("site", type=Path, help="the built site, as _build/html")
    parser.add_argument("folder", type=Path, help="where they go")
    options = parser.parse_args(argv)
    settings = repository.settings(Path())
    found = collect(options.site, options.folder, repository.address(Path()), settings.get("branch", "main"))
    print(f"{len(found)} notebooks are in {options.folder}.")
    return 0 if found else 1


def setup(app: "Sphinx") -> None:
    """Register this part of the extension: after the theme has made its buttons."""
    app.connect("html-page-context", write_notebook, priority=600)


if __name__ == "__main__":
    raise SystemExit(main())
