"""Why a balancer or its members do not serve, by what was read of them, their ports and security groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.health.why.balancer import diagnose
from onestack.health.why.observations import (
    BalancerObservation,
    Listener,
    Member,
    MemberPort,
    Monitor,
    Pool,
    Rule,
)
from onestack.health.why.rules import admit

WEB = Rule(protocol="tcp", low=80, high=80)
AT = MemberPort("p1", "ACTIVE", groups=("web",), rules=(WEB,), server="web-1", server_status="ACTIVE")
UP = Member("web-1", "10.0.0.5", 80, "ONLINE", at=AT)
DOWN = replace(UP, status="ERROR")
POOL = Pool("web", "ONLINE", monitor=Monitor("HTTP", "/", "200"), members=(UP, replace(UP, name="web-2")))
BALANCER = BalancerObservation(
    id="b1",
    name="front",
    project="shop",
    provisioning="ACTIVE",
    status="ONLINE",
    provider="haproxy",
    vip="10.0.0.9",
    source="10.0.0.9",
    listeners=(Listener("http", "HTTP", 80, "ONLINE"),),
    pools=(POOL,),
)


def members(
    *those: Member, status: str = "ERROR", monitor: Monitor | None = POOL.monitor
) -> BalancerObservation:
    return replace(BALANCER, status=status, pools=(replace(POOL, members=those, monitor=monitor),))


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (
            replace(BALANCER, provisioning="ERROR", errors=("balancer b1: no such certificate.",)),
            "failed",
            "the last change of balancer 'front' failed: balancer b1: no such certificate",
        ),
        (
            replace(BALANCER, provisioning="PENDING_UPDATE", age=5, octavia_states={"octavia": "stopped"}),
            "service",
            "is PENDING_UPDATE since 5 s: octavia is stopped",
        ),
        (
            replace(
                BALANCER, listeners=(Listener("http", "HTTP", 80, "ONLINE", "ERROR"),), errors=("refused",)
            ),
            "failed",
            "the last change of the listener 'http' of balancer 'front' failed: refused",
        ),
        (
            replace(BALANCER, pools=(replace(POOL, provisioning="ERROR"),)),
            "failed",
            "the last change of the pool 'web' of balancer 'front' failed, and Octavia's log does not say why",
        ),
        (replace(BALANCER, provisioning="PENDING_CREATE", age=500), "stuck", "since 500 s"),
        (replace(BALANCER, enabled=False), "disabled", "is disabled"),
        (replace(BALANCER, listeners=()), "listeners", "it has no listener"),
        (
            replace(BALANCER, listeners=(Listener("http", "HTTP", 80, "OFFLINE", enabled=False),)),
            "listeners",
            "all its listeners are disabled",
        ),
        (
            replace(BALANCER, listeners=(Listener("http", "HTTP", 80, "ERROR"),)),
            "listeners",
            "does not serve at HTTP 80: the listener 'http' is ERROR",
        ),
        (members(), "members", "its pool 'web' has no members"),
        (
            members(replace(DOWN, at=replace(AT, server_status="SHUTOFF"))),
            "server",
            "serves nobody: its only member 'web-1' is ERROR: its server 'web-1' is SHUTOFF",
        ),
        (
            members(replace(DOWN, at=replace(AT, rules=(replace(WEB, low=443, high=443),)))),
            "rules",
            "its security group 'web' does not admit TCP port 80 from the balancer's address 10.0.0.9",
        ),
        (members(replace(DOWN, at=replace(AT, status="DOWN"))), "port", "its port p1 is DOWN"),
        (members(replace(DOWN, at=None)), "address", "no port of its network has its address 10.0.0.5"),
        (members(DOWN), "check", "does not pass the health monitor (HTTP /, expected: 200) at 10.0.0.5:80"),
        (
            members(DOWN, UP, status="DEGRADED"),
            "check",
            "balancer 'front' is DEGRADED: its member 'web-1' does not pass the health monitor",
        ),
        (
            members(replace(UP, status="NO_MONITOR", at=replace(AT, rules=())), monitor=None),
            "rules",
            "does not admit TCP port 80",
        ),
        (members(replace(UP, weight=0)), "weight", "has the weight 0"),
        (
            members(replace(DOWN, at=replace(AT, groups=(), rules=())), monitor=Monitor("PING")),
            "rules",
            "no security group admits the health monitor's ICMP",
        ),
    ],
)
def test_what_keeps_a_balancer_from_serving(seen: BalancerObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok) == (cause, False)
    assert words in found.verdict
    assert found.hint
    assert found.facts


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (BALANCER, "balancer 'front' is ONLINE, its 2 members are in order: nothing stands in its way"),
        (
            members(UP, replace(UP, weight=0), replace(UP, enabled=False), status="ONLINE"),
            "nothing stands in its way",
        ),
        (replace(BALANCER, provisioning="PENDING_UPDATE", age=2), "is PENDING_UPDATE since 2 s"),
        (replace(members(UP), status="DEGRADED"), "Octavia takes note in seconds"),
        (replace(BALANCER, pools=()), "without pools"),
        (
            replace(
                members(replace(UP, at=replace(AT, rules=()), status="NO_MONITOR"), status="ONLINE"),
                source="",
                provider="ovn",
            ),
            "nothing stands in its way",
        ),
    ],
)
def test_nothing_stands_in_its_way(seen: BalancerObservation, words: str) -> None:
    found = diagnose(seen)
    assert found.ok, found.verdict
    assert words in found.verdict


def test_the_rule_to_add_names_port_and_address_and_the_parts_are_told() -> None:
    closed = replace(DOWN, checked=8080, at=replace(AT, rules=()))
    found = diagnose(members(closed, replace(closed, name="web-2")))
    assert "2 of its 2 members, such as 'web-1'," in found.verdict
    assert "--dst-port 8080 --remote-ip 10.0.0.9" in found.hint
    assert [part.part for part in found.parts] == [
        "listener 'http' HTTP 80",
        "pool 'web'",
        "member 'web-1' 10.0.0.5:80",
        "member 'web-2' 10.0.0.5:80",
    ]


@pytest.mark.parametrize(
    ("rule", "admits"),
    [
        (Rule(), True),
        (WEB, True),
        (replace(WEB, low=1, high=79), False),
        (replace(WEB, protocol="6"), True),
        (replace(WEB, protocol="udp"), False),
        (replace(WEB, ethertype="IPv6"), False),
        (replace(WEB, prefix="10.0.0.0/24"), True),
        (replace(WEB, prefix="10.0.1.0/24"), False),
        (replace(WEB, group="g1"), True),
        (replace(WEB, group="g2"), False),
    ],
)
def test_a_rule_admits_or_does_not(rule: Rule, admits: bool) -> None:
    assert admit([rule], "tcp", 80, "10.0.0.9", {"g1"}) is admits


def test_icmp_has_no_port() -> None:
    assert admit([Rule(protocol="icmp")], "icmp", None, "10.0.0.9", ())
    assert not admit([WEB], "icmp", None, "10.0.0.9", ())
    assert admit([Rule(ethertype="IPv6", protocol="ipv6-icmp")], "icmp", None, "fd00::9", ())
