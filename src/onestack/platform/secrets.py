"""The cloud's secrets: generated once, stored in one file that only root can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from onestack.host.files import replace_private

LENGTH = 24
"""The number of random bytes in each secret."""


def ensure(file: Path, names: Iterable[str]) -> Mapping[str, str]:
    """The secrets in `file`; missing ones of `names` are generated.

    The file is replaced atomically: a full disk or a kill leaves the old one.
    """
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known.update({name: secrets.token_hex(LENGTH) for name in missing})
        _write(file, known)
    return known


def forget(file: Path, names: Collection[str]) -> None:
    """Remove secrets: where one is needed again, it is another one."""
    known: dict[str, str] = json.loads(file.read_text())
    if left := known.keys() & set(names):
        _write(file, {name: value for name, value in known.items() if name not in left})


def _write(file: Path, known: Mapping[str, str]) -> None:
    replace_private(file, json.dumps(known, indent=1, sort_keys=True))
