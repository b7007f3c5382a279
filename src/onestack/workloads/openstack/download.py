"""Downloads an image's content completely, and verifies it, before it is uploaded to Glance."""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from onestack.core.errors import BadInput, Place, TemporaryError
from onestack.workloads.kind.checksum import verify

SPACE = "/var/tmp"
"""The folder of downloads, which are unnamed files: on disk, and removed with the process."""
SILENCE_SECONDS = 30.0
"""The timeout of a server that sends nothing."""
_PIECE = 1 << 20


@contextmanager
def content(url: str, checksum: str | None, place: Place | None) -> Iterator[IO[bytes]]:
    """The content of `url` (http, https, file), ready to be read. `checksum`: the expected one, such as `sha256:…`.

    Raises BadInput for permanent errors, TemporaryError for others.
    """
    with tempfile.TemporaryFile(dir=SPACE) as file:
        try:
            with urlopen(url, timeout=SILENCE_SECONDS) as answer:
                promised = answer.headers.get("Content-Length")
                size = _copy(answer, file)
        except HTTPError as error:
            summary = f"{url} responds with {error.code} {error.reason}"
            if error.code >= 500 or error.code == 429:
                raise TemporaryError(summary, delay=2, where=str(place or "")) from error
            raise BadInput(
                summary, where=place, hint="check the URL, and whether this machine may read it"
            ) from error
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if url.startswith("file:"):
                raise BadInput(f"{url} cannot be read: {reason}", where=place) from error
            summary = f"{url} cannot be fetched: {reason}"
            raise TemporaryError(summary, delay=2, where=str(place or "")) from error
        if promised is not None and size != int(promised):
            summary = f"{url} ended after {size} of {promised} bytes"
            raise TemporaryError(summary, delay=2, where=str(place or ""))
        verify(file, url, checksum, place)
        yield file


def _copy(answer: IO[bytes], file: IO[bytes]) -> int:
    size = 0
    while piece := answer.read(_PIECE):
        size += file.write(piece)
    return size
