"""Listener statistics that grow monotonically, although each reload starts a process whose counters begin at 0.

Pure, except for the file that keeps the counters of ended processes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

Row = Mapping[str, str]
Counts = dict[str, int]
_COLUMNS = {"bytes_in": "bin", "bytes_out": "bout", "total_connections": "stot", "request_errors": "ereq"}
_ACTIVE = "active_connections"
"""A gauge: 0 for processes that have ended."""


def frontends(rows: Iterable[Row]) -> dict[str, Counts]:
    """One process's counters by listener."""
    found = {}
    for row in rows:
        if row["svname"] == "FRONTEND":
            counts = {name: int(row.get(column) or 0) for name, column in _COLUMNS.items()}
            found[row["pxname"]] = {**counts, _ACTIVE: int(row.get("scur") or 0)}
    return found


class Statistics:
    """One balancer's counters. `ended`: the sum over ended processes; `running`: by process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.ended: dict[str, Counts] = {}
        self.running: dict[str, dict[str, Counts]] = {}
        try:
            saved = json.loads(file.read_text())
            self.ended, self.running = saved["ended"], saved["running"]
        except (OSError, ValueError, KeyError):
            pass
        self._reported: dict[str, Counts] = {}

    def update(self, by_process: Mapping[str, dict[str, Counts]]) -> None:
        """Record the present counters of all the HAProxy's processes."""
        before = json.dumps([self.ended, self.running])
        for process in list(self.running):
            if process not in by_process:
                for listener, counts in self.running.pop(process).items():
                    _add(self.ended.setdefault(listener, {}), counts)
        self.running.update({process: dict(counts) for process, counts in by_process.items()})
        if json.dumps([self.ended, self.running]) != before:
            self._save()

    def totals(self) -> dict[str, Counts]:
        """The sum over all processes, by listener."""
        found: dict[str, Counts] = {}
        for part in (self.ended, *self.running.values()):
            for listener, counts in part.items():
                _add(found.setdefault(listener, {}), counts)
        for listener, counts in found.items():
            counts[_ACTIVE] = sum(part.get(listener, {}).get(_ACTIVE, 0) for part in self.running.values())
        return found

    def report(self, listeners: Iterable[str]) -> list[dict[str, object]]:
        """The report for Octavia: listeners whose counters changed since the last report."""
        found: list[dict[str, object]] = []
        totals = self.totals()
        for listener in listeners:
            counts = totals.get(listener)
            if counts and counts != self._reported.get(listener):
                self._reported[listener] = counts
                found.append({"id": listener, **{name: counts.get(name, 0) for name in (*_COLUMNS, _ACTIVE)}})
        return found

    def _save(self) -> None:
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps({"ended": self.ended, "running": self.running}))
        partial.rename(self._file)


def _add(to: Counts, more: Counts) -> None:
    for name, value in more.items():
        to[name] = to.get(name, 0) + (value if name != _ACTIVE else 0)


def workers(text: str) -> list[str]:
    """The pids of present and old workers, from the master's `show proc`."""
    found, section = [], ""
    for line in text.splitlines():
        if line.startswith("# "):
            section = line[2:].strip()
        elif line and not line.startswith("#") and section in ("workers", "old workers"):
            words = line.split()
            if words[1] == "worker":
                found.append(words[0])
    return found
