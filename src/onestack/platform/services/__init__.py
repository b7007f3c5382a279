"""The catalogue of services: one module each, by OpenStack's own service types."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from onestack.core.discovery import declared
from onestack.platform.shape import Service


def _by_need(found: Mapping[str, Service]) -> dict[str, Service]:
    """The services in an order in which each follows those that it requires; among several candidates, the one that
    most others require comes first."""
    users = {name: sum(name in other.requires for other in found.values()) for name in found}
    ordered: dict[str, Service] = {}
    while left := [each for each in found.values() if each.type not in ordered]:
        ready = [each for each in left if set(each.requires) <= ordered.keys()]
        if not ready:
            raise ValueError(f"services that require each other: {', '.join(each.type for each in left)}")
        following = min(ready, key=lambda each: (-users[each.type], each.type))
        ordered[following.type] = following
    return ordered


CATALOGUE: dict[str, Service] = {}
"""All services by type, each after those that it requires."""


def discover() -> None:
    """Find the services that this package's modules declare. Raises ValueError for two of one type."""
    found: dict[str, Service] = {}
    for service in declared(sys.modules[__name__], "SERVICE", Service):
        if service.type in found:
            raise ValueError(f"two services of the type {service.type}")
        found[service.type] = service
    CATALOGUE.clear()
    CATALOGUE.update(_by_need(found))


discover()
