"""A cloud of one host takes on another one and is left by it, while its guest serves and everything keeps its id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cluster.cloud import clear, fetch_parts, onestack, status
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.wait import until
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
GAP_SECONDS = 15.0
"""Without the announcement of floating IPs it is 29; on a machine with nothing else to do it is about 2."""
BASE = "/run/onestack/layout"
DEMO = str(REPOSITORY / "examples/demo.yaml")
# Asks ten times a second until it is told to end, and says how long nothing answered at the most.
PROBER = """
import os, sys, threading, time, urllib.request
url, out = sys.argv[1:]
answers, begun, asked = [], time.monotonic(), 0
def ask():
    try:
        urllib.request.urlopen(url, timeout=1).read()
        answers.append(time.monotonic())
    except OSError:
        pass
while not os.path.exists(out + ".end"):
    threading.Thread(target=ask, daemon=True).start()
    asked += 1
    time.sleep(max(0.0, begun + asked / 10 - time.monotonic()))
times = [begun, *sorted(answers), time.monotonic()]
open(out + ".partial", "w").write(str(max(b - a for a, b in zip(times, times[1:]))))
os.rename(out + ".partial", out)
"""
IDS = """
import json, openstack
cloud = openstack.connect()
found = {
    "server": cloud.compute.servers(all_projects=True), "flavor": cloud.compute.flavors(),
    "image": cloud.image.images(), "network": cloud.network.networks(), "subnet": cloud.network.subnets(),
    "port": cloud.network.ports(), "router": cloud.network.routers(), "floating ip": cloud.network.ips(),
    "group": cloud.network.security_groups(), "user": cloud.identity.users(),
    "project": cloud.identity.projects(), "role": cloud.identity.roles(), "service": cloud.identity.services(),
}
print(json.dumps({kind: sorted(each.id for each in those) for kind, those in found.items()}))
"""
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


@dataclass
class Grown:
    """The cloud of one host with the demo's guest. `ids`, `guest`: what they were before it grew."""

    control: Host
    url: str
    ids: dict[str, list[str]]
    guest: str

    def ask(self, program: str, *words: str) -> str:
        return onestack(self.control, "exec", "python", "-c", program, *words).strip()

    def seen(self) -> dict[str, list[str]]:
        found = json.loads(self.ask(IDS))
        assert isinstance(found, dict)
        return found

    def up(self, spec: str) -> None:
        write(self.control, "/root/cloud.yaml", spec)
        onestack(self.control, "up", "/root/cloud.yaml")

    def probe(self) -> None:
        self.control.run("rm", "-f", "/root/gap", "/root/gap.end")
        write(self.control, "/root/prober.py", PROBER)
        line = f"setsid --fork python3 /root/prober.py {self.url} /root/gap </dev/null >/dev/null 2>&1"
        self.control.run("sh", "-c", line)

    def gap(self) -> float:
        """End the prober; for how many seconds nothing answered at the most."""
        self.control.run("touch", "/root/gap.end")
        read = ("cat", "/root/gap")
        until(
            "the prober to end",
            lambda: (bool(self.control.run(*read, check=False)[:1].isdigit()), ""),
            seconds=30,
        )
        return float(self.control.run(*read))


def write(host: Host, place: str, text: str) -> None:
    host.run("python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", place, text)


def guest(host: Host) -> str:
    return host.run("pgrep", "-x", "qemu-system-x86").strip()


@pytest.fixture(scope="module")
def grown(all_hosts: Hosts) -> Iterator[Grown]:
    fetch_parts(loads(TWO))
    control = all_hosts["c1"]
    clear(all_hosts, control)
    found = Grown(control, "", {}, "")
    try:
        found.up(ONE)
        found.url = json.loads(onestack(control, "demo", "--json").splitlines()[-1])["url"]
        found.ids, found.guest = found.seen(), guest(control)
        yield found
    finally:
        onestack(control, "destroy", "--yes")
        control.run("rm", "-f", *(f"/root/{name}" for name in ("cloud.yaml", "prober.py", "gap", "gap.end")))


def test_it_takes_on_a_host_while_its_guest_serves(grown: Grown) -> None:
    control = grown.control
    before = control.run("cat", BASE)
    grown.probe()
    grown.up(TWO)
    gap = grown.gap()
    assert guest(control) == grown.guest
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
    grown.guest = guest(grown.control)


def test_back_to_one_host(grown: Grown, all_hosts: Hosts) -> None:
    control = grown.control
    grown.probe()
    onestack(control, "host", "remove", "n1", "--yes")
    gap = grown.gap()
    assert guest(control) == grown.guest
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
