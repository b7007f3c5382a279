"""The record of what was done by the console, and by whom: one line of JSON each, which only root can read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onestack.core.paths import Paths

LARGEST = 4 * 1024 * 1024
"""Bytes of the file; one older file of this size is kept."""


def file_of(paths: Paths) -> Path:
    """The file, among the cloud's logs."""
    return paths.log / "console.jsonl"


def write(paths: Paths, kind: str, who: str, **data: Any) -> None:
    """Add an entry. `who`: the user to whom the one-time link was shown."""
    file = file_of(paths)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > LARGEST:
        file.replace(file.with_suffix(".1.jsonl"))
    line = json.dumps({"time": time.time(), "kind": kind, "who": who, **data}) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as out:
        out.write(line)


def read(paths: Paths, last: int) -> Iterator[dict[str, Any]]:
    """The last entries, oldest first, without a line that is incomplete."""
    file = file_of(paths)
    lines = file.read_text().splitlines()[-last:] if file.exists() else []
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue
