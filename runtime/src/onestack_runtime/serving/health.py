"""The health check of each API: a path that needs no token and no database.

It shows whether the process has started all its parts. It uses the same listener and thread pool as other requests:
if those hang, it does not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

StartResponse = Callable[..., Any]
Environ = dict[str, Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Health:
    """The parts that the process has not started yet. It is healthy when there are none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[str] = set()

    def expect(self, part: str) -> None:
        """Count the process as ready only after `part` is up."""
        with self._lock:
            self._waiting.add(part)

    def up(self, part: str) -> None:
        """Report that `part` is up."""
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
