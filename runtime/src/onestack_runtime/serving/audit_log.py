"""The file that all projects' processes write their audit records to: one line of JSON each, bounded in size.

Each record is one write to a file opened for appending, so lines of several processes do not mix. Whoever finds the
file full renames it, under a lock; who has it open at that moment writes to the renamed one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onestack_runtime import contract


class AuditLog:
    """Writes records to `file`, and renames it to `file.1` and so on when it has `size` bytes; `files` old ones are
    kept."""

    def __init__(
        self,
        file: Path = Path(contract.AUDIT_LOG),
        size: int = contract.AUDIT_BYTES,
        files: int = contract.AUDIT_FILES,
    ) -> None:
        self._file = file
        self._size = size
        self._files = files

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Write one record. Raises OSError, where the disk is full too: then half a line may be there, ended."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        descriptor = self._open()
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                os.write(descriptor, b"\n")
                raise OSError(f"only {written} of {len(line)} bytes were written to {self._file}")
            full = os.fstat(descriptor).st_size >= self._size
        finally:
            os.close(descriptor)
        if full:
            self._rotate()

    def _open(self) -> int:
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._file, how, 0o600)
        except FileNotFoundError:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._file, how, 0o600)

    def _rotate(self) -> None:
        lock = os.open(self._file.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._file.exists() or self._file.stat().st_size < self._size:
                # Another process did it meanwhile.
                return
            for number in range(self._files - 1, 0, -1):
                older = self._numbered(number)
                if older.exists():
                    older.rename(self._numbered(number + 1))
            self._file.rename(self._numbered(1))
        finally:
            os.close(lock)

    def _numbered(self, number: int) -> Path:
        return self._file.with_name(f"{self._file.name}.{number}")
