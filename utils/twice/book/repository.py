"""The repository's address: written once, in `_config.yml`, and read from there by everything else."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NOTEBOOKS = "notebooks"  # the branch that holds each page as a plain notebook
NAME = "{{ repository }}"  # what a page writes for the address
COLAB = "https://colab.research.google.com"


def settings(root: Path) -> dict[str, Any]:
    """What `root/_config.yml` says of the repository: its address (`url`) and its branch."""
    import yaml

    found: dict[str, Any] = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    return found


def address(root: Path) -> str:
    """The address that `root/_config.yml` names."""
    return str(settings(root)["url"]).rstrip("/")


def owner_and_name(repository: str) -> tuple[str, str]:
    """The last two parts of the address."""
    owner, name = repository.rstrip("/").split("/")[-2:]
    return owner, name


def pages(repository: str) -> str:
    """Where GitHub Pages shows the site of a repository, with a slash at the end."""
    owner, name = owner_and_name(repository)
    return f"https://{owner}.github.io/{name}/"


def file(repository: str, branch: str, path: str) -> str:
    """Where the repository shows a file; `path` may name lines, as in `a.py#L3-L9`."""
    return f"{repository}/blob/{branch}/{path}"


def colab(repository: str, branch: str, path: str) -> str:
    """Where Colab opens a notebook of the repository."""
    return f"{COLAB}/github/{'/'.join(owner_and_name(repository))}/blob/{branch}/{path}"


def preparation(repository: str, branch: str) -> str:
    """A notebook's first cell: it fetches the library where that is missing, as on Colab, and else does nothing."""
    folder = owner_and_name(repository)[1]
    return re.sub(
        r"^ {8}",
        "",
        f"""\
        import importlib.util, sys

        if importlib.util.find_spec("twice") is None:  # as on Colab: fetch the course's library
            !git clone --quiet --depth 1 --branch {branch} {repository} {folder}
            sys.path.insert(0, "{folder}/utils")""",
        flags=re.MULTILINE,
    )


def offer_to_pages(app: "Sphinx", config: Any) -> None:
    """A page writes {{ repository }} and never the address."""
    config.myst_substitutions["repository"] = config.html_theme_options["repository_url"]
    config.html_baseurl = config.html_baseurl or pages(config.html_theme_options["repository_url"])


def offer_to_code(app: "Sphinx", doctree: Any) -> None:
    """MyST fills {{ repository }} in wherever it stands, but for blocks of code."""
    from docutils import nodes

    for block in list(doctree.findall(nodes.literal_block)):
        if NAME in block.astext():
            said = block.astext().replace(NAME, of(app.config)[0])
            block.replace_self(nodes.literal_block(said, said, **block.attributes))


def of(config: Any) -> tuple[str, str]:
    """The repository's address and its branch, from Sphinx's settings."""
    options = config.html_theme_options
    return options["repository_url"].rstrip("/"), options.get("repository_branch") or "main"


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("config-inited", offer_to_pages)
    app.connect("doctree-read", offer_to_code)
