"""Which trees beside the base a host needs, before there is a cloud that could be asked. Pure."""

from __future__ import annotations

from collections.abc import Collection

from onestack.platform.infrastructure import rabbitmq
from onestack.spec.model import ROLES, HostRole
from onestack.spec.platform import Platform


def trees(
    platform: Platform, roles: Collection[HostRole] = ROLES, *, several: bool = False
) -> tuple[str, ...]:
    """Their names in `host.base.TREES`, for a host with these roles. `several`: whether the cloud has more than one
    host. At least those in which processes of the host run."""
    bus = several and "control" in roles and "compute" in platform.services
    return (rabbitmq.TREE,) if bus else ()
