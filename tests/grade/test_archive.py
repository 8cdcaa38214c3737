"""Files are read from folders and zips; what is unsafe is refused with a reason and nothing is written."""

import io
import os
import random
import stat
import struct
import zipfile

import pytest

from twice.grade.archive import LARGEST, Refused, entries


def packed(**files):
    """A zip with these files; the name `a__b` stands for `a/b`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/") + ("" if name.endswith("zip") else ".ipynb"), content)
    return out.getvalue()


def zipped(path, *members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def found(root):
    """Path → content, or the reason of the refusal."""
    out = {}
    for entry in entries(root):
        try:
            out[str(entry.path)] = entry.read()
        except Refused as refusal:
            out[str(entry.path)] = str(refusal)
    return out


def test_a_folder_gives_its_files_in_order_and_without_clutter(tmp_path):
    for name in ("b/x.ipynb", "a/y.ipynb", ".ipynb_checkpoints/z.ipynb", "__MACOSX/w.ipynb", "a/._y.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert found(tmp_path) == {"a/y.ipynb": b"a/y.ipynb", "b/x.ipynb": b"b/x.ipynb"}


def test_one_file_may_be_given_alone(tmp_path):
    (tmp_path / "x.ipynb").write_bytes(b"1")
    assert found(tmp_path / "x.ipynb") == {"x.ipynb": b"1"}


def test_what_does_not_exist_is_an_error_of_the_caller(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        list(entries(tmp_path / "nothing"))


def test_a_zip_gives_the_same_as_the_folder_it_was_made_from(tmp_path):
    archive = zipped(tmp_path / "all.zip", ("a/x.ipynb", b"1"), ("b/", b""), ("__MACOSX/y.ipynb", b"2"))
    assert found(archive) == {"a/x.ipynb": b"1"}


def test_zips_of_students_inside_are_read_too(tmp_path):
    zipped(tmp_path / "class.zip", ("alice.zip", packed(x=b"1", sub__y=b"2")))
    assert found(tmp_path / "class.zip") == {"alice.zip/x.ipynb": b"1", "alice.zip/sub/y.ipynb": b"2"}


def test_a_third_layer_of_zips_is_refused(tmp_path):
    inner = packed(**{"deeper.zip": packed(x=b"1")})
    zipped(tmp_path / "class.zip", ("alice.zip", inner), ("bob.ipynb", b"2"))
    assert found(tmp_path / "class.zip") == {
        "alice.zip/deeper.zip": "It is a zip inside a zip inside a zip.",
        "bob.ipynb": b"2",
    }


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "a.ipynb", "/"])
def test_symbolic_links_in_a_folder_are_refused_whatever_they_name(tmp_path, target):
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(b"1")
    (folder / "link.ipynb").symlink_to(target)
    assert found(folder) == {"a.ipynb": b"1", "link.ipynb": "It is a symbolic link."}


def test_a_file_that_becomes_a_link_after_it_was_seen_is_refused(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b"1")
    (entry,) = entries(tmp_path)
    (tmp_path / "a.ipynb").unlink()
    (tmp_path / "a.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="symbolic link"):
        entry.read()


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zipped(tmp_path / "x.zip", (link, b"/etc/passwd"))
    assert found(tmp_path / "x.zip") == {"link.ipynb": "It is a symbolic link."}


def test_pipes_do_not_hang_the_reading(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    assert found(tmp_path) == {"pipe.ipynb": "It is not an ordinary file."}


@pytest.mark.parametrize(
    "name", ["../../evil.ipynb", "/evil.ipynb", "a/../../evil.ipynb", "..\\evil.ipynb", "C:evil.ipynb"]
)
def test_names_that_leave_the_zip_are_refused(tmp_path, name):
    zipped(tmp_path / "x.zip", (name, b"1"), ("good.ipynb", b"2"))
    before = sorted(tmp_path.rglob("*"))
    got = found(tmp_path / "x.zip")
    assert got.pop("good.ipynb") == b"2"
    assert list(got.values()) == ["Its name in the zip leaves the zip's own folder."]
    assert not any(".." in path or path.startswith("/") for path in got)
    assert sorted(tmp_path.rglob("*")) == before


def test_backslashes_of_windows_packers_are_folders(tmp_path):
    zipped(tmp_path / "x.zip", ("alice\\x.ipynb", b"1"))
    assert found(tmp_path / "x.zip") == {"alice/x.ipynb": b"1"}


def test_twenty_megabytes_are_read_and_one_more_byte_is_refused(tmp_path):
    (tmp_path / "fits.ipynb").write_bytes(bytes(LARGEST))
    (tmp_path / "large.ipynb").write_bytes(bytes(LARGEST + 1))
    zipped(tmp_path / "z.zip", ("large.ipynb", bytes(LARGEST + 1)))
    got = found(tmp_path)
    assert len(got["fits.ipynb"]) == LARGEST
    assert got["large.ipynb"] == got["z.zip/large.ipynb"] == "It is larger than 20 MB."


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    """The archive declares 10 bytes; the data would give 40 MB."""
    content = bytearray(zipped(tmp_path / "x.zip", ("a.ipynb", bytes(2 * LARGEST))).read_bytes())
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = content.index(signature)
        struct.pack_into("<I", content, start + offset, 10)
    (tmp_path / "x.zip").write_bytes(content)
    (reason,) = found(tmp_path / "x.zip").values()
    assert reason.startswith("The zip cannot be read")


def test_a_bomb_by_ratio_is_refused_as_a_whole(tmp_path):
    zipped(tmp_path / "bomb.zip", *((f"{i}.ipynb", bytes(LARGEST)) for i in range(10)))
    zipped(tmp_path / "good.zip", ("x.ipynb", b"1"))
    got = found(tmp_path)
    assert "zip bomb" in got.pop("bomb.zip")
    assert got == {"good.zip/x.ipynb": b"1"}


def test_overlapping_members_are_refused(tmp_path):
    """Many entries of the directory name one body, as in the bombs that ratios of single members do not show."""
    body = random.Random(0).randbytes(100_000)
    path = zipped(tmp_path / "x.zip", *((f"{i}.ipynb", body) for i in range(3)), method=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    first, directory = content.index(b"PK\3\4"), content.index(b"PK\1\2")
    length = content.index(b"PK\3\4", first + 4) - first
    head = content[first : first + length]
    shorter = head + content[directory:]
    struct.pack_into("<I", shorter, shorter.rindex(b"PK\5\6") + 16, length)
    path.write_bytes(shorter)
    (reason,) = found(path).values()
    assert "overlap" in reason


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_python_inflates_without_a_bound_are_refused(tmp_path, method):
    zipped(tmp_path / "x.zip", ("a.ipynb", b"1" * 1000), method=method)
    assert "compressed by a method" in found(tmp_path / "x.zip")["a.ipynb"]


def test_an_encrypted_member_is_refused(tmp_path):
    content = bytearray(zipped(tmp_path / "x.zip", ("a.ipynb", b"1")).read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    assert found(tmp_path / "x.zip") == {"a.ipynb": "It is encrypted."}


@pytest.mark.parametrize("content", [b"", b"no zip", packed(x=b"1" * 500)[:-30]], ids=["empty", "no zip", "cut short"])
def test_a_broken_zip_is_refused_and_the_rest_is_read(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.ipynb").write_bytes(b"1")
    got = found(tmp_path)
    assert got["b.ipynb"] == b"1"
    assert got["a.zip"].startswith("The zip cannot be read")


def test_one_name_twice_in_a_zip_gives_both_contents(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(tmp_path / "x.zip", ("a.ipynb", b"1"), ("a.ipynb", b"2"))
    assert [entry.read() for entry in entries(tmp_path / "x.zip")] == [b"1", b"2"]
