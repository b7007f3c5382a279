"""Compares Octavia's database, the configurations on disk and the running state; reports differences in words."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from typing import Any

from onestack_runtime.drivers.balancer import (
    balancer,
    config,
    control,
    graph,
    haproxy,
    network,
    places,
    plug,
    store,
)
from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.serving.commands import Failed, run

LOG = logging.getLogger(__name__)

PENDING_SECONDS = 30.0
"""How long a balancer may be PENDING_* before that is a finding."""


@dataclass(frozen=True)
class Finding:
    """`balancer`: its id; for leftovers the name of a namespace or interface on this host."""

    balancer: str
    what: str


def examine() -> tuple[int, list[Finding]]:
    """The number of balancers, and all findings about them."""
    living = store.living()
    ports = plug.switch_ports()
    differences = [finding for ident in living for finding in check_one(ident, ports)]
    return len(living), differences + leftovers({Place(each).name for each in living}, ports)


def check_one(ident: str, ports: dict[str, str]) -> list[Finding]:
    """The findings about one balancer."""
    lb = store.load(ident)
    if lb is None or lb.provisioning_status == "DELETED":
        return []
    if lb.provisioning_status.startswith("PENDING_"):
        since = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - (lb.updated_at or lb.created_at)
        if since.total_seconds() < PENDING_SECONDS:
            return []
        return [Finding(ident, f"{lb.provisioning_status} for {since.total_seconds():.0f} s")]
    if lb.provisioning_status == "ERROR":
        return [
            Finding(ident, "its last change failed (ERROR); `openstack loadbalancer failover` tries again")
        ]
    return [Finding(ident, what) for what in [*_network(lb, ports), *_serving(lb)]]


def _network(lb: Any, ports: dict[str, str]) -> list[str]:
    place, differences = Place(lb.id), []
    interface = network.load(place)
    if interface is None:
        differences.append("the file that describes its interface is missing")
    if not plug.is_plugged(place):
        differences.append("its network namespace or the interface in it is missing")
    elif interface is not None:
        actual = run(plug.inside(place, "ip", "-o", "address", "show", "dev", plug.INSIDE))
        differences += [
            f"its address {each} is missing" for each in interface.addresses if f" {each} " not in actual
        ]
    if ports.get(place.name) != lb.vip.port_id:
        differences.append("its interface is not in br-int with its VIP port's id")
    return differences


def _serving(lb: Any) -> list[str]:
    place = Place(lb.id)
    graph.prune(lb)
    try:
        text, _ = balancer.wanted(lb)
    except balancer.Refused as wrong:
        return [str(wrong)]
    running = haproxy.master(place) is not None
    if text is None:
        return ["its HAProxy runs although it has nothing to serve"] if running else []
    if not running:
        return ["its HAProxy does not run"]
    if not place.config.exists() or place.config.read_text() != text:
        return ["its configuration on disk differs from the database"]
    if not place.loaded.exists() or place.loaded.read_text() != text:
        return ["its HAProxy has not loaded the configuration on disk"]
    try:
        actual = control.servers(control.execute(place.socket, "show servers state"))
    except OSError as error:
        return [f"its HAProxy does not answer: {error}"]
    return [f"its HAProxy differs: {command}" for command in control.changes(config.servers(text), actual)]


def leftovers(known: set[str], ports: dict[str, str]) -> list[Finding]:
    """Files, namespaces and OVS ports on this host that belong to no balancer in the database."""
    differences = [
        Finding(place.id, "files of a balancer that is not in the database")
        for place in places.all_on_disk()
        if place.name not in known
    ]
    owners = {place.name for place in places.all_on_disk()} | known
    differences += [
        Finding(name, "a network namespace that belongs to no balancer")
        for name in plug.namespaces()
        if name not in owners
    ]
    differences += [
        Finding(name, "a port of br-int that belongs to no balancer") for name in ports if name not in owners
    ]
    return differences


def repair(findings: list[Finding]) -> None:
    """Repair the findings; the next check reports again what could not be repaired."""
    net, reports = network.Network(), store.Reports(direct=True)
    living = set(store.living())
    for ident in dict.fromkeys(each.balancer for each in findings):
        place = Place(ident if ident in living or "-" in ident[3:] else ident.removeprefix(places.PREFIX))
        try:
            with balancer.locked(place):
                if ident in living:
                    _repair_one(ident, place, net, reports)
                else:
                    balancer.remove(place)
        except (Failed, OSError, balancer.Refused) as error:
            LOG.warning("%s: %s", ident, error)


def _repair_one(ident: str, place: Place, net: network.Network, reports: store.Reports) -> None:
    from onestack_runtime.drivers.balancer.worker import settle

    lb = store.load(ident)
    # The saved interface may itself be wrong: the port is read from Neutron, plugged and configured again.
    place.loaded.unlink(missing_ok=True)
    if lb is not None and lb.provisioning_status != "ERROR" and lb.provisioning_status not in graph.DELETE:
        plug.plug(place, net.bind(lb))
    settle(lb, ident, net, reports)
