"""Who handed in which file: read from the path, as each learning management system lays out its downloads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath
from typing import Any

GRADESCOPE_METADATA = "submission_metadata.yml"
NBGRADER_TIME = "timestamp.txt"

# Canvas (lib/content_zipper.rb): sortable name in lower case without punctuation, "late" where it was, id of the user,
# id of the attachment, the file's own name; with anonymous grading "anon_" and five characters for name and user.
CANVAS = re.compile(
    r"^(?P<name>anon_[A-Za-z0-9]{5}|[^/]+?)(?P<late>_late)?(?:_(?P<id>\d+))?_(?P<attachment>\d+)_(?P<file>.+)$", re.I
)
# Moodle (mod/assign/classes/downloader.php): full name (its underscores made spaces), id of the participant, plugin;
# a folder per student, up to 4.0 with a last "_"; with "Download submissions in folders" off, a prefix of the file.
MOODLE = re.compile(r"^(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?$")
# Gradescope ("Download Submissions"): folders submission_ID beside submission_metadata.yml, keys as Ruby symbols.
GRADESCOPE = re.compile(r"^submission_\d+$")


@dataclass(frozen=True)
class Owner:
    """A student as the layout names them; `id` is what the same system asks for when grades come back."""

    id: str
    name: str = ""
    email: str = ""
    layout: str = "folder"
    folder: str = ""  # under which the system would take feedback back
    late: bool = False
    handed_in: datetime | None = None


@dataclass(frozen=True)
class Surroundings:
    """What must be known of all notebooks before one of them can be read as a student's.

    Only the folders that all of them share, and the one part below, were named by the system: what lies deeper was
    named by a student, who could name it after somebody else.
    """

    lab: str
    shared: int = 0
    lone: bool = False
    canvas: bool = False
    gradescope: Mapping[str, Any] | None = None
    times: Mapping[PurePosixPath, datetime] | None = None


def owners(path: PurePosixPath, around: Surroundings) -> tuple[Owner, ...]:
    """The students to whom the file belongs; a group on Gradescope has several."""
    finders = (_gradescope, _moodle, _canvas, _nbgrader)
    return next(filter(None, (find(path, around) for find in finders)), (_plain(path, around),))


def shared_folders(paths: Sequence[PurePosixPath]) -> int:
    """How many folders stand at the head of every path."""
    heads = [path.parts[:-1] for path in paths]
    shared = 0
    while heads and all(len(head) > shared and head[shared] == heads[0][shared] for head in heads):
        shared += 1
    return shared


def surroundings(
    lab: str,
    paths: Sequence[PurePosixPath],
    gradescope: Mapping[str, Any] | None,
    times: Mapping[PurePosixPath, datetime],
) -> Surroundings:
    """What the paths of all notebooks have in common."""
    shared = shared_folders(paths)
    canvas = 2 * sum(any(map(_canvas_match, path.parts[: shared + 1])) for path in paths) > len(paths)
    return Surroundings(lab, shared, len(paths) == 1, canvas, gradescope, times)


def _gradescope(path: PurePosixPath, around: Surroundings) -> tuple[Owner, ...]:
    for part in path.parts[: around.shared + 1]:
        if around.gradescope and GRADESCOPE.match(part):
            about = around.gradescope.get(part)
            about = about if isinstance(about, Mapping) else {}
            time = _moment(about.get(":created_at"))
            people = about.get(":submitters") or [{}]
            return tuple(_submitter(person, part, time) for person in people if isinstance(person, Mapping))
    return ()


def _submitter(person: Mapping[str, Any], folder: str, time: datetime | None) -> Owner:
    name, email, number = (str(person.get(key) or "") for key in (":name", ":email", ":sid"))
    return Owner(number or email or name or folder, name, email, "gradescope", folder, handed_in=time)


def _moment(value: object) -> datetime | None:
    """YAML reads Gradescope's times as datetimes in UTC, at times without saying so."""
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _moodle(path: PurePosixPath, around: Surroundings) -> tuple[Owner, ...]:
    for match in filter(None, map(MOODLE.match, path.parts[: around.shared + 1])):
        folder = f"{match['name']}_{match['id']}_assignsubmission_file"
        return (Owner(match["id"], match["name"], layout="moodle", folder=folder),)
    return ()


def _canvas(path: PurePosixPath, around: Surroundings) -> tuple[Owner, ...]:
    """Only where most notebooks are named so: one file of such a name may be anybody's."""
    for match in filter(None, map(_canvas_match, path.parts[: around.shared + 1])) if around.canvas else ():
        return (Owner(match["id"] or match["name"], match["name"], layout="canvas", late=bool(match["late"])),)
    return ()


def _canvas_match(part: str) -> re.Match[str] | None:
    match = CANVAS.match(part)
    return match if match and (match["id"] or match["name"].lower().startswith("anon_")) else None


def _nbgrader(path: PurePosixPath, around: Surroundings) -> tuple[Owner, ...]:
    """submitted/STUDENT/ASSIGNMENT/NAME.ipynb, as nbgrader's `directory_structure` says by default."""
    parts = path.parts
    start = len(parts) - 3
    if "submitted" in parts[: min(around.shared + 1, start)]:
        start = parts.index("submitted") + 1
    elif not (0 <= start <= around.shared and same_name(parts[-2], around.lab)):
        return ()
    time = (around.times or {}).get(PurePosixPath(*parts[: start + 2]))
    return (Owner(parts[start], layout="nbgrader", folder=parts[start], handed_in=time),)


def _plain(path: PurePosixPath, around: Surroundings) -> Owner:
    """alice/anything.ipynb, alice.ipynb or alice.zip, below the folders that all notebooks share."""
    inner = path.parts[around.shared :] or path.parts[-1:]
    if around.lone and same_name(path.stem, around.lab) and len(path.parts) > 1:
        inner = path.parts[-2:-1]
    return Owner(re.sub(r"\.(ipynb|zip)$", "", inner[0], flags=re.I))


def same_name(name: str, lab: str) -> bool:
    """Whether the name is the lab's, apart from what browsers append: `convolution (1)`, `convolution-2`."""
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    asked = re.sub(r"[\W_]+", " ", lab.lower()).split()
    return words[: len(asked)] == asked and all(word.isdigit() or word == "copy" for word in words[len(asked) :])


def nbgrader_time(text: str) -> datetime | None:
    """The moment in nbgrader's timestamp.txt: `2015-02-02 15:58:23.948203 UTC`, or with an offset or another zone."""
    head, _, zone = text.strip().rpartition(" ")
    for stamp in (text.strip(), head):
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone if stamp == head else "UTC"))
    return None


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for a name that is none
        return UTC
