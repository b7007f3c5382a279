"""The cloud's secrets: made at random once, kept in one file that only root reads."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from onestack.host.files import replace_private

LENGTH = 24
"""Bytes of randomness in each."""


def ensure(file: Path, names: Iterable[str]) -> Mapping[str, str]:
    """The secrets in `file`, with new ones for those of `names` that were missing.

    The file is replaced whole, so that a full disk or a kill leaves the old one.
    """
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known.update({name: secrets.token_hex(LENGTH) for name in missing})
        replace_private(file, json.dumps(known, indent=1, sort_keys=True))
    return known
