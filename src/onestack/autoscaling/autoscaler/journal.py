"""The history of each group's decisions and actions, for `scale history` and `scale why`: one line of JSON each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST = 4 * 1024 * 1024
"""Bytes of a group's history file; one older file of this size is kept."""
HELD_EVERY = 60.0
"""Seconds after which an unchanged decision is recorded again."""


def file_of(log: Path, project: str, name: str) -> Path:
    """The file of a group's history. A group's name may contain characters that a file's name may not."""
    safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in name)
    return log / "scaling" / f"{project}-{safe}.jsonl"


class Journal:
    """The history of one group."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: tuple[Any, float] = (None, -HELD_EVERY)

    def decision(self, data: dict[str, Any], now: float) -> None:
        """Record a decision; one that equals the last is recorded only every HELD_EVERY seconds."""
        like = (data["action"], data["to"], data["recommended"], tuple(data["limits"]))
        if data["action"] == "hold" and self._last[0] == like and now - self._last[1] < HELD_EVERY:
            return
        self._last = (like, now)
        self.write("decision", data)

    def write(self, kind: str, data: dict[str, Any]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists() and self._file.stat().st_size > LARGEST:
            self._file.replace(self._file.with_suffix(".1.jsonl"))
        with self._file.open("a") as out:
            out.write(json.dumps({"time": time.time(), "kind": kind, **data}) + "\n")


def read(file: Path, last: int = 50) -> Iterator[dict[str, Any]]:
    """The last lines, oldest first, without a line that is incomplete after a kill."""
    lines: list[str] = []
    for each in (file.with_suffix(".1.jsonl"), file):
        if each.exists():
            lines += each.read_text().splitlines()
    for line in lines[-last:]:
        try:
            yield json.loads(line)
        except ValueError:
            continue
