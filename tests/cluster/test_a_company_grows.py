"""The acme example's cloud grows from one host to three and back, while all of its servers serve."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from cluster.cloud import clear, fetch_parts, onestack, status
from cluster.growing import GAP_SECONDS, SPEC_FILE, Grown, Prober, guests
from cluster.host import REPOSITORY
from cluster.hosts import Hosts
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

_log = logging.getLogger("cluster")
ONE = f"""\
{(REPOSITORY / "examples/acme.yaml").read_text()}
platform: {{exclude: [dashboard, block-storage, load-balancer]}}
hosts:
  - {{name: c1, address: 10.77.0.11, roles: [control, network, compute]}}
"""
THREE = f"""{ONE}\
  - {{name: n1, address: 10.77.0.21, roles: [compute]}}
  - {{name: n2, address: 10.77.0.22, roles: [compute]}}
"""
SERVERS = """
import json, openstack
cloud = openstack.connect()
servers = list(cloud.compute.servers(all_projects=True))
addresses = [each.floating_ip_address for each in cloud.network.ips() if each.port_id]
print(json.dumps({"hosts": {each.name: each.compute_host for each in servers}, "addresses": sorted(addresses)}))
"""
# Arguments: hosts. Each of the servers moves to one of them, in turn.
SPREAD = """
import sys, time, openstack
cloud = openstack.connect()
for number, server in enumerate(sorted(cloud.compute.servers(all_projects=True), key=lambda each: each.name)):
    to = sys.argv[1:][number % len(sys.argv[1:])]
    cloud.compute.live_migrate_server(server, host=to, block_migration="auto")
    while True:
        server = cloud.compute.get_server(server)
        if server.task_state is None and server.compute_host == to:
            break
        assert server.status != "ERROR", server.fault
        time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def acme(all_hosts: Hosts) -> Iterator[Grown]:
    fetch_parts(loads(THREE))
    control = all_hosts["c1"]
    clear(all_hosts, control)
    found = Grown(control, [], {}, "")
    try:
        found.up(ONE)
        addresses = json.loads(found.ask(SERVERS))["addresses"]
        found.probers = [
            Prober(control, f"http://{address}/", f"gap-{number}") for number, address in enumerate(addresses)
        ]
        for each in found.probers:
            words = (
                "curl",
                "--silent",
                "--fail",
                "--retry-all-errors",
                "--retry",
                "60",
                "--retry-delay",
                "1",
            )
            control.run(*words, each.url)
        found.ids, found.guests = found.seen(), guests(control)
        yield found
    finally:
        found.clear()


def placed(acme: Grown) -> dict[str, str]:
    """The host of each server, by the server's name."""
    found = json.loads(acme.ask(SERVERS))["hosts"]
    assert isinstance(found, dict)
    return found


def unchanged(acme: Grown) -> None:
    assert acme.seen() == acme.ids
    assert "No changes" in onestack(acme.control, "plan", SPEC_FILE)
    found = status(acme.control)
    assert found["health"] == "healthy", found["reasons"]


def test_two_hosts_join_while_all_serve(acme: Grown) -> None:
    assert len(acme.probers) >= 3
    acme.probe()
    acme.up(THREE)
    gap = acme.gap()
    _log.info("two hosts joined: without an answer for %.1f s", gap)
    assert gap < GAP_SECONDS
    assert guests(acme.control) == acme.guests
    unchanged(acme)


def test_a_drained_host_has_no_servers(acme: Grown) -> None:
    acme.probe()
    acme.ask(SPREAD, "n1", "n2")
    assert {*placed(acme).values()} == {"n1", "n2"}
    onestack(acme.control, "host", "drain", "n2")
    assert "n2" not in placed(acme).values()
    gap = acme.gap()
    _log.info("moved, and one host drained: without an answer for %.1f s", gap)
    assert gap < GAP_SECONDS
    unchanged(acme)


def test_back_to_one_host(acme: Grown, all_hosts: Hosts) -> None:
    acme.probe()
    for name in ("n2", "n1"):
        onestack(acme.control, "host", "remove", name, "--yes")
        assert all_hosts[name].changes() == {}
    gap = acme.gap()
    _log.info("back to one host: without an answer for %.1f s", gap)
    assert gap < GAP_SECONDS
    assert {*placed(acme).values()} == {"c1"}
    # What is left of the spec is its one host.
    acme.up(ONE)
    unchanged(acme)
