"""A cloud of one host takes on another one and is left by it, while its guest serves and everything keeps its id."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.cloud import clear, fetch_parts, onestack, status
from cluster.growing import DEMO, GAP_SECONDS, Grown, Prober, guests
from cluster.hosts import Hosts
from onestack.spec import loads

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

ONE = """\
version: 1
name: growing
platform: {exclude: [dashboard, block-storage, load-balancer]}
hosts:
  - {name: c1, address: 10.77.0.11, roles: [control, network, compute]}
"""
TWO = f"{ONE}  - {{name: n1, address: 10.77.0.21, roles: [compute]}}\n"
BASE = "/run/onestack/layout"
# One argument: a host. The only server moves there.
MOVE = """
import sys, time, openstack
cloud = openstack.connect()
(server,) = cloud.compute.servers(all_projects=True)
cloud.compute.live_migrate_server(server, host=sys.argv[1], block_migration="auto")
while True:
    server = cloud.compute.get_server(server)
    if server.task_state is None and server.compute_host == sys.argv[1]:
        break
    assert server.status != "ERROR", server.fault
    time.sleep(0.5)
print(server.status)
"""
NEW = """
import sys, openstack
cloud = openstack.connect()
(network,) = cloud.network.networks(name="inside")
image = next(cloud.image.images())
made = cloud.compute.create_server(
    name="new", image_id=image.id, flavor_id=cloud.compute.find_flavor("m1.tiny").id,
    networks=[{"uuid": network.id}], availability_zone="nova:" + sys.argv[1],
)
made = cloud.compute.wait_for_server(made, wait=300)
print(made.compute_host, made.status)
cloud.compute.delete_server(made)
cloud.compute.wait_for_delete(made)
"""


@pytest.fixture(scope="module")
def grown(all_hosts: Hosts) -> Iterator[Grown]:
    fetch_parts(loads(TWO))
    control = all_hosts["c1"]
    clear(all_hosts, control)
    found = Grown(control, [], {}, "")
    try:
        found.up(ONE)
        found.probers = [
            Prober(control, json.loads(onestack(control, "demo", "--json").splitlines()[-1])["url"])
        ]
        found.ids, found.guests = found.seen(), guests(control)
        yield found
    finally:
        found.clear()


def test_it_takes_on_a_host_while_its_guest_serves(grown: Grown) -> None:
    control = grown.control
    before = control.run("cat", BASE)
    grown.probe()
    grown.up(TWO)
    gap = grown.gap()
    assert guests(control) == grown.guests
    assert gap < GAP_SECONDS, f"the guest did not answer for {gap:.1f} s"
    assert control.run("cat", BASE) == before
    assert grown.seen() == grown.ids
    found = status(control)
    assert found["health"] == "healthy", found["reasons"]
    assert {each["host"] for each in found["workers"] if each["kind"] == "nova-compute"} == {"c1", "n1"}
    assert "No changes" in onestack(control, "plan", DEMO)


def test_guests_of_before_move_and_new_ones_start_there(grown: Grown) -> None:
    assert grown.ask(NEW, "n1").split() == ["n1", "ACTIVE"]
    grown.probe()
    assert grown.ask(MOVE, "n1") == "ACTIVE"
    assert grown.ask(MOVE, "c1") == "ACTIVE"
    assert grown.gap() < GAP_SECONDS
    grown.guests = guests(grown.control)


def test_back_to_one_host(grown: Grown, all_hosts: Hosts) -> None:
    control = grown.control
    grown.probe()
    onestack(control, "host", "remove", "n1", "--yes")
    gap = grown.gap()
    assert guests(control) == grown.guests
    assert gap < GAP_SECONDS, f"the guest did not answer for {gap:.1f} s"
    assert all_hosts["n1"].changes() == {}
    assert grown.seen() == grown.ids
    found = status(control)
    assert found["health"] == "healthy", found["reasons"]
    assert not {"rabbitmq", "epmd"} & {each["name"] for each in found["processes"]}
    assert control.run("ls", "/run/onestack/ns").split() == ["mnt"]
    # The NIC has its addresses again, and the switch no longer has it.
    assert "10.77.0.11" in control.run("ip", "-brief", "address", "show", "eth0")
    assert "onestack-phys" not in control.run("ip", "-brief", "link")
    assert "No changes" in onestack(control, "plan", DEMO)
