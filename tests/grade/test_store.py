"""A result is on disk whole or not at all, and is found only by what it was made from."""

import os
import stat

import pytest

from small_class import result
from twice.grade import store
from twice.grade.store import Store, key, write_atomically

FACTS = {"seed": 1, "sandbox": "bwrap", "versions": {"python": "3"}}


def test_a_key_changes_with_everything_a_result_depends_on():
    keys = {
        key("a", "c", FACTS),
        key("b", "c", FACTS),
        key("a", "d", FACTS),
        key("a", "c", {**FACTS, "seed": 2}),
        key("a", "c", {**FACTS, "sandbox": "none"}),
        key("a", "c", {**FACTS, "versions": {"python": "4"}}),
    }
    assert len(keys) == 6
    assert key("a", "c", dict(reversed(FACTS.items()))) == key("a", "c", FACTS)


def test_what_is_put_is_got(tmp_path):
    kept = Store(tmp_path / "graded")
    assert kept.get("k") is None
    kept.put("k", result())
    assert kept.get("k") == result()


def test_a_failure_of_the_machinery_is_not_kept(tmp_path):
    Store(tmp_path).put("k", result(status="infra_error"))
    assert Store(tmp_path).get("k") is None


@pytest.mark.parametrize("content", [b"", b'{"schema": 1, "stat', b"[]", b'{"schema": 2}', b"\xff"])
def test_a_half_written_or_foreign_file_is_no_result(tmp_path, content):
    (tmp_path / "k.json").write_bytes(content)
    assert Store(tmp_path).get("k") is None


def test_a_failing_write_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    write_atomically(tmp_path / "x", b"old")
    monkeypatch.setattr(store.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "x", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"old")]


def test_files_get_the_permissions_that_the_person_asked_for(tmp_path):
    write_atomically(tmp_path / "x", b"1")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask
