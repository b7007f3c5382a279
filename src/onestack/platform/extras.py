"""The additional package lists of a host's base. Pure.

A cloud of one host needs none for its layout, so its base has the same key, and is the same in the cache, as before
there were several hosts.
"""

from __future__ import annotations

from collections.abc import Collection

from onestack.platform.infrastructure import rabbitmq
from onestack.spec.model import ROLES, HostRole
from onestack.spec.platform import Platform


def extras(
    platform: Platform, roles: Collection[HostRole] = ROLES, *, several: bool = False
) -> tuple[str, ...]:
    """The extras of `host.base` for a host with these roles. `several`: whether the cloud has more than one host."""
    bus = (rabbitmq.EXTRA,) if several and "control" in roles else ()
    return (*platform.base_extras, *bus)
