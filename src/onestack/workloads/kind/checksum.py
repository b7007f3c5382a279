"""Checks an image's file against the checksum in the spec."""

from __future__ import annotations

import hashlib
from typing import IO

from onestack.core.errors import BadInput, Place


def verify(file: IO[bytes], name: str, checksum: str | None, place: Place | None) -> None:
    """Raise BadInput if the file is empty, or its checksum differs. Rewinds the file."""
    file.seek(0)
    if not file.read(1):
        raise BadInput(f"{name} is empty", where=place)
    file.seek(0)
    if checksum is None:
        return
    method, _, expected = checksum.partition(":")
    found = hashlib.file_digest(file, method).hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    if found != expected.lower():
        raise BadInput(
            f"{name} does not match the spec's checksum: its {method} is {found}, not {expected}",
            where=place,
            hint="download it again, or correct 'checksum'",
        )
