"""Collects what `port.diagnose` needs, from Neutron, Nova and OVN's southbound database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onestack.health.why import find
from onestack.health.why.observations import Agent, PortObservation
from onestack.health.why.source import Source
from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import Rest

_OVN = ("OVN Controller agent", "OVN Controller Gateway agent")
_SERVER_OWNER = "compute:"


def observe(source: Source, word: str, project: str | None) -> PortObservation:
    """The port that is called `word`, or has that id or address. Raises BadInput, OneStackError."""
    network, names = source.rest("network"), find.projects(source.admin)
    found = {
        port["id"]: port
        for key, value in (("id", word), ("name", word), ("fixed_ips", f"ip_address={word}"))
        for port in network.all("/ports", "ports", **{key: value})
    }
    rows = [{**port, "name": word} if word in _addresses(port) else port for port in found.values()]
    named = find.one("port", rows, word, project, names, "openstack port list --long")
    port = found[named["id"]]
    of = network.get(f"/networks/{port['network_id']}")["network"]
    server = _server(source.rest("compute"), port)
    return PortObservation(
        id=port["id"],
        name=port["name"],
        project=names.get(find.of_project(port), find.of_project(port) or "-"),
        status=port["status"],
        enabled=port["admin_state_up"],
        owner=port.get("device_owner") or "",
        host=port.get("binding:host_id") or "",
        vif_type=port.get("binding:vif_type") or "",
        vnic_type=port.get("binding:vnic_type") or "normal",
        addresses=tuple(_addresses(port)),
        network=of["name"],
        physical_network=of.get("provider:physical_network") or "",
        server=server.get("name", ""),
        server_status=server.get("status", ""),
        agents=tuple(agents(network)),
        claim=source.claim(port["id"]),
        errors=find.problems(source.logs, ("neutron", "nova"), (port["id"],)),
    )


def agents(network: Rest) -> Iterator[Agent]:
    """The OVN controllers of all hosts, by host."""
    found = (each for each in network.all("/agents", "agents") if each["agent_type"] in _OVN)
    for each in sorted(found, key=lambda agent: (len(agent["host"]), agent["host"])):
        mappings = str((each.get("configurations") or {}).get("bridge-mappings") or "")
        yield Agent(
            each["host"],
            bool(each["alive"]),
            str(each.get("heartbeat_timestamp") or "").partition(".")[0],
            frozenset(one.partition(":")[0] for one in mappings.split(",") if one),
        )


def _addresses(port: Mapping[str, Any]) -> list[str]:
    return [each["ip_address"] for each in port["fixed_ips"]]


def _server(compute: Rest, port: Mapping[str, Any]) -> dict[str, Any]:
    """The server that a port belongs to; empty for a port of something else, or of a server that is gone."""
    if not str(port.get("device_owner") or "").startswith(_SERVER_OWNER) or not port.get("device_id"):
        return {}
    try:
        found: dict[str, Any] = compute.get(f"/servers/{port['device_id']}")["server"]
    except Fault as fault:
        if fault.status != 404:
            raise
        return {"name": port["device_id"], "status": "deleted"}
    return found
