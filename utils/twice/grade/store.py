"""Results on disk: one JSON per submission, written whole or not at all, found again by what it was made from."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Result = dict[str, Any]

UMASK = os.umask(0o077)
os.umask(UMASK)  # it can only be read by setting it


def key(submission: str, canonical: str, settings: Mapping[str, Any]) -> str:
    """The name of a result: hash of the submission's hash, the canonical notebook's, and all that grading depends on
    (seed, sandbox, versions)."""
    made_from = json.dumps([submission, canonical, dict(settings)], sort_keys=True)
    return hashlib.sha256(made_from.encode()).hexdigest()


@dataclass(frozen=True)
class Store:
    """The folder of results. Nothing in it is ever changed in place."""

    folder: Path

    def get(self, key: str) -> Result | None:
        """The stored result; None where there is none, or where a machine stopped before it was whole."""
        try:
            result = json.loads(self._path(key).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return result if isinstance(result, dict) and result.get("schema") == 1 else None

    def put(self, key: str, result: Result) -> None:
        """Keep the result, unless the machinery failed: that is tried again next time."""
        if result["status"] != "infra_error":
            write_atomically(self._path(key), json.dumps(result, indent=1).encode())

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def write_atomically(path: Path, content: bytes) -> None:
    """The whole content under this name, or what was there before: never a part, also if the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        os.chmod(name, 0o666 & ~UMASK)  # mkstemp ignores what the person asked for
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
