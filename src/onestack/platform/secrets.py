"""The cloud's secrets: generated once, stored in one file that only root can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from onestack.host.files import replace_private

BEFORE = "before/"
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


def before(name: str) -> str:
    """The name under which the former value of a secret is kept, while it is replaced."""
    return f"{BEFORE}{name}"


def replaced(known: Mapping[str, str]) -> list[str]:
    """The names of the secrets whose replacement is not finished."""
    return sorted(name.removeprefix(BEFORE) for name in known if name.startswith(BEFORE))


def replace(file: Path, wanted: Mapping[str, str]) -> None:
    """Give secrets new values, and keep the former ones beside them until `forget_replaced`.

    One whose replacement is not finished keeps the value that it has: a former value that is still in use would be
    lost. The former value of one that was not there is empty.
    """
    known: dict[str, str] = json.loads(file.read_text())
    under_way = replaced(known)
    chosen = {name: value for name, value in wanted.items() if name not in under_way}
    kept = {before(name): known.get(name, "") for name in chosen}
    _write(file, {**known, **kept, **chosen})


def forget_replaced(file: Path) -> None:
    """Remove all former values."""
    known: dict[str, str] = json.loads(file.read_text())
    if replaced(known):
        _write(file, {name: value for name, value in known.items() if not name.startswith(BEFORE)})


def forget(file: Path, names: Collection[str]) -> None:
    """Remove secrets: where one is needed again, it is another one."""
    known: dict[str, str] = json.loads(file.read_text())
    if left := known.keys() & set(names):
        _write(file, {name: value for name, value in known.items() if name not in left})


def _write(file: Path, known: Mapping[str, str]) -> None:
    replace_private(file, json.dumps(known, indent=1, sort_keys=True))
