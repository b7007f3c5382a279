"""What closes guests' outbound access is found in a firewall of the machine's own, and said."""

from __future__ import annotations

from typing import Any

import pytest

from onestack.host import egress
from onestack.host.egress import Egress

OPEN = Egress("192.0.2.1", "eth0", forwarding=True, translated=True)


def chain(name: str = "FORWARD", policy: str = "accept", **more: Any) -> dict[str, Any]:
    found = {"family": "ip", "table": "filter", "name": name, "hook": "forward", "prio": 0, "policy": policy}
    return {"chain": {**found, **more}}


def rule(
    *expr: dict[str, Any], chain: str = "FORWARD", family: str = "ip", table: str = "filter"
) -> dict[str, Any]:
    return {"rule": {"family": family, "table": table, "chain": chain, "expr": list(expr)}}


def by(interface: str) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": interface}}


ACCEPT: dict[str, Any] = {"accept": None}
REJECT: dict[str, Any] = {"reject": {"type": "icmpx"}}
COUNTER: dict[str, Any] = {"counter": {"packets": 0, "bytes": 0}}
SAID = "the firewall's table ip filter, chain FORWARD,"


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], []),
        ([chain()], []),
        ([chain(policy="drop")], [SAID]),
        ([chain(policy="drop"), rule(by("docker0"), COUNTER, ACCEPT)], [SAID]),
        ([chain(policy="drop"), rule(by("onestack-ext"), COUNTER, ACCEPT)], []),
        # Where Docker's users put theirs: a chain of the same table.
        ([chain(policy="drop"), rule(by("onestack-ext"), ACCEPT, chain="DOCKER-USER")], []),
        ([chain(policy="drop"), rule(by("onestack-ext"), REJECT)], [SAID]),
        ([chain(policy="drop"), rule(by("onestack-ext"), ACCEPT, table="other")], [SAID]),
        # firewalld: everything is accepted, and the last rule refuses what is left.
        ([chain(), rule(by("eth0"), ACCEPT), rule(COUNTER, REJECT)], [SAID]),
        ([chain(), rule(by("eth0"), REJECT)], []),
        ([chain(policy="drop", hook="input")], []),
        ([chain(policy="drop", family="ip6")], []),
        ([chain(policy="drop", family="inet", name="f")], ["the firewall's table inet filter, chain f,"]),
        (
            [
                {"metainfo": {}},
                {"table": {"name": "filter"}},
                {"chain": {"family": "ip", "table": "t", "name": "n"}},
            ],
            [],
        ),
    ],
)
def test_chains_that_drop_what_is_forwarded(listed: list[dict[str, Any]], found: list[str]) -> None:
    assert list(egress.dropping_chains(listed)) == found


@pytest.mark.parametrize(
    ("changes", "wanted", "found"),
    [
        ({}, True, []),
        ({"interface": "", "gateway": ""}, True, ["there is no default route"]),
        ({}, False, ["platform.network.external.nat is off"]),
        ({"translated": False}, True, ["the cloud's nftables table is gone (`onestack up` brings it back)"]),
        ({"forwarding": False}, True, ["IPv4 forwarding is off (`onestack up` switches it on)"]),
        ({"closed_by": (SAID,)}, True, [f"{SAID} drops forwarded packets"]),
    ],
)
def test_each_obstacle_is_said(changes: dict[str, Any], wanted: bool, found: list[str]) -> None:
    seen = Egress(**{**vars(OPEN), **changes})
    assert egress.obstacles(seen, wanted=wanted) == found


def test_who_is_told_of_a_firewall_is_told_what_to_do() -> None:
    assert egress.advice(()) == ""
    assert "onestack-ext" in egress.advice((SAID,))
