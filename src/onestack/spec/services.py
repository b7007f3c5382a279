"""Which services can be chosen, by OpenStack's own service types, and which of them need which.

What a service is made of is said in `onestack.platform.services`; a test holds the two to the same needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# Type -> the types it cannot work without, in an order in which each comes after all it needs.
REQUIRES: Mapping[str, tuple[str, ...]] = {
    "identity": (),
    "image": ("identity",),
    "placement": ("identity",),
    "network": ("identity",),
    "compute": ("identity", "image", "placement", "network"),
    "block-storage": ("identity", "image"),
    "load-balancer": ("identity", "network"),
    "dashboard": ("identity",),
}

PROJECTS: Mapping[str, str] = {
    "keystone": "identity",
    "glance": "image",
    "placement": "placement",
    "neutron": "network",
    "networking": "network",
    "nova": "compute",
    "cinder": "block-storage",
    "volume": "block-storage",
    "horizon": "dashboard",
    "octavia": "load-balancer",
}

TYPES = tuple(REQUIRES)


@dataclass(frozen=True)
class Resolution:
    """`ordered`: all that will run, each after what it needs. `added`: what nobody chose -> who needs it."""

    ordered: tuple[str, ...]
    added: Mapping[str, tuple[str, ...]]

    @property
    def notes(self) -> tuple[str, ...]:
        """The additions in words."""
        return tuple(
            f"{service} is added: {' and '.join(who)} cannot work without it"
            for service, who in self.added.items()
        )


def canonical(name: str) -> str:
    """The service type for a type or a project's name; KeyError for neither."""
    wanted = name.strip().lower()
    return wanted if wanted in REQUIRES else PROJECTS[wanted]


def resolve(chosen: Iterable[str] = TYPES, exclude: Iterable[str] = ()) -> Resolution:
    """Complete a choice with what it requires, less what is excluded.

    Assumes that the choice is possible (`conflicts` is empty); KeyError for an unknown service.
    """
    left_out = {canonical(name) for name in exclude}
    wanted = {canonical(name) for name in chosen} - left_out
    needed = wanted.union(*(_all_needs(service) for service in wanted)) - left_out
    added = {
        service: tuple(who for who in TYPES if who in needed and service in REQUIRES[who])
        for service in TYPES
        if service in needed - wanted
    }
    return Resolution(tuple(service for service in TYPES if service in needed), added)


def conflicts(chosen: Iterable[str], exclude: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each excluded service that something chosen cannot work without, and who that is."""
    left_out = {canonical(name) for name in exclude}
    wanted = {canonical(name) for name in chosen} - left_out
    for service in TYPES:
        who = tuple(other for other in TYPES if other in wanted and service in _all_needs(other))
        if service in left_out and who:
            yield service, who


def _all_needs(service: str) -> set[str]:
    direct = REQUIRES[service]
    return set(direct).union(*(_all_needs(other) for other in direct))
