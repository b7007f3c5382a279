"""Which trees beside the base a host needs, before there is a cloud that could be asked. Pure."""

from __future__ import annotations

from collections.abc import Collection

from onestack.platform import backups, managed_ceph
from onestack.platform.infrastructure import alertmanager, etcd, galera, rabbitmq
from onestack.spec.model import ROLES, HostRole
from onestack.spec.platform import Platform


def trees(
    platform: Platform,
    roles: Collection[HostRole] = ROLES,
    *,
    several: bool = False,
    replicated: bool = False,
    disks: bool = False,
) -> tuple[str, ...]:
    """Their names in `host.base.TREES`, for a host with these roles. `several`: whether the cloud has more than one
    host. `replicated`: whether it has several control hosts. `disks`: whether the host gives any to Ceph. At least
    those in which processes of the host run."""
    bus = several and "control" in roles and "compute" in platform.services
    copies = replicated and "control" in roles
    stored = bool(platform.storage.ceph) and "storage" in roles and disks
    # Without a section on backups the tree is fetched by the first one that is made.
    copied = platform.backup is not None and not several
    told = bool(platform.monitoring.receivers) and "control" in roles
    leases = several and "control" in roles and platform.heals
    wanted = {
        backups.TREE: copied,
        rabbitmq.TREE: bus,
        galera.TREE: copies,
        managed_ceph.TREE: stored,
        etcd.TREE: leases,
        alertmanager.TREE: told,
    }
    return tuple(name for name, needed in wanted.items() if needed)
