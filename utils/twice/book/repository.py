"""The repository's address: written once, in `_config.yml`, and read from there by everything else."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def address(root: Path) -> str:
    """The address that `root/_config.yml` names."""
    import yaml

    settings: dict[str, Any] = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return settings["repository"]["url"].rstrip("/")


def offer_to_pages(app: "Sphinx", config: Any) -> None:
    """A page writes {{ repository }} and never the address."""
    config.myst_substitutions["repository"] = config.html_theme_options["repository_url"]


def setup(app: "Sphinx") -> None:
    """Register this part of the extension."""
    app.connect("config-inited", offer_to_pages)
