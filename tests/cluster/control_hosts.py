"""Three control hosts: their addresses, and how tests and bench/ha.py ask them."""

from __future__ import annotations

import json
from typing import Any

from cluster.cloud import status
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts

SPEC = REPOSITORY / "examples/three-control-hosts.yaml"
NAMES = {"c1": "10.77.0.11", "c2": "10.77.0.12", "c3": "10.77.0.13"}
ADDRESS = "10.77.0.10"
"""Of the APIs."""


def members(host: Host) -> dict[str, int]:
    """How many members of each infrastructure service's cluster work together, by its name."""
    return {each["service"]: each["members"] for each in status(host)["quorum"]}


def holder(hosts: Hosts) -> Host:
    """The one host whose NIC has the address of the APIs; all have it on their loopback interface."""
    found = [
        host
        for host in hosts
        if host.runs and any(_has(link) for link in json.loads(host.run("ip", "-json", "address", "show")))
    ]
    assert len(found) == 1, found
    return found[0]


def _has(link: dict[str, Any]) -> bool:
    return link["ifname"] != "lo" and any(each.get("local") == ADDRESS for each in link.get("addr_info", ()))
