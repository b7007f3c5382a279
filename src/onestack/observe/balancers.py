"""Balancers' figures from HAProxy: what `show stat` writes, and what happened between two observations. Pure.

Octavia calls a backend `<pool id>:<listener id>` and its servers by member id: a pool behind two listeners is
two backends, whose figures are added up.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from onestack.observe.observation import MemberRates, PoolRates

BACKEND = "BACKEND"
_ERRORS = ("hrsp_5xx", "econ", "eresp")
_RECENT = 1024
"""HAProxy's times are means of so many requests; that of a server which had none is 0, and says nothing."""

Key = tuple[str, str, str]
"""Process, backend, server."""


@dataclass(frozen=True)
class Row:
    """One server of one backend, or (`BACKEND`) all of it, as one HAProxy process counts."""

    pool: str
    server: str
    up: bool | None
    counted: int
    """Requests; of a TCP pool connections."""
    failed: int
    connections: int
    queue: int
    time: float
    """Milliseconds."""


def process(text: str) -> str:
    """Which process answers, by its `show info`: counts of another one are not to be compared with its own."""
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return f"{facts.get('Pid', '')}@{facts.get('Start_time_sec', '')}"


def parse(text: str) -> dict[tuple[str, str], Row]:
    """The rows of pools by backend and server. Raises ValueError for what is not HAProxy's table."""
    found = {}
    for row in table(text):
        name, server = row["pxname"], row["svname"]
        pool, colon, _ = name.partition(":")
        if colon and server and server != "FRONTEND":
            found[name, server] = _row(pool, server, row)
    return found


def table(text: str) -> Iterator[dict[str, str]]:
    """The rows of HAProxy's table as it names them. Raises ValueError for what is none."""
    lines = text.strip().splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("# pxname,")), None)
    if start is None:
        raise ValueError(f"no statistics, but: {' '.join(lines)[:80] or 'nothing'}")
    yield from csv.DictReader([lines[start].removeprefix("# "), *lines[start + 1 :]])


def _row(pool: str, server: str, row: Mapping[str, str | None]) -> Row:
    def number(key: str) -> int:
        return int(row.get(key) or 0)

    requests = row.get("req_tot")
    http = row.get("mode") == "http"
    # Servers have no count of requests of their own; each answer belongs to one.
    if http and not requests:
        counted = sum(number(f"hrsp_{each}") for each in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))
    else:
        counted = number("req_tot") if http else number("stot")
    # An HTTP error that HAProxy answers itself is both a 5xx and a connection that failed, on the backend's row.
    failed = max(number("hrsp_5xx"), number("econ") + number("eresp")) if server == BACKEND else 0
    if server != BACKEND:
        failed = sum(number(each) for each in _ERRORS)
    # Of HTTP from the request sent to the answer begun; of TCP as long as connections last.
    time = number("rtime" if http else "ttime")
    return Row(pool, server, _up(row), counted, failed, number("scur"), number("qcur"), float(time))


def _up(row: Mapping[str, str | None]) -> bool | None:
    status = row.get("status") or ""
    if status.startswith("no check"):
        return None
    if status.startswith(("UP", "OPEN", "DRAIN", "NOLB")):
        # A server that drains or has weight 0 is still checked; without checks its state is unknown.
        return True if row.get("check_status") or row["svname"] == BACKEND else None
    return False


class Counts:
    """Counts of the HAProxies: those of the observation before, and what came since. Counts of a process that is
    new (after a reload, or a start) are compared with nothing."""

    def __init__(self) -> None:
        self._before: dict[Key, Row] = {}
        self._at: float | None = None

    def rates(
        self, counted: Mapping[Key, Row], now: float
    ) -> tuple[dict[tuple[str, str], MemberRates], dict[str, PoolRates]]:
        """`counted`: rows by process, backend and server. `now`: seconds, monotonic."""
        seconds = now - self._at if self._at is not None else 0.0
        grouped: dict[tuple[str, str], list[tuple[Row | None, Row]]] = {}
        for key, row in counted.items():
            grouped.setdefault((row.pool, row.server), []).append((self._before.get(key), row))
        self._before, self._at = dict(counted), now
        members, pools = {}, {}
        for (pool, server), pairs in grouped.items():
            rows = [row for _, row in pairs]
            requests = _rate(((old.counted if old else None, row.counted) for old, row in pairs), seconds)
            errors = _rate(((old.failed if old else None, row.failed) for old, row in pairs), seconds)
            connections, queue = sum(row.connections for row in rows), sum(row.queue for row in rows)
            time = _mean(rows)
            if server == BACKEND:
                pools[pool] = PoolRates(requests, connections, queue, time, errors)
            else:
                members[pool, server] = MemberRates(_all_up(rows), requests, connections, queue, time, errors)
        return members, pools


def _rate(pairs: Iterable[tuple[int | None, int]], seconds: float) -> float | None:
    """A part that is missing makes the sum unknown: half of the listeners' requests would look like less load."""
    grown = 0
    for before, now in pairs:
        if before is None or now < before or seconds <= 0:
            return None
        grown += now - before
    return grown / seconds if seconds > 0 else None


def _mean(rows: Iterable[Row]) -> float | None:
    """By the number of requests each listener has had, of which HAProxy's mean knows the last ones."""
    weights = [(min(row.counted, _RECENT), row.time) for row in rows if row.counted]
    if not (total := sum(weight for weight, _ in weights)):
        return None
    return sum(weight * time for weight, time in weights) / total


def _all_up(rows: Iterable[Row]) -> bool | None:
    states = [row.up for row in rows if row.up is not None]
    return all(states) if states else None
