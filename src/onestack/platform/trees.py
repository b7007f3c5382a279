"""Which trees beside the base a host needs, before there is a cloud that could be asked. Pure."""

from __future__ import annotations

from collections.abc import Collection

from onestack.platform.infrastructure import galera, rabbitmq
from onestack.spec.model import ROLES, HostRole
from onestack.spec.platform import Platform


def trees(
    platform: Platform,
    roles: Collection[HostRole] = ROLES,
    *,
    several: bool = False,
    replicated: bool = False,
) -> tuple[str, ...]:
    """Their names in `host.base.TREES`, for a host with these roles. `several`: whether the cloud has more than one
    host. `replicated`: whether it has several control hosts. At least those in which processes of the host run."""
    bus = several and "control" in roles and "compute" in platform.services
    copies = replicated and "control" in roles
    return (*((rabbitmq.TREE,) if bus else ()), *((galera.TREE,) if copies else ()))
