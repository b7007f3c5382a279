"""What HAProxy cannot do is refused in words; what octavia-lib leaves unset is not looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime.drivers.balancer import refusals

UNSET = object()


def thing(**words: Any) -> Any:
    every = dict.fromkeys(
        ("protocol", "lb_algorithm", "alpn_protocols", "type", "healthmonitor", "members"), UNSET
    )
    return SimpleNamespace(**{**every, **words})


@pytest.mark.parametrize("protocol", ["TCP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "PROMETHEUS"])
def test_listeners_that_can_be(protocol: str) -> None:
    assert refusals.listener(thing(protocol=protocol, alpn_protocols=["h2", "http/1.1"])) is None


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_listeners_that_cannot_be(protocol: str) -> None:
    assert (
        refusals.listener(thing(protocol=protocol))
        == f"HAProxy does not carry {protocol}; the provider ovn does"
    )


def test_pools() -> None:
    assert refusals.pool(thing(protocol="PROXYV2", lb_algorithm="LEAST_CONNECTIONS")) is None
    assert refusals.pool(thing()) is None, "an update that changes nothing of this"
    assert "SOURCE_IP_PORT" in str(refusals.pool(thing(protocol="TCP", lb_algorithm="SOURCE_IP_PORT")))
    assert "h3" in str(refusals.pool(thing(protocol="HTTP", alpn_protocols=["h3"])))
    inner = thing(protocol="TCP", healthmonitor=thing(type="UDP-CONNECT"))
    assert "UDP-CONNECT" in str(refusals.pool(inner))


def test_monitors_members_policies_rules_flavors() -> None:
    assert refusals.monitor(thing(type="TLS-HELLO")) is None
    assert "SCTP" in str(refusals.monitor(thing(type="SCTP")))
    assert "direct" in str(refusals.member(thing(vnic_type="direct")))
    assert refusals.member(thing(vnic_type="normal")) is None
    assert refusals.policy("TERMINATED_HTTPS") is None
    assert "TCP listeners have no L7 policies" in str(refusals.policy("TCP"))
    assert "one line" in str(refusals.rule(thing(key=None, value="/a\nuse_backend x")))
    assert refusals.rule(thing(key=UNSET, value="/a b")) is None
    assert refusals.flavor({}) is None
    assert refusals.flavor({"loadbalancer_topology": "SINGLE"}) is None
    assert "not ACTIVE_STANDBY" in str(refusals.flavor({"loadbalancer_topology": "ACTIVE_STANDBY"}))
    assert "compute_flavor" in str(refusals.flavor({"compute_flavor": "1"}))
    assert refusals.zone({"compute_zone": "nova"}) is None
    assert "not east" in str(refusals.zone({"compute_zone": "east"}))
