"""What a cloud remembers of its backups: the last good one, the last failure, the place; and an interrupted restore.

It is written beside the configuration, so that `status`, metrics and the keeper need not read the repository, which
may be slow or away.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host.files import replace_private
from onestack.platform.site import Site
from onestack.spec.platform import Platform

SECRET = "backup"
"""The name of the secret that is the repository's password."""
TREE = "backup"
"""The tree beside the base with the programs."""
FILE = "backup.json"
RESTORING = "restoring"
"""A folder below the cloud's lib, for as long as a restore is not complete."""
LATE = 2.0
"""A scheduled backup is late if there was none for this many times the interval."""
RETRY_SECONDS = 600.0
"""How long after a failure the next try is made, at the earliest."""


@dataclass(frozen=True)
class Record:
    """`to`: the repository. `last`: the short id of the last good backup; `time`: when it was begun; `seconds`: how
    long it took; `size`: its bytes; `added`: the bytes it added to the repository. `since`: since when there is a
    schedule. `tried`, `error`: the last try, and why it failed. Times are Unix times; 0 stands for never."""

    to: str = ""
    last: str = ""
    time: float = 0.0
    seconds: float = 0.0
    size: int = 0
    added: int = 0
    since: float = 0.0
    tried: float = 0.0
    error: str = ""


def read(paths: Paths) -> Record:
    """The record; an empty one if there is none or it cannot be read."""
    try:
        found: Mapping[str, Any] = json.loads((paths.etc / FILE).read_text())
        return Record(**found)
    except (OSError, ValueError, TypeError):
        return Record()


def write(paths: Paths, **changes: Any) -> Record:
    """Change the record. A cloud that was destroyed meanwhile has none."""
    record = replace(read(paths), **changes)
    if paths.etc.is_dir():
        replace_private(paths.etc / FILE, json.dumps(asdict(record), indent=1))
    return record


@dataclass(frozen=True)
class BackupStatus:
    """`to`: where backups are stored. `last`, `time`, `age`: the last good one, when it was begun (Unix time), how
    many seconds ago; None if there is none. `every`: seconds between scheduled ones, None without a schedule. `late`:
    whether a scheduled one is missing. `error`: why the last try failed, empty if it did not."""

    to: str
    last: str | None
    time: float | None
    age: float | None
    every: float | None
    late: bool
    error: str


def status(platform: Platform, record: Record, now: float) -> BackupStatus | None:
    """The state of a cloud's backups; None if it has neither a schedule nor any backup. Pure."""
    wanted = platform.backup
    if wanted is None and not record.tried:
        return None
    good = record.time or None
    since = max(record.time, record.since)
    late = bool(wanted and since and now - since > LATE * wanted.every)
    return BackupStatus(
        to=str(wanted.to) if wanted else record.to,
        last=record.last or None,
        time=good,
        age=max(0.0, now - good) if good else None,
        every=wanted.every if wanted else None,
        late=late,
        error=record.error,
    )


def of(site: Site) -> BackupStatus | None:
    """The state of a cloud's backups now."""
    return status(site.spec.platform, read(site.paths), time.time())


def warnings(found: BackupStatus | None) -> list[str]:
    """What is wrong with a cloud's backups, in words. Pure."""
    if found is None:
        return []
    told = []
    if found.late:
        since = (
            time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(found.time)) if found.time else "its first start"
        )
        told.append(f"no good backup since {since}; `onestack backup create` makes one")
    if found.error:
        told.append(f"the last backup failed: {found.error}")
    return told


def is_due(platform: Platform, record: Record, now: float) -> bool:
    """Whether a scheduled backup is to be made now. Pure."""
    wanted = platform.backup
    if wanted is None:
        return False
    # A repository that is another one than before has no backup yet.
    last = record.time if record.to == str(wanted.to) else 0.0
    retried = not record.error or now - record.tried >= min(RETRY_SECONDS, wanted.every)
    return now - last >= wanted.every and retried


def require_whole(paths: Paths) -> None:
    """Raises PermanentError where a restore was cut off: what lies there is no cloud."""
    if (paths.lib / RESTORING).exists():
        raise PermanentError(
            f"a restore to {paths.root} was interrupted, so that what lies there is not a whole cloud",
            where=str(paths.lib / RESTORING),
            hint="run `onestack restore` again; `onestack destroy` removes what is there",
        )
