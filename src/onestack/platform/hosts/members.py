"""What a host's members of the control hosts' clusters have, looked at without changing anything."""

from __future__ import annotations

from dataclasses import dataclass

from onestack.platform import catalogue
from onestack.platform.site import Site


@dataclass(frozen=True)
class Member:
    """What a host's member of an infrastructure service has. `last`: whether it is proved to have all that was ever
    written, for it was the last one that stopped. `newness`: the larger, the newer; -1 where it is not known yet."""

    service: str
    host: str
    words: str
    last: bool = False
    newness: int = -1


def members_here(found: Site) -> list[Member]:
    """What this host's members have. Changes nothing, and starts nothing."""
    seen = []
    for each in catalogue.infrastructure(found.view):
        if each.look is not None:
            words, last, newness = each.look(found, found.here)
            seen.append(Member(each.name, found.here.name, words, last, newness))
    return seen
