"""The lines about one request in the services' logs, rotated files included.

A service that asks another one passes its own request id on. The other service logs both: `[req-OF-THE-CALLER
req-ITS-OWN …]`. So the id that a client is given leads to what all services did for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from onestack.core.errors import BadInput

_FORM = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTEXT = re.compile(r"\[(?:(req-[\w-]+)|None|-) (req-[\w-]+) ")
_STARTS_ENTRY = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_PREFIX_WORDS = 5
"""Date, time, process id, level and logger: the beginning of each line of a traceback, which has no request id."""
_ROTATED = ".log.*"


def require_form(request_id: str) -> None:
    """Raise BadInput for what cannot be the id of a request."""
    if not _FORM.fullmatch(request_id):
        raise BadInput(
            f"'{request_id}' is not a request id",
            hint="req- and a UUID, as in the header X-Openstack-Request-Id, in `openstack --debug`, "
            "and in `openstack server event list`",
        )


def about(lines: Iterable[str], request_ids: Iterable[str]) -> Iterator[str]:
    """The lines of a log that have one of the ids, each with its traceback."""
    wanted = tuple(request_ids)
    entries: set[str] = set()
    taken = False
    for line in lines:
        if any(each in line for each in wanted):
            taken = True
            entries.add(_prefix(line))
        elif _STARTS_ENTRY.match(line):
            taken = bool(entries) and _prefix(line) in entries and not _CONTEXT.search(line)
        if taken:
            yield line


def origins(lines: Iterable[str], request_id: str) -> set[str]:
    """The ids of the requests for which a service made this one, by its lines."""
    found = (_CONTEXT.search(line) for line in lines if request_id in line)
    return {context[1] for context in found if context and context[2] == request_id and context[1]} - {
        request_id
    }


def files(log: Path) -> list[Path]:
    """A log with its rotated files, the oldest first."""
    rotated = [each for each in log.parent.glob(f"{log.stem}{_ROTATED}") if each.suffix[1:].isdigit()]
    return [*sorted(rotated, key=lambda each: -int(each.suffix[1:])), log]


def read(log: Path, request_ids: Iterable[str]) -> list[str]:
    """What one process logged about requests. Files that are rotated away meanwhile are left out."""
    wanted = tuple(request_ids)
    found: list[str] = []
    for file in files(log):
        try:
            with file.open(errors="replace") as lines:
                found += about((line.rstrip("\n") for line in lines), wanted)
        except FileNotFoundError:
            continue
    return found


def _prefix(line: str) -> str:
    return " ".join(line.split(maxsplit=_PREFIX_WORDS)[:_PREFIX_WORDS])
