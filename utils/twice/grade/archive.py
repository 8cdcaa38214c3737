"""Files of a folder or a zip, read one at a time and never unpacked: what is unsafe is refused with its reason."""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

MEBIBYTE = 2**20
LARGEST = 20 * MEBIBYTE  # of a notebook
LARGEST_ZIP = 64 * MEBIBYTE  # of a zip inside a folder or a zip
MOST_MEMBERS = 20_000
MOST_RATIO = 200  # deflate reaches 1032; notebooks with pictures stay under 10, long printed outputs under 100
RATIO_MATTERS = 8 * LARGEST  # below this a well-packed zip is only well packed
DEEPEST = 2  # a zip of the class may hold the zip of a student, and that one holds files

READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # Python inflates the other methods without a bound
CLUTTER = {"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git"}


class Refused(Exception):
    """What was handed in is not read; the message says why, in one sentence."""


@dataclass(frozen=True)
class Entry:
    """One file: where it lay, when it was changed, and its bytes on demand (`read` raises Refused)."""

    path: PurePosixPath
    read: Callable[[], bytes]
    changed: datetime | None = None


def entries(root: Path) -> Iterator[Entry]:
    """Every file under `root`: a folder, a zip, or one file. Zips inside count as folders. Nothing is written."""
    if root.is_dir():
        yield from _folder(root, PurePosixPath())
    elif root.exists():
        real = root.resolve()  # the person who grades may name a link; a student may not
        file = Entry(PurePosixPath(root.name), lambda: read_file(real, LARGEST), _changed(real))
        yield from _opened(file, lambda: real.open("rb"), PurePosixPath()) if _is_zip(file.path) else [file]
    else:
        raise FileNotFoundError(f"submissions: {root} does not exist")


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of an ordinary file of at most `limit` bytes; links, pipes and devices are refused."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as trouble:
        raise Refused(_why_unreadable(path, trouble)) from None
    with open(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise Refused("It is not an ordinary file.")
        return bounded(file, limit)


def bounded(file: IO[bytes], limit: int) -> bytes:
    """All that `file` holds, as long as that is not more than `limit` bytes, whatever it declared."""
    content = file.read(limit + 1)
    if len(content) > limit:
        raise Refused(f"It is larger than {limit // MEBIBYTE} MB.")
    return content


def _folder(folder: Path, inside: PurePosixPath) -> Iterator[Entry]:
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        path = inside / item.name
        if _is_clutter(item.name):
            continue
        if item.is_dir(follow_symlinks=False):
            yield from _folder(Path(item.path), path)
        else:
            yield from _file(Path(item.path), path)


def _file(file: Path, path: PurePosixPath) -> Iterator[Entry]:
    entry = Entry(path, lambda: read_file(file, LARGEST), _changed(file))
    if _is_zip(path):
        yield from _opened(entry, lambda: io.BytesIO(read_file(file, LARGEST_ZIP)), path)
    else:
        yield entry


def _opened(entry: Entry, source: Callable[[], IO[bytes]], inside: PurePosixPath, depth: int = 1) -> Iterator[Entry]:
    """The members of a zip; `source` opens it again for each reading, so nothing stays in memory."""
    try:
        with source() as raw, zipfile.ZipFile(raw) as archive:
            _check_as_a_whole(archive, raw)
            members = list(enumerate(archive.infolist()))
    except Refused as refusal:
        yield _refusal(entry.path, str(refusal))
        return
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as trouble:
        yield _refusal(entry.path, f"The zip cannot be read: {_tail(trouble)}")
        return
    for place, member in members:
        if not member.is_dir() and not any(_is_clutter(part) for part in PurePosixPath(member.filename).parts):
            yield from _member(source, place, member, inside, depth)


def _member(
    source: Callable[[], IO[bytes]], place: int, member: zipfile.ZipInfo, inside: PurePosixPath, depth: int
) -> Iterator[Entry]:
    name = PurePosixPath(member.filename.replace("\\", "/"))  # some packers on Windows write these
    path = inside / _contained(name)
    reason = _why_refused(member, name)
    if reason:
        yield _refusal(path, reason)
    elif not _is_zip(name):
        yield Entry(path, lambda: _read_member(source, place, LARGEST), _packed(member))
    elif depth >= DEEPEST:
        yield _refusal(path, "It is a zip inside a zip inside a zip.")
    else:
        inner = Entry(path, lambda: b"", _packed(member))
        yield from _opened(inner, lambda: io.BytesIO(_read_member(source, place, LARGEST_ZIP)), path, depth + 1)


def _read_member(source: Callable[[], IO[bytes]], place: int, limit: int) -> bytes:
    """Member number `place`, by place and not by name: a zip may hold one name twice."""
    try:
        with source() as raw, zipfile.ZipFile(raw) as archive, archive.open(archive.infolist()[place]) as file:
            return bounded(file, limit)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zlib.error) as trouble:
        raise Refused(f"The zip cannot be read: {_tail(trouble)}") from None


def _check_as_a_whole(archive: zipfile.ZipFile, raw: IO[bytes]) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise Refused(f"The zip holds more than {MOST_MEMBERS} files.")
    size = raw.seek(0, os.SEEK_END)
    if sum(member.compress_size for member in members) > size:
        raise Refused("The members of the zip overlap, as those of a zip bomb do.")
    total = sum(member.file_size for member in members)
    if total > RATIO_MATTERS and total > MOST_RATIO * size:
        raise Refused(f"The zip would grow {total // max(size, 1)} times, as a zip bomb does.")


def _why_refused(member: zipfile.ZipInfo, name: PurePosixPath) -> str | None:
    limit = LARGEST_ZIP if _is_zip(name) else LARGEST
    if name.is_absolute() or ".." in name.parts or ":" in str(name)[:2] or not str(name).isprintable():
        return "Its name in the zip leaves the zip's own folder."
    if stat.S_ISLNK(member.external_attr >> 16):
        return "It is a symbolic link."
    if member.flag_bits & 1:
        return "It is encrypted."
    if member.compress_type not in READABLE:
        return "It is compressed by a method that is not read here; zip it anew."
    return f"It is larger than {limit // MEBIBYTE} MB." if member.file_size > limit else None


def _contained(name: PurePosixPath) -> PurePosixPath:
    """The name as a path to show, without what would leave the folder."""
    parts = [part for part in name.parts if part not in ("/", "..")]
    return PurePosixPath(*parts) if parts else PurePosixPath("unnamed")


def _refusal(path: PurePosixPath, reason: str) -> Entry:
    def read() -> bytes:
        raise Refused(reason)

    return Entry(path, read)


def _why_unreadable(path: Path, trouble: OSError) -> str:
    return "It is a symbolic link." if path.is_symlink() else f"It cannot be read: {_tail(trouble)}"


def _tail(trouble: Exception) -> str:
    text = getattr(trouble, "strerror", None) or str(trouble) or type(trouble).__name__
    return text.rstrip(".") + "."


def _is_zip(path: PurePosixPath) -> bool:
    return path.suffix.lower() == ".zip"


def _is_clutter(name: str) -> bool:
    return name in CLUTTER or name.startswith("._")


def _changed(path: Path) -> datetime | None:
    return datetime.fromtimestamp(path.lstat().st_mtime).astimezone()


def _packed(member: zipfile.ZipInfo) -> datetime | None:
    """A zip's own times have no zone: they are taken for local time."""
    try:
        return datetime(*member.date_time).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
