"""A lock, so that only one command at a time changes a cloud. It names its holder."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onestack.core.errors import Busy


@contextmanager
def held(file: Path, purpose: str, *, seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock at `file` during the body; it ends with the process in any case.

    Waits up to `seconds` for another holder, then raises Busy, which names the holder.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with file.open("a+") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"another command works on this: {holder(file)}",
                        where=str(file),
                        hint="wait until it is done, or stop it, and run this again",
                    ) from None
                time.sleep(0.2)
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps({"pid": os.getpid(), "purpose": purpose, "since": time.time()}))
        handle.flush()
        interrupted = False
        try:
            yield
        except KeyboardInterrupt:
            interrupted = True
            raise
        finally:
            if not interrupted:
                handle.seek(0)
                handle.truncate()


def is_held(file: Path) -> bool:
    """Whether a command holds the lock now, by what it wrote there. The lock itself is not tried: a command that
    asked for it at that moment would be refused."""
    try:
        return Path(f"/proc/{int(json.loads(file.read_text())['pid'])}").exists()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def abandoned(file: Path) -> bool:
    """Whether its last holder was killed or interrupted: the file names a holder, but nobody holds the lock."""
    try:
        with file.open() as handle:
            if not handle.read(1):
                return False
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def holder(file: Path) -> str:
    """The lock's holder, in words."""
    try:
        holder = json.loads(file.read_text())
        age = time.time() - holder["since"]
        return f"{holder['purpose']} (pid {holder['pid']}, since {age:.0f} s)"
    except (OSError, ValueError, KeyError):
        return "unknown"
