"""Where the files of the tool lie: beside `src` in a checkout, in `onestack/_data` once installed."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """A folder of the tool (`examples`, `releases`, `runtime`); FileNotFoundError if it did not come with it."""
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"{name}/ came with neither the package nor the checkout: {places[0]}, {places[1]}"
    )


@cache
def digest_of_code() -> str:
    """Twelve digits that change with the tool's own code."""
    found = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        found.update(str(file.relative_to(_PACKAGE)).encode() + file.read_bytes())
    return found.hexdigest()[:12]


def releases() -> list[str]:
    """The OpenStack series this tool can bring up, oldest first: those with a lock of exact versions."""
    found = [place.parent.name for place in folder("releases").glob("*/requirements.txt")]
    return sorted(found, key=lambda series: [int(part) for part in series.split(".") if part.isdigit()])


def release(series: str) -> Path:
    """The folder that says what belongs to a series; KeyError if there is none."""
    if series not in releases():
        raise KeyError(series)
    return folder("releases") / series
