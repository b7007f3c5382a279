"""The logs of a cloud's processes, merged or one by one, from a point in time on; can follow them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onestack.core.errors import BadInput
from onestack.health import request_log

_AGE = re.compile(r"(\d+)\s*(s|m|min|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}
# 2026-11-23 14:53:36 (OpenStack, MariaDB: local time), 2026-11-23T14:53:36.123Z (OVS), …36.123+0000 (libvirt).
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ]+(\d\d?:\d\d:\d\d)(?:[.,](\d+))?(Z|\+0000)?")
FOLLOW_PERIOD = 0.3
"""Seconds between two reads for new lines."""


def moment(text: str, now: datetime) -> datetime:
    """A point in time: `10m`, `2h`, `1d` before `now`, or a date and time. Raises BadInput."""
    if age := _AGE.fullmatch(text.strip()):
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"'{text}' is not a valid time", hint="an age (30s, 10m, 2h, 1d) or a moment (2026-01-31T12:00)"
        ) from None


def stamp(line: str) -> datetime | None:
    """The local time of a line, from its own timestamp."""
    found = _STAMP.search(line[:48])
    if not found:
        return None
    try:
        written = datetime.fromisoformat(f"{found[1]} {found[2]:0>8}.{found[3] or '0':0<6.6}")
    except ValueError:
        return None
    if found[4]:
        return written.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
    return written


def _text(file: Path) -> list[str]:
    return file.read_text(errors="replace").splitlines()


def since(lines: Sequence[str], start: datetime) -> list[str]:
    """The lines from `start` on; a line without a timestamp belongs to the one before."""
    kept: list[str] = []
    taking = False
    for line in lines:
        written = stamp(line)
        if written is not None:
            taking = written >= start
        if taking:
            kept.append(line)
    return kept


def read(folder: Path, name: str | None) -> dict[str, Path]:
    """The logs by process name. Raises BadInput for a name that has none."""
    files = {each.stem: each for each in sorted(folder.glob("*.log"))}
    if name is None:
        return files
    if name not in files:
        raise BadInput(f"there is no log of '{name}'", hint=f"one of {', '.join(files) or '(none yet)'}")
    return {name: files[name]}


def last(
    logs: dict[str, Path], *, lines: int, start: datetime | None, requests: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """The last `lines` lines of each log (with `start` all since then), in chronological order.

    `requests`: only the lines about these requests, all of them, from rotated files too.
    """
    found: list[tuple[datetime, str, str]] = []
    for name, file in logs.items():
        text = request_log.read(file, requests) if requests else _text(file)
        chosen = since(text, start) if start else text if requests else text[-lines:]
        written = datetime.min
        for line in chosen:
            written = stamp(line) or written
            found.append((written, name, line))
    if len(logs) > 1:
        found.sort(key=lambda each: each[0])
    return [(name, line) for _, name, line in found][-lines if start is None and not requests else 0 :]


def recent(
    folder: Path, name: str | None, since: str | None, lines: int, requests: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """The last lines of the logs in a folder, or all `since` an age or a moment.

    `name`: of one process. `requests`: all that is about these requests. Raises BadInput.
    """
    start = moment(since, datetime.now()) if since else None
    return last(read(folder, name), lines=lines, start=start, requests=requests)


def follow(logs: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Lines as they are written, without end."""
    places = {name: file.stat().st_size for name, file in logs.items()}
    while True:
        for name, file in logs.items():
            size = file.stat().st_size if file.exists() else 0
            if size < places[name]:
                places[name] = 0
            if size > places[name]:
                with file.open("rb") as log:
                    log.seek(places[name])
                    fresh = log.read()
                whole = fresh.rfind(b"\n") + 1
                places[name] += whole
                for line in fresh[:whole].decode(errors="replace").splitlines():
                    yield name, line
        time.sleep(FOLLOW_PERIOD)
