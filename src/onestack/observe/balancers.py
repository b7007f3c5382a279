"""Load balancers' metrics from HAProxy: parses `show stat`, and computes rates between two observations. Pure.

Octavia names a backend `<pool id>:<listener id>` and its servers by member id: a pool with two listeners is two
backends, whose metrics are added.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from onestack.observe.observation import MemberRates, PoolRates

BACKEND = "BACKEND"
_ERRORS = ("hrsp_5xx", "econ", "eresp")
_RECENT = 1024
"""HAProxy's times are means over so many requests; a server without requests has 0, which means nothing."""

Key = tuple[str, str, str]
"""Process, backend, server."""


@dataclass(frozen=True)
class Row:
    """One server of one backend, or (`BACKEND`) the whole backend, as counted by one HAProxy process."""

    pool: str
    server: str
    up: bool | None
    counted: int
    """Requests; for a TCP pool connections."""
    failed: int
    connections: int
    queue: int
    time: float
    """Milliseconds."""


def process(text: str) -> str:
    """The process that answers, from its `show info`: counters of two processes must not be compared."""
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return f"{facts.get('Pid', '')}@{facts.get('Start_time_sec', '')}"


def parse(text: str) -> dict[tuple[str, str], Row]:
    """The rows of pools, by backend and server. Raises ValueError if it is not HAProxy's table."""
    found = {}
    for row in table(text):
        name, server = row["pxname"], row["svname"]
        pool, colon, _ = name.partition(":")
        if colon and server and server != "FRONTEND":
            found[name, server] = _row(pool, server, row)
    return found


def table(text: str) -> Iterator[dict[str, str]]:
    """The rows of HAProxy's table. Raises ValueError if there is none."""
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
    # Servers have no counter of requests, but their responses are counted by status.
    if http and not requests:
        counted = sum(number(f"hrsp_{each}") for each in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))
    else:
        counted = number("req_tot") if http else number("stot")
    # On the backend's row, an HTTP error from HAProxy itself counts both as a 5xx and as a failed connection.
    failed = max(number("hrsp_5xx"), number("econ") + number("eresp")) if server == BACKEND else 0
    if server != BACKEND:
        failed = sum(number(each) for each in _ERRORS)
    # For HTTP the time to the first byte of the response; for TCP the duration of connections.
    time = number("rtime" if http else "ttime")
    return Row(pool, server, _up(row), counted, failed, number("scur"), number("qcur"), float(time))


def _up(row: Mapping[str, str | None]) -> bool | None:
    status = row.get("status") or ""
    if status.startswith("no check"):
        return None
    if status.startswith(("UP", "OPEN", "DRAIN", "NOLB")):
        # A server that drains or has weight 0 is still checked, if it has checks; without checks its state is
        # unknown.
        return True if row.get("check_status") or row["svname"] == BACKEND else None
    return False


class Counts:
    """The counters of the previous observation, and rates since then. A counter of a new process (after a start or
    reload) has no rate."""

    def __init__(self) -> None:
        self._before: dict[Key, Row] = {}
        self._at: float | None = None

    def rates(
        self, counted: Mapping[Key, Row], now: float
    ) -> tuple[dict[tuple[str, str], MemberRates], dict[str, PoolRates]]:
        """The rates of members and pools. `counted`: rows by process, backend and server. `now`:
        seconds, monotonic."""
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
    """The rate of a sum; None if a part is missing: a partial sum would look like less load."""
    grown = 0
    for before, now in pairs:
        if before is None or now < before or seconds <= 0:
            return None
        grown += now - before
    return grown / seconds if seconds > 0 else None


def _mean(rows: Iterable[Row]) -> float | None:
    """The mean response time, weighted by the number of requests behind each listener's mean."""
    weights = [(min(row.counted, _RECENT), row.time) for row in rows if row.counted]
    if not (total := sum(weight for weight, _ in weights)):
        return None
    return sum(weight * time for weight, time in weights) / total


def _all_up(rows: Iterable[Row]) -> bool | None:
    states = [row.up for row in rows if row.up is not None]
    return all(states) if states else None
