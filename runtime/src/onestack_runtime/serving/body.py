"""Request bodies, so that one request cannot spoil the next on its connection.

An application may close its input (Glance does, after an upload), leave it half read, or refuse it; cheroot
takes the connection for usable all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from cheroot import wsgi

LARGEST_DRAINED = 1 << 20
"""Bytes. What is left of a larger body is not read for the sake of keeping the connection."""


class Readable(Protocol):
    def read(self, size: int | None = None) -> bytes: ...

    def readline(self, size: int | None = None) -> bytes: ...


class Body:
    """A request's body as WSGI's input; to close it does not close the connection it comes from."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def read(self, size: int | None = None) -> bytes:
        return self._source.read(size)

    def readline(self, size: int | None = None) -> bytes:
        return self._source.readline(size)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def close(self) -> None:
        """Nothing: the connection is its server's."""


class Gateway(wsgi.Gateway_10):
    """cheroot's WSGI gateway with such bodies."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        environ["wsgi.input"] = Body(self.req.rfile)
        return environ

    def respond(self) -> None:
        request = self.req
        length = int(request.inheaders.get(b"Content-Length", b"0"))
        if request.chunked_read or length > LARGEST_DRAINED:
            request.close_connection = True
        super().respond()
        if request.chunked_read:
            self._drain(request.rfile)

    @staticmethod
    def _drain(source: Readable) -> None:
        """Take what little is left: a client that is still writing would not read its answer."""
        left = LARGEST_DRAINED
        with contextlib.suppress(OSError, ValueError):
            while left > 0 and (piece := source.read(min(left, 65536))):
                left -= len(piece)
