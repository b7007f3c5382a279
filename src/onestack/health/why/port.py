"""Why a port is DOWN or could not be bound: one sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from onestack.health.why.model import Diagnosis, Part
from onestack.health.why.observations import Agent, PortObservation

_BINDING_FAILED = "binding_failed"
_UNBOUND = ("", "unbound")
_RUNNING = ("ACTIVE", "BUILD", "REBOOT", "HARD_REBOOT", "PAUSED", "MIGRATING", "VERIFY_RESIZE", "PASSWORD")
"""Statuses of a server in which it has its interfaces, or is about to."""
_EVERYWHERE = ("network:distributed", "network:floatingip", "network:router_interface_distributed")
"""Owners whose ports are on every host or on none: they are never bound, and stay DOWN."""
_GATEWAY = "network:router_gateway"
_AGENTS = "onestack status; `openstack network agent list` names the hosts' OVN controllers"
_BIND_AGAIN = "then bind it again: `openstack server remove port`, `openstack server add port`"
_Answer = tuple[str, str, str]
"""(cause, verdict, hint)"""


def diagnose(observed: PortObservation) -> Diagnosis:
    """The diagnosis of a port; it may be that nothing is wrong."""
    cause, verdict, hint = _cause(observed)
    fine = cause in ("none", "unused", "off")
    return Diagnosis(
        f"port {observed.project}/{observed.name or observed.id}",
        observed.status,
        cause,
        verdict,
        hint,
        facts=() if cause == "none" else tuple(_facts(observed)),
        parts=() if fine else tuple(_part(agent, observed) for agent in observed.agents),
    )


def _cause(observed: PortObservation) -> _Answer:
    name = f"port '{observed.name or observed.id}'"
    if observed.vif_type == _BINDING_FAILED:
        return _unbindable(observed, name)
    if not observed.enabled:
        return (
            "disabled",
            f"{name} is {observed.status}: it is disabled",
            f"openstack port set --enable {observed.id}",
        )
    if observed.status == "ACTIVE":
        where = f" on the host '{observed.host}'" if observed.host else ""
        return "none", f"{name} is ACTIVE{where}: nothing stands in its way", ""
    if observed.owner in _EVERYWHERE:
        return "none", f"{name} is {observed.status}, as ports of {observed.owner} always are", ""
    if observed.owner == _GATEWAY:
        return _gateway(observed, name)
    if observed.server and observed.server_status not in _RUNNING:
        verdict = (
            f"{name} is {observed.status} since its server '{observed.server}' is {observed.server_status}"
        )
        return "off", verdict, f"onestack why server {observed.server}"
    if observed.vif_type in _UNBOUND or not observed.host:
        used = f"its server '{observed.server}' has no host" if observed.server else "no server uses it"
        return "unused", f"{name} is {observed.status} since it is not bound to a host: {used}", ""
    return _not_up(observed, name)


def _gateway(observed: PortObservation, name: str) -> _Answer:
    if problem := _no_host_has(observed):
        return "network", f"{name}, a router's gateway, is {observed.status}: {problem}", _AGENTS
    alive = [each.host for each in observed.agents if each.alive]
    if not alive:
        return (
            "agent",
            f"{name}, a router's gateway, is {observed.status}: no OVN controller is alive",
            _AGENTS,
        )
    return "claim", f"{name}, a router's gateway, is {observed.status}: {_claimed(observed)}", _logs(observed)


def _unbindable(observed: PortObservation, name: str) -> _Answer:
    at = f" on the host '{observed.host}'" if observed.host else ""
    could_not = f"Neutron could not bind {name}{at}"
    if problem := _no_host_has(observed):
        return "network", f"{could_not}: {problem}", _AGENTS
    if problem := "; ".join(_host(observed)):
        return _cause_at_host(observed), f"{could_not}: {problem}", f"{_AGENTS}; {_BIND_AGAIN}"
    if observed.vnic_type != "normal":
        verdict = f"{could_not}: it has the type '{observed.vnic_type}', which the host's OVN does not offer"
        return "type", verdict, "create a port of the type 'normal'"
    verdict = f"{could_not}, and what prevented it is gone: its OVN controller is alive now"
    return "passed", verdict, f"{_BIND_AGAIN}, or delete the server and create it again"


def _not_up(observed: PortObservation, name: str) -> _Answer:
    down = f"{name} is bound to the host '{observed.host}' and stays {observed.status}"
    if problem := "; ".join(_host(observed)):
        return _cause_at_host(observed), f"{down}: {problem}", _AGENTS
    return "claim", f"{down}: {_claimed(observed)}", _logs(observed)


def _claimed(observed: PortObservation) -> str:
    """What OVN says of a port that Neutron has as DOWN, although all agents that it needs are alive."""
    claim = observed.claim
    if claim is None:
        return "OVN's southbound database has no such port, or could not be read"
    if not claim.chassis:
        return "no host has an interface with its id (OVS's external_ids:iface-id), so no OVN controller claimed it"
    if observed.host and claim.chassis != observed.host:
        return f"the OVN controller of another host, '{claim.chassis}', claimed it"
    if not claim.up:
        return f"the OVN controller of '{claim.chassis}' claimed it and has not installed its flows yet"
    return f"OVN has it up on '{claim.chassis}', and Neutron did not take note"


def _logs(observed: PortObservation) -> str:
    if observed.claim is not None and observed.claim.up:
        return "onestack logs neutron"
    where = f" --host {observed.host}" if len(observed.agents) > 1 and observed.host else ""
    return f"onestack logs ovn-controller{where}; onestack logs ovs-vswitchd{where}"


def _of(observed: PortObservation) -> Agent | None:
    return next((each for each in observed.agents if each.host == observed.host), None)


def _cause_at_host(observed: PortObservation) -> str:
    agent = _of(observed)
    return "network" if agent and agent.alive else "agent"


def _no_host_has(observed: PortObservation) -> str:
    """Says so if no host is connected to the port's physical network."""
    wanted = observed.physical_network
    if not wanted or any(wanted in each.physical_networks for each in observed.agents):
        return ""
    return (
        f"no host has a NIC for the physical network '{wanted}' of its network '{observed.network}'"
        if observed.agents
        else "no host has an OVN controller"
    )


def _host(observed: PortObservation) -> Iterator[str]:
    """What is wrong with the host that the port is bound to."""
    if not observed.host:
        return
    agent = _of(observed)
    if agent is None:
        yield f"the host '{observed.host}' has no OVN controller"
        return
    yield from _reasons(agent, observed.physical_network, observed.network)


def _reasons(agent: Agent, physical_network: str, network: str) -> Iterator[str]:
    if not agent.alive:
        seen = f" (last seen {agent.last_seen})" if agent.last_seen else ""
        yield f"the OVN controller of '{agent.host}' is down{seen}"
    if physical_network and physical_network not in agent.physical_networks:
        yield f"'{agent.host}' has no NIC for the physical network '{physical_network}' of the network '{network}'"


def _part(agent: Agent, observed: PortObservation) -> Part:
    state = "up" if agent.alive else "down"
    return Part(
        f"OVN controller of {agent.host}",
        state,
        tuple(_reasons(agent, observed.physical_network, observed.network)),
    )


def _facts(observed: PortObservation) -> Iterator[str]:
    physical = f" (physical network '{observed.physical_network}')" if observed.physical_network else ""
    yield f"network: '{observed.network}'{physical}, addresses: {', '.join(observed.addresses) or 'none'}"
    if observed.owner:
        server = f", server '{observed.server}' ({observed.server_status})" if observed.server else ""
        yield f"used by: {observed.owner}{server}"
    if observed.vif_type:
        yield f"binding: {observed.vif_type}, type {observed.vnic_type}"
    yield from (f"log: {error}" for error in observed.errors)
