"""What healing does with a server: the spec's key, the metadata that carries it, and the rule. Pure.

It stands in the server's metadata, so that the healer reads it of any server, also of one that no spec made, and
plan, apply and drift own it as they own the rest of the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from onestack.language.types import Problem

WISH, PRIORITY = "healing", "healing_priority"
"""Keys of metadata: a `Wish`; and a number, the highest first."""
Wish = Literal["evacuate", "restart", "leave"]


def metadata(given: Mapping[str, str], wish: Wish | None) -> dict[str, str]:
    """A server's metadata with its wish."""
    return {**given, **({WISH: wish} if wish else {})}


def told(found: Mapping[str, str]) -> tuple[dict[str, str], Wish | None]:
    """The way back: a server's metadata without its wish, and that."""
    rest = {key: value for key, value in found.items() if key != WISH}
    match found.get(WISH):
        case "evacuate" | "restart" | "leave" as wish:
            return rest, wish
    return dict(found), None


def problems(given: Mapping[str, str], wish: Wish | None) -> Iterator[Problem]:
    """What is wrong between the key and the metadata."""
    if wish and WISH in given:
        yield Problem(f"the metadata '{WISH}' says it, too", "one of both", path=("metadata",))


def stays(wish: str, *, by_image: bool, disks_elsewhere: bool, volumes_here: Sequence[str]) -> str:
    """Why a server is not started elsewhere when its host is lost; empty if it is.

    `by_image`: its disk was made from an image. `disks_elsewhere`: such disks are in Ceph. `volumes_here`: those of
    its volumes that are files of one host.
    """
    if wish in ("leave", "restart"):
        return f"it says healing: {wish}"
    if volumes_here:
        return f"its volumes are files of one host: {', '.join(volumes_here)}"
    if by_image and not disks_elsewhere and wish != "evacuate":
        return "its disk is a file of the lost host (healing: evacuate has it built anew from its image)"
    return ""
