"""The processes that a page's commands start: their command lines, and whether they are gone in the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cloud import health
from onestack import Cloud
from onestack.host import processes

MARK = "ONESTACK_TEST_READER"
"""A variable of the commands' environment, which what they start inherits."""


class Seen:
    """What was seen running for a cloud, by number and time of start: a number alone may be another's later."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._mark = f"{MARK}={environment[MARK]}".encode()
        self._known: dict[int, str] = {}

    def note(self, cloud: Cloud) -> None:
        """Look at what the cloud runs now."""
        if cloud.exists:
            pids = {*health.pids(cloud).values(), *(each.pid for each in processes.inside(cloud.paths.run))}
            self._known |= {pid: started for pid in pids if (started := _started(pid))}

    def alive(self) -> list[str]:
        """Those that still run, and whatever else was started by the commands."""
        known = [pid for pid, started in self._known.items() if _started(pid) == started]
        marked = [
            int(entry.name) for entry in _entries() if self._mark in _text(entry / "environ").split(b"\0")
        ]
        return [f"{pid} {_words(pid)}" for pid in sorted({*known, *marked})]


def _entries() -> Iterator[Path]:
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _words(pid: int) -> str:
    return _text(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace").strip()


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty when there is none, or only its exit status."""
    words = _text(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return words[19].decode() if words and words[0] != b"Z" else ""


def of_root(root: Path) -> list[str]:
    """Processes that name a cloud's root, or see one of its mounts; this one aside."""
    mark = os.fsencode(root)
    found = []
    for entry in _entries():
        try:
            there = os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if any(mark in text for text in (there, _text(entry / "cmdline"), _text(entry / "mountinfo"))):
            found.append(f"{entry.name} {_words(int(entry.name))}")
    return [each for each in found if not each.startswith(f"{os.getpid()} ")]


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Every command line that any process of this machine has during the body, as far as can be seen."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        known: set[int] = set()
        before: set[int] = set()
        while not done.wait(0.05):
            now = {int(entry.name) for entry in _entries()}
            # Twice: a process execs another program soon after it was made.
            seen.update(_words(pid) for pid in now - known)
            known, before = before & now, now

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
