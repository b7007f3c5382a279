"""Why a port is DOWN or could not be bound, by what was read of it, of its host and of OVN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.health.why.observations import Agent, Claim, PortObservation
from onestack.health.why.port import diagnose
from onestack.health.why.source import rows

ONE = Agent("one", physical_networks=frozenset({"public"}))
TWO = Agent("two")
PORT = PortObservation(
    id="p1",
    name="eth0",
    project="shop",
    status="DOWN",
    owner="compute:nova",
    host="one",
    vif_type="ovs",
    addresses=("10.0.0.5",),
    network="private",
    server="web",
    server_status="ACTIVE",
    agents=(ONE, TWO),
    claim=Claim("one", up=True),
)
FAILED = replace(PORT, vif_type="binding_failed", claim=None)
PROVIDER = {"network": "wire", "physical_network": "wire"}


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (replace(PORT, agents=(TWO,)), "agent", "the host 'one' has no OVN controller"),
        (
            replace(PORT, agents=(replace(ONE, alive=False, last_seen="2026-11-28 08:00:00"), TWO)),
            "agent",
            "stays DOWN: the OVN controller of 'one' is down (last seen 2026-11-28 08:00:00)",
        ),
        (
            replace(PORT, host="two", physical_network="public", network="public"),
            "network",
            "'two' has no NIC for the physical network 'public' of the network 'public'",
        ),
        (replace(PORT, claim=Claim()), "claim", "no host has an interface with its id"),
        (replace(PORT, claim=Claim("two", True)), "claim", "another host, 'two', claimed it"),
        (replace(PORT, claim=Claim("one", False)), "claim", "has not installed its flows yet"),
        (PORT, "claim", "OVN has it up on 'one', and Neutron did not take note"),
        (replace(PORT, claim=None), "claim", "southbound database has no such port"),
        (replace(PORT, enabled=False), "disabled", "port 'eth0' is DOWN: it is disabled"),
        (
            FAILED,
            "passed",
            "Neutron could not bind port 'eth0' on the host 'one', and what prevented it is gone",
        ),
        (
            replace(FAILED, agents=(replace(ONE, alive=False),)),
            "agent",
            "Neutron could not bind port 'eth0' on the host 'one': the OVN controller of 'one' is down",
        ),
        (replace(FAILED, agents=()), "agent", "the host 'one' has no OVN controller"),
        (
            replace(FAILED, **PROVIDER),
            "network",
            "no host has a NIC for the physical network 'wire' of its network 'wire'",
        ),
        (replace(FAILED, vnic_type="direct"), "type", "it has the type 'direct'"),
        (
            replace(PORT, owner="network:router_gateway", server="", host="", **PROVIDER),
            "network",
            "a router's gateway, is DOWN: no host has a NIC for the physical network 'wire'",
        ),
    ],
)
def test_what_keeps_a_port_down(seen: PortObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok) == (cause, False)
    assert words in found.verdict
    assert found.hint
    assert found.facts


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (replace(PORT, status="ACTIVE"), "none", "is ACTIVE on the host 'one'"),
        (replace(PORT, server_status="SHUTOFF"), "off", "is DOWN since its server 'web' is SHUTOFF"),
        (replace(PORT, host="", vif_type="unbound", server=""), "unused", "no server uses it"),
        (replace(PORT, host="", vif_type="unbound"), "unused", "its server 'web' has no host"),
        (replace(PORT, owner="network:distributed"), "none", "as ports of network:distributed always are"),
    ],
)
def test_a_port_may_be_down_without_a_fault(seen: PortObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok, found.parts) == (cause, True, ())
    assert words in found.verdict


def test_each_hosts_agent_is_told_and_what_the_logs_say() -> None:
    found = diagnose(replace(FAILED, **PROVIDER, errors=("Refusing to bind port",)))
    assert [part.part for part in found.parts] == ["OVN controller of one", "OVN controller of two"]
    assert all("no NIC" in part.reasons[0] for part in found.parts)
    assert "log: Refusing to bind port" in found.facts


def test_ovns_answers_are_read() -> None:
    text = '{"data":[[["set",[]],false,"p1"],[["uuid","30b4"],true,["set",["a","b"]]]],"headings":["chassis","up"]}'
    assert rows(text) == [[None, False, "p1"], ["30b4", True, "a"]]
