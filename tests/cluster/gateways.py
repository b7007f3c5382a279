"""A cloud on three control hosts with an external network that has a router of its own, two guests in it, and how
they are asked from the client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cluster.cloud import onestack
from cluster.host import Host
from cluster.hosts import Hosts
from cluster.wire import ROUTER
from onestack.core.wait import until
from onestack.platform.infrastructure.ovn_databases import SOUTH_CTL

SPEC = f"""\
version: 1
name: routed
platform:
  address: 10.77.0.10
  services: [compute]
  network:
    external: {{cidr: {ROUTER.network}, gateway: {ROUTER.ip}, interface: eth1, router: outside}}
hosts:
  - {{name: c1, address: 10.77.0.11, roles: [control, network]}}
  - {{name: c2, address: 10.77.0.12, roles: [control, network]}}
  - {{name: c3, address: 10.77.0.13, roles: [control, compute]}}
"""
"""The guests' host does not reach the external network: their floating IPs are where their router's gateway is."""
FILE = "/root/routed.yaml"
"""Where the leader has it."""
EVERYWHERE = SPEC.replace("[control, compute]", "[control, network, compute]")
"""It does: their floating IPs are on it."""
ASKER = Path(__file__).with_name("asker.py")
EVERY = 0.1
"""Seconds between two questions to a floating IP."""
CALM = 2.0
"""Seconds of answers after which a floating IP is taken to answer."""
# Prints for each guest its floating IP, and OVN's name of its router's gateway.
MAKE = """
import json, openstack
cloud = openstack.connect()
network, compute = cloud.network, cloud.compute
public = network.find_network("public")
group = network.create_security_group(name="asked")
network.create_security_group_rule(security_group_id=group.id, direction="ingress", protocol="icmp")
made, servers = [], []
for number in (1, 2):
    inner = network.create_network(name=f"inner-{number}")
    subnet = network.create_subnet(network_id=inner.id, ip_version=4, cidr=f"192.168.{number}.0/24")
    router = network.create_router(name=f"r{number}", external_gateway_info={"network_id": public.id})
    network.add_interface_to_router(router.id, subnet_id=subnet.id)
    port = network.create_port(network_id=inner.id, security_group_ids=[group.id])
    address = network.create_ip(floating_network_id=public.id, port_id=port.id).floating_ip_address
    gateway, = network.ports(device_id=router.id, device_owner="network:router_gateway")
    made.append({"address": address, "gateway": f"cr-lrp-{gateway.id}"})
    servers.append(compute.create_server(
        name=f"guest-{number}", image_id=next(cloud.image.images(name="tiny")).id,
        flavor_id=compute.find_flavor("m1.nano").id, networks=[{"port": port.id}],
    ))
for server in servers:
    compute.wait_for_server(server, wait=240)
print(json.dumps(made))
"""


@dataclass(frozen=True)
class Guest:
    """`address`: its floating IP. `gateway`: OVN's name of its router's gateway port."""

    address: str
    gateway: str


def up(hosts: Hosts, spec: str = SPEC) -> None:
    """Bring the cloud up with this spec."""
    hosts["c1"].run("python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", FILE, spec)
    onestack(hosts["c1"], "up", FILE)


def make(host: Host) -> list[Guest]:
    """Two guests, each behind a router of its own."""
    said = onestack(host, "exec", "python", "-c", MAKE).strip().splitlines()[-1]
    return [Guest(**each) for each in json.loads(said)]


def inside(host: Host, *words: str) -> str:
    """What a program of the cloud's base says on a host."""
    return host.run("nsenter", "--mount=/run/onestack/ns/mnt", *words).strip()


def active(host: Host, guest: Guest) -> str:
    """The host with the active gateway of a guest's router, as OVN's southbound database has it on a control host;
    empty while none has it."""
    find = ("find", "Port_Binding", f"logical_port={guest.gateway}")
    chassis = inside(host, *SOUTH_CTL, "--bare", "--columns=chassis", *find)
    return inside(host, *SOUTH_CTL, "--bare", "--columns=name", "list", "Chassis", chassis) if chassis else ""


@dataclass(frozen=True)
class Asked:
    """What the client has heard of a floating IP so far."""

    record: Path

    def answers(self) -> list[float]:
        """When it answered, in seconds since the epoch."""
        return [float(line) for line in self.record.read_text().split("\n")[:-1]]

    def longest(self) -> float:
        """The longest time without an answer between two, in seconds."""
        there = self.answers()
        return max((b - a for a, b in pairwise(there)), default=0.0)

    def wait(self, what: str, seconds: float) -> None:
        """Until it has answered from now on for a while without a break. Raises Unready."""
        begun = time.time()

        def calm() -> tuple[bool, str]:
            since = time.time() - CALM
            recent = [each for each in self.answers() if each > since]
            enough = since > begun and len(recent) > CALM / EVERY * 0.8
            return enough, f"{len(recent)} answers in {CALM} s"

        until(what, calm, seconds=seconds, every=0.2)


@contextmanager
def asking(hosts: Hosts, guests: list[Guest], folder: Path) -> Iterator[list[Asked]]:
    """Ask the guests' floating IPs again and again from the client."""
    started = []
    found = []
    try:
        for guest in guests:
            record = folder / guest.address
            words = (sys.executable, "-I", "-S", str(ASKER), guest.address, str(EVERY))
            with record.open("w") as out:
                started.append(subprocess.Popen(hosts.client_command(words), stdout=out))
            found.append(Asked(record))
        yield found
    finally:
        for each in started:
            each.terminate()
            each.wait(10)
