"""Compares Octavia's database, the configurations on disk, and what runs; says in words what differs."""

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

PATIENCE_SECONDS = 30.0
"""How long a change may be under way without being a finding."""


@dataclass(frozen=True)
class Finding:
    """`balancer`: its id, or a name on this machine that belongs to none."""

    balancer: str
    what: str


def examine() -> tuple[int, list[Finding]]:
    """How many balancers there are, and what is wrong."""
    living = store.living()
    ports = plug.switch_ports()
    found = [finding for ident in living for finding in of_one(ident, ports)]
    return len(living), found + leftovers({Place(each).name for each in living}, ports)


def of_one(ident: str, ports: dict[str, str]) -> list[Finding]:
    """What is wrong with one balancer."""
    lb = store.load(ident)
    if lb is None or lb.provisioning_status == "DELETED":
        return []
    if lb.provisioning_status.startswith("PENDING_"):
        since = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - (lb.updated_at or lb.created_at)
        if since.total_seconds() < PATIENCE_SECONDS:
            return []
        return [Finding(ident, f"{lb.provisioning_status} for {since.total_seconds():.0f} s")]
    if lb.provisioning_status == "ERROR":
        return [
            Finding(ident, "its last change failed (ERROR); `openstack loadbalancer failover` tries again")
        ]
    return [Finding(ident, what) for what in [*_network(lb, ports), *_serving(lb)]]


def _network(lb: Any, ports: dict[str, str]) -> list[str]:
    place, found = Place(lb.id), []
    card = network.recall(place)
    if card is None:
        found.append("what its network card is like is not noted")
    if not plug.is_plugged(place):
        found.append("its network namespace or the interface in it is missing")
    elif card is not None:
        there = run(plug.inside(place, "ip", "-o", "address", "show", "dev", plug.INSIDE))
        found += [f"its address {each} is missing" for each in card.addresses if f" {each} " not in there]
    if ports.get(place.name) != lb.vip.port_id:
        found.append("its interface is not plugged into the switch as its VIP port")
    return found


def _serving(lb: Any) -> list[str]:
    place = Place(lb.id)
    graph.prune(lb)
    try:
        text, _ = balancer.wanted(lb)
    except balancer.Wrong as wrong:
        return [str(wrong)]
    runs = haproxy.master(place) is not None
    if text is None:
        return ["its HAProxy runs with nothing to serve"] if runs else []
    if not runs:
        return ["its HAProxy does not run"]
    if not place.config.exists() or place.config.read_text() != text:
        return ["its configuration on disk is not what the database says"]
    if not place.loaded.exists() or place.loaded.read_text() != text:
        return ["its HAProxy was not told the configuration on disk"]
    try:
        there = control.servers(control.ask(place.socket, "show servers state"))
    except OSError as error:
        return [f"its HAProxy does not answer: {error}"]
    return [f"its HAProxy differs: {command}" for command in control.changes(config.servers(text), there)]


def leftovers(known: set[str], ports: dict[str, str]) -> list[Finding]:
    """What is on this machine of balancers that are not in the database."""
    found = [
        Finding(place.id, "files of a balancer that is not in the database")
        for place in places.all_on_disk()
        if place.name not in known
    ]
    disk = {place.name for place in places.all_on_disk()} | known
    found += [
        Finding(name, "a network namespace of no balancer") for name in plug.namespaces() if name not in disk
    ]
    found += [Finding(name, "a port of the switch of no balancer") for name in ports if name not in disk]
    return found


def mend(findings: list[Finding]) -> None:
    """Have right what was found wrong; what cannot be is found again by the next look."""
    net, reports = network.Network(), store.Reports(direct=True)
    living = set(store.living())
    for ident in dict.fromkeys(each.balancer for each in findings):
        place = Place(ident if ident in living or "-" in ident[3:] else ident.removeprefix(places.PREFIX))
        try:
            with balancer.held(place):
                if ident in living:
                    _mend_one(ident, place, net, reports)
                else:
                    balancer.remove(place)
        except (Failed, OSError, balancer.Wrong) as error:
            LOG.warning("%s: %s", ident, error)


def _mend_one(ident: str, place: Place, net: network.Network, reports: store.Reports) -> None:
    from onestack_runtime.drivers.balancer.worker import settle

    lb = store.load(ident)
    # What was noted may be what is wrong: Neutron is asked again, everything is plugged and told anew.
    place.loaded.unlink(missing_ok=True)
    if lb is not None and lb.provisioning_status != "ERROR" and lb.provisioning_status not in graph.DELETE:
        plug.plug(place, net.bind(lb))
    settle(lb, ident, net, reports)
