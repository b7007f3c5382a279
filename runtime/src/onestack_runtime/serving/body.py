"""Request bodies: whatever an application does with one, the next request on the connection works.

An application may close its input (Glance does, after an upload), read only part of it, or reject it unread. cheroot
would reuse the connection all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from cheroot import wsgi

LARGEST_DRAINED = 1 << 20
"""Bytes. After a request with a larger body the connection is closed, instead of reading the rest of the body."""


class Readable(Protocol):
    def read(self, size: int | None = None) -> bytes: ...

    def readline(self, size: int | None = None) -> bytes: ...


class Body:
    """A request's body as WSGI input. `close` does not close the connection."""

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
        """Does nothing: the server closes the connection."""


class Gateway(wsgi.Gateway_10):
    """cheroot's WSGI gateway, with `Body` as input."""

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
        """Read the rest of the body: a client reads the response only after it has sent the whole body."""
        left = LARGEST_DRAINED
        with contextlib.suppress(OSError, ValueError):
            while left > 0 and (piece := source.read(min(left, 65536))):
                left -= len(piece)
