"""The availability zones that the spec gives its hosts: in Nova each is a host aggregate with that metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openstack.connection import Connection

from onestack.core.events import Emit, step
from onestack.platform import connect
from onestack.platform.site import Site

STEP = "availability zones"
MARK = "onestack_zone"
"""Metadata of the aggregates that this module manages; others are left alone."""


def wanted(site: Site) -> Mapping[str, frozenset[str]]:
    """Zone -> the names of its hosts that run guests."""
    found: dict[str, set[str]] = {}
    for host in site.spec.hosts:
        if host.zone and "compute" in host.roles:
            found.setdefault(host.zone, set()).add(host.name)
    return {zone: frozenset(names) for zone, names in found.items()}


def ensure(site: Site, emit: Emit) -> None:
    """Have the zones as the spec says. Nova must know the hosts.

    Raises openstacksdk's ConflictException where guests on a host keep it from leaving a zone.
    """
    zones = wanted(site)
    if not zones and not site.peers:
        return
    admin = connect.connection(site)
    managed = {each.name: each for each in admin.compute.aggregates() if MARK in (each.metadata or {})}
    if not zones and not managed:
        return
    with step(STEP, emit) as at:
        # A host is in one zone: it leaves the old one first.
        for name, aggregate in managed.items():
            for host in set(aggregate.hosts or ()) - zones.get(name, frozenset()):
                admin.compute.remove_host_from_aggregate(aggregate.id, host)
            if name not in zones:
                admin.compute.delete_aggregate(aggregate.id)
        for name, hosts in zones.items():
            aggregate = managed.get(name) or _create(admin, name)
            for host in sorted(hosts - set(aggregate.hosts or ())):
                admin.compute.add_host_to_aggregate(aggregate.id, host)
        at.outcome = ", ".join(f"{name}: {' '.join(sorted(hosts))}" for name, hosts in sorted(zones.items()))


def _create(admin: Connection, name: str) -> Any:
    made = admin.compute.create_aggregate(name=name, availability_zone=name)
    return admin.compute.set_aggregate_metadata(made.id, {MARK: "true"})
