"""The tool's own data files: beside `src` in a checkout, in `onestack/_data` once installed."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(name: str) -> Path:
    """A data folder (`examples`, `releases`, `runtime`). Raises FileNotFoundError if the installation lacks it."""
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"{name}/ came with neither the package nor the checkout: {places[0]}, {places[1]}"
    )


@cache
def digest_of_code() -> str:
    """A digest of the tool's own code, twelve hexadecimal digits."""
    found = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        found.update(str(file.relative_to(_PACKAGE)).encode() + file.read_bytes())
    return found.hexdigest()[:12]


def releases() -> list[str]:
    """The OpenStack series that this tool supports, oldest first: those with a lock of exact versions."""
    found = [place.parent.name for place in folder("releases").glob("*/requirements.txt")]
    return sorted(found, key=lambda series: [int(part) for part in series.split(".") if part.isdigit()])


def release(series: str) -> Path:
    """The folder of a series. Raises KeyError if there is none."""
    if series not in releases():
        raise KeyError(series)
    return folder("releases") / series


def sharing(series: str, name: str) -> str:
    """The series whose folder has what is called `name` for a series: its own, or the one that `like` in its
    release.toml names, with which it has all in common that its own folder lacks. Raises KeyError."""
    place = release(series)
    described = place / "release.toml"
    if (place / name).exists() or not described.exists():
        return series
    return sharing(str(tomllib.loads(described.read_text())["like"]), name)


def having(series: str, name: str) -> Path:
    """The folder in which what is called `name` is for a series; see `sharing`."""
    return release(sharing(series, name))


def native(series: str) -> Path:
    """The folder with the lists of native packages of a series. Trees made of them are in the cache by its name."""
    return having(series, "base.txt")
