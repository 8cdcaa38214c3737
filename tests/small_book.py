"""What the tests of the book share: a small book under the real book's settings."""

from pathlib import Path
from typing import Any

NOTEBOOK = "---\nfile_format: mystnb\nkernelspec: {display_name: Python 3, language: python, name: python3}\n---\n\n"


def cell(source: str, *tags: str) -> str:
    return f"```{{code-cell}} ipython3\n:tags: [{', '.join(tags)}]\n{source}\n```\n\n"


def settings() -> dict[str, Any]:
    """The repository's own, but for what names a file of the repository, and its address."""
    import yaml

    real = yaml.safe_load((Path(__file__).parents[1] / "_config.yml").read_text(encoding="utf-8"))
    real["repository"]["url"] = "https://github.com/us/book"
    del real["html"]["favicon"]
    real["bibtex_bibfiles"] = ["references.bib"]
    del real["sphinx"]["config"]["html_theme_options"]["logo"]
    real["sphinx"]["config"]["include_patterns"] = ["*.md"]
    return real


def write(root: Path, pages: dict[str, str]) -> Path:
    """The first page is the root, the others follow."""
    import yaml

    first, *rest = pages
    contents: dict[str, Any] = {"format": "jb-book", "root": first}
    if rest:
        contents["chapters"] = [{"file": name} for name in rest]
    (root / "_config.yml").write_text(yaml.safe_dump(settings()), encoding="utf-8")
    (root / "_toc.yml").write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")
    (root / "references.bib").touch()
    for name, text in pages.items():
        (root / f"{name}.md").write_text(text, encoding="utf-8")
    return root
