"""Checks whether a process is ready: an HTTP response on a unix socket, an open socket, a command's status, a file's
age."""

from __future__ import annotations

import http.client
import socket
import time
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.host.command import last_lines, run


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, place: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._place = place

    def connect(self) -> None:
        self.sock = _connected(self._place, self.timeout or 10)


def _connected(place: Path, timeout: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(str(place))
    except OSError:
        sock.close()
        raise
    return sock


def http_answer(place: Path, path: str, *, seconds: float = 10) -> tuple[bool, str]:
    """Whether an HTTP server on a unix socket responds with a status below 500, and its response."""
    connection = _UnixConnection(place, seconds)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer ({type(error).__name__})"
    finally:
        connection.close()
    return status < 500, f"HTTP {status}"


def accepts(place: Path, *, seconds: float = 5) -> tuple[bool, str]:
    """Whether a unix socket accepts a connection."""
    try:
        _connected(place, seconds).close()
    except OSError as error:
        return False, f"no connection ({type(error).__name__})"
    return True, "accepts connections"


def command_succeeds(argv: list[str], *, seconds: float = 10) -> tuple[bool, str]:
    """Whether a command ends with status 0; and its output, in one line."""
    try:
        output = run(argv, seconds=seconds)
    except PermanentError as error:
        return False, (error.detail or error.summary).splitlines()[-1]
    return True, last_lines(output, 1)


def written(place: Path, seconds: float) -> tuple[bool, str]:
    """Whether a file was written within the last `seconds`."""
    try:
        age = time.time() - place.stat().st_mtime
    except OSError as error:
        return False, f"no file ({type(error).__name__})"
    return age <= seconds, f"written {age:.0f} s ago"
