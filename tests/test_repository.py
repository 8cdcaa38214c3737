"""What the repository says about itself is the same everywhere, and true."""

import re
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("yaml")

import yaml

from twice.book.repository import address

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def direct_dependencies():
    extras = PROJECT["optional-dependencies"].values()
    names = [re.match(r"[\w.-]+", r)[0] for group in [PROJECT["dependencies"], *extras] for r in group]
    return sorted({normal(name) for name in names} - {normal(PROJECT["name"])})


@pytest.mark.parametrize("name", direct_dependencies())
def test_every_direct_dependency_is_pinned(name):
    assert name in pins()


def test_constraints_hold_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[a-z0-9-]+==[0-9][\w.]*", line) for line in lines)
    assert not any(name.startswith("nvidia") for name in pins())


@pytest.mark.parametrize("file", ["README.md", "pyproject.toml"])
def test_the_address_is_that_of_the_settings(file):
    found = re.findall(r"https://github\.com/[\w-]+/[\w-]+", (ROOT / file).read_text(encoding="utf-8"))
    assert found
    assert set(found) == {address(ROOT)}


def test_pages_do_not_write_the_address():
    pages = [*(ROOT / "chapters").rglob("*.md"), *(ROOT / "utils").rglob("*.py")]
    assert [page for page in pages if address(ROOT) in page.read_text(encoding="utf-8")] == []


def test_readme_names_only_commands_that_the_makefile_has():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pages = [ROOT / "README.md", *(ROOT / "chapters").rglob("*.md")]
    named = {word for page in pages for word in re.findall(r"`make (\w+)`", page.read_text(encoding="utf-8"))}
    assert named
    assert {word for word in named if not re.search(rf"^{word}:", makefile, re.MULTILINE)} == set()


def test_readme_maps_what_is_there():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"```text\n(.*?)```", readme, re.DOTALL)[1]
    paths = [word for line in tree.splitlines() for word in line.split("  ")[0].split() if word]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_conda_installs_what_pip_installs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert {"pip": ["-e .[all] -c constraints.txt"]} in environment["dependencies"]
