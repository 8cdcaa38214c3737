"""The execution cache follows the code."""

import pytest

from twice.book import fingerprint


@pytest.fixture
def package(tmp_path):
    for name in ("kernels/conv.py", "book/pairs.py", "nn/notes.txt"):
        path = tmp_path / "twice" / name
        path.parent.mkdir(parents=True)
        path.write_text("x = 1\n")
    (tmp_path / "constraints.txt").write_text("numpy==2.0.0\n")
    return tmp_path / "twice"


@pytest.mark.parametrize(
    ("changed", "again"),
    [("kernels/conv.py", True), ("../constraints.txt", True), ("book/pairs.py", False), ("nn/notes.txt", False)],
)
def test_pages_run_again_when_what_a_cell_can_see_changes(package, changed, again):
    before = fingerprint.code_fingerprint(package.parent, package)
    (package / changed).write_text("x = 2\n")
    assert (fingerprint.code_fingerprint(package.parent, package) != before) == again


def test_pages_are_drawn_again_when_the_extension_changes(package):
    before = fingerprint.site_fingerprint(package)
    (package / "book" / "pairs.py").write_text("x = 2\n")
    assert fingerprint.site_fingerprint(package) != before


def test_a_renamed_file_counts(package):
    before = fingerprint.code_fingerprint(package.parent, package)
    (package / "kernels" / "conv.py").rename(package / "kernels" / "convolution.py")
    assert fingerprint.code_fingerprint(package.parent, package) != before


def test_the_python_version_counts(tmp_path):
    assert fingerprint.fingerprint([], "3.11.7") != fingerprint.fingerprint([], "3.12.1")


def test_only_the_newest_caches_stay(tmp_path):
    import os

    for age, name in enumerate(["newest", "new", "old"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    fingerprint.forget_old_caches(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "newest"]
