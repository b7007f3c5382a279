"""A path below every API that needs no token and no database, so that a hang shows and starting is seen.

It goes through the same listener and thread pool as every request: when those are stuck, it is silent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

StartResponse = Callable[..., Any]
Environ = dict[str, Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Health:
    """What the process still has to start. Healthy when nothing is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[str] = set()

    def expect(self, part: str) -> None:
        """`part` must be up before the process counts as ready."""
        with self._lock:
            self._waiting.add(part)

    def up(self, part: str) -> None:
        """`part` works."""
        with self._lock:
            self._waiting.discard(part)

    @property
    def waiting(self) -> list[str]:
        """The parts that are not up yet."""
        with self._lock:
            return sorted(self._waiting)

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        waiting = self.waiting
        status = "503 Service Unavailable" if waiting else "200 OK"
        body = f"starting: {', '.join(waiting)}\n".encode() if waiting else b"OK\n"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]
