"""The manifest in each backup: what was backed up, from where, and every file with its size.

Files that were copied have a digest too. Large files that never change while they are stored (images, volumes) have
none: reading all of them again would take as long as the first backup each time, and restic verifies what it stores.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onestack.core.errors import BadInput, PermanentError

FILE = "manifest.json"
VERSION = 1
CHUNK = 1 << 20
DIGEST_BYTES = 256 << 20
"""Files that are not shared with the cloud have a digest up to this size."""


@dataclass(frozen=True)
class Entry:
    """A file: its size in bytes, and its SHA-256 in hexadecimal, empty if there is none."""

    size: int
    sha256: str = ""


@dataclass(frozen=True)
class Manifest:
    """`users`, `groups`: the ids that the owners of files had in the base. `files`: by their paths in the backup."""

    cloud: str
    release: str
    host: str
    root: str
    tool: str
    begun: float
    guests: bool
    services: tuple[str, ...]
    users: Mapping[str, int]
    groups: Mapping[str, int]
    files: Mapping[str, Entry] = field(default_factory=dict)
    version: int = VERSION

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files.values())

    def text(self) -> str:
        return json.dumps(asdict(self), indent=0, sort_keys=True)


def parse(text: str, where: str) -> Manifest:
    """Raises PermanentError for what is not a manifest, BadInput for that of a newer OneStack."""
    try:
        found: dict[str, Any] = json.loads(text)
        if found["version"] != VERSION:
            raise BadInput(
                f"{where} was made by another version of OneStack ({found.get('tool', 'unknown')})",
                hint="restore it with that version",
            )
        files = {name: Entry(**each) for name, each in found.pop("files").items()}
        return Manifest(**{**found, "services": tuple(found["services"]), "files": files})
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(
            f"the manifest of {where} cannot be read: {error}", hint="use another backup"
        ) from error


def digest(chunks: Iterable[bytes]) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(chunk)
    return total.hexdigest()


def chunks(file: Path) -> Iterator[bytes]:
    """The content of a file."""
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk


def entries(folder: Path, wanted: Mapping[str, Entry] | None = None) -> dict[str, Entry]:
    """All regular files below a folder, the manifest aside.

    A file that is also elsewhere (a hard link) gets no digest; with a manifest's entries (`wanted`), those that have
    one there get one.
    """
    found = {}
    for file in sorted(folder.rglob("*")):
        info = file.lstat()
        name = str(file.relative_to(folder))
        if not stat.S_ISREG(info.st_mode) or name == FILE:
            continue
        if wanted is None:
            counts = info.st_nlink == 1 and info.st_size <= DIGEST_BYTES
        else:
            counts = name in wanted and bool(wanted[name].sha256)
        found[name] = Entry(info.st_size, digest(chunks(file)) if counts else "")
    return found


def differences(wanted: Mapping[str, Entry], found: Mapping[str, Entry]) -> list[str]:
    """What is not as the manifest says, in words."""
    told = []
    for name, entry in wanted.items():
        other = found.get(name)
        if other is None:
            told.append(f"{name} is missing")
        elif other.size != entry.size:
            told.append(f"{name} has {other.size} bytes instead of {entry.size}")
        elif entry.sha256 and other.sha256 and other.sha256 != entry.sha256:
            told.append(f"{name} has another content")
    told += [f"{name} is not in the manifest" for name in found if name not in wanted]
    return told


def require_same(wanted: Mapping[str, Entry], found: Mapping[str, Entry], what: str) -> None:
    """Raises PermanentError with the first differences."""
    if told := differences(wanted, found):
        more = [f"and {len(told) - 10} more"] if len(told) > 10 else []
        raise PermanentError(
            f"{what} differs from its manifest",
            detail="\n".join([*told[:10], *more]),
            hint="use another backup: `onestack backup list`",
        )
