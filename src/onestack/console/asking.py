"""Asks the readers' processes, with a deadline for each question; starts one when it is needed, and ends it after.

The web server imports nothing of OpenStack's, so it stays small; and what hangs in a library can be killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

IDLE_SECONDS = {"here": 60.0, "apis": 3.0}
"""Without questions for so long a reader ends, and gives its memory back. Pages ask the first each 30 s at least; the
other has a client of OpenStack's in memory, and most of its answers are asked for once."""
POLLED: Mapping[str, Mapping[str, int]] = {"here": {}, "apis": {"groups": 10}}
"""By reader, what an open page reads again, and the seconds between two: it is kept for the next one."""
_SMALL = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""For glibc, in the readers: one heap for all threads, which gives back at once what an answer took."""
STUCK_SECONDS = 150.0
"""A reader with a question that is older is killed: its thread hangs."""


@dataclass(frozen=True)
class Answer:
    """`data`, or in `problem` why there is none: error, detail, where, hint. `seconds`: how long it took."""

    data: Any = None
    problem: dict[str, str] | None = None
    seconds: float = 0.0


@dataclass
class _Question:
    child: subprocess.Popen[str] | None = None
    future: Future[dict[str, Any]] = field(default_factory=Future)
    asked: float = field(default_factory=time.monotonic)


class Asking:
    """A reader; for any thread."""

    def __init__(
        self,
        words: Sequence[str],
        idle: float = 60.0,
        stuck: float = STUCK_SECONDS,
        polled: Mapping[str, int] | None = None,
    ) -> None:
        """`words`: the reader's command line. `polled`: reads that are repeated, and the seconds between two."""
        self._words = list(words)
        self._idle, self._stuck, self._polled = idle, stuck, polled or {}
        self._guard = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._open: dict[str, _Question] = {}
        self._kept = time.monotonic() + idle
        self._closed = threading.Event()
        threading.Thread(target=self._reap, name="reaper", daemon=True).start()

    @property
    def pid(self) -> int | None:
        """The reader's process id, if it runs."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def ask(self, read: str, given: dict[str, Any], seconds: float) -> Answer:
        """The answer, after at most `seconds`. The same question of two pages is asked once."""
        key = json.dumps([read, given], sort_keys=True)
        begun = time.monotonic()
        with self._guard:
            self._kept = max(self._kept, begun + self._polled.get(read, 0) + self._idle)
            question = self._open.get(key)
            if question is None:
                question = self._open[key] = _Question()
                try:
                    question.child = self._send({"id": key, "read": read, "given": given})
                except OSError as error:
                    del self._open[key]
                    return Answer(problem={"error": f"the console's reader does not start: {error}"})
        try:
            said = question.future.result(seconds)
        except Late:
            problem = {
                "error": f"no answer within {seconds:.0f} s",
                "hint": "a service that it needs hangs or is slow; `onestack status` says which",
            }
            return Answer(problem=problem, seconds=time.monotonic() - begun)
        return Answer(said.get("data"), said.get("error"), time.monotonic() - begun)

    def close(self) -> None:
        """End the reader."""
        self._closed.set()
        with self._guard:
            self._end()

    def _send(self, question: dict[str, Any]) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={**os.environ, **_SMALL},
            )
            threading.Thread(target=self._hear, args=(self._child,), name="hear", daemon=True).start()
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        return self._child

    def _hear(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            with self._guard:
                question = self._open.pop(said["id"], None)
                self._kept = max(self._kept, time.monotonic() + self._idle)
            if question is not None:
                question.future.set_result(said)
        child.wait()
        with self._guard:
            lost = [self._open.pop(key) for key, each in list(self._open.items()) if each.child is child]
            if self._child is child:
                self._child = None
        for question in lost:
            question.future.set_result(
                {"error": {"error": "the console's reader ended; it is started again"}}
            )

    def _reap(self) -> None:
        while not self._closed.wait(1.0):
            with self._guard:
                now = time.monotonic()
                oldest = min((each.asked for each in self._open.values()), default=now)
                unused = not self._open and now > self._kept
                if unused or now - oldest > self._stuck:
                    self._end()

    def _end(self) -> None:
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.kill()


class Readers:
    """The two readers of one cloud. A read's name begins with its reader's: `here.health`, `apis.plan`."""

    def __init__(self, root: str, cache: str) -> None:
        words = [sys.executable, "-W", "ignore", "-m", "onestack.console.reader"]
        self._readers = {
            kind: Asking([*words, kind, root, cache], idle=seconds, polled=POLLED[kind])
            for kind, seconds in IDLE_SECONDS.items()
        }

    def ask(self, read: str, given: dict[str, Any], seconds: float) -> Answer:
        """The answer, after at most `seconds`."""
        kind, _, name = read.partition(".")
        return self._readers[kind].ask(name, given, seconds)

    def close(self) -> None:
        """End both."""
        for each in self._readers.values():
            each.close()
