"""Members and clients of balancers without guests: network namespaces plugged into a tenant's network.

To the network they are as a server's card is: a port with its security groups, bound to this host. They cost
nothing, so a test may have many.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack import Cloud
from onestack.core.contract import OVSDB_SOCKET
from onestack.core.wait import until

SERVER = Path(__file__).with_name("member_server.py")

_SWITCH = ("ovs-vsctl", f"--db=unix:{OVSDB_SOCKET}")


@dataclass
class Machine:
    """A network namespace with an address in a tenant's network. `programs`: what runs in it."""

    cloud: Cloud
    name: str
    address: str
    port_id: str
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        """Run a program in it until `stop`."""
        words = self.cloud.site.leader.enter(["nsenter", f"--net=/run/netns/{self.name}", "--", *argv])
        self.programs.append(subprocess.Popen(words, stdout=subprocess.DEVNULL))
        return self.programs[-1]

    def run(self, *argv: str) -> str:
        """What a program in it writes."""
        return self.cloud.site.leader.inside(["nsenter", f"--net=/run/netns/{self.name}", "--", *argv])

    def serve(self, port: int = 80, *more: str) -> None:
        """Answer HTTP with its name."""
        self.start("python3", "-c", SERVER.read_text(), self.name, str(port), *more)
        probe = ["python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"]

        def look() -> tuple[bool, str]:
            words = self.cloud.site.leader.enter(["nsenter", f"--net=/run/netns/{self.name}", "--", *probe])
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            return done.returncode == 0, done.stderr[-200:]

        until(f"{self.name} to listen on port {port}", look, seconds=30, every=0.1)

    def stop(self) -> None:
        """End what runs in it."""
        for each in self.programs:
            each.kill()
            each.wait()
        self.programs.clear()


@dataclass
class Field:
    """A tenant's network with machines in it, a router to the outside, and balancers. In the cloud's network."""

    cloud: Cloud
    admin: Connection
    name: str
    network: Any
    subnet: Any
    router: Any
    external: Any
    group: Any
    machines: list[Machine] = field(default_factory=list)
    floating_ips: list[str] = field(default_factory=list)

    def machine(self, name: str) -> Machine:
        """A namespace named `name`, plugged in."""
        proxy = self.admin.network
        port = proxy.create_port(
            name=name, network_id=self.network.id, security_group_ids=[self.group.id],
            binding_host_id=self.cloud.site.view.here.name,
        )  # fmt: skip
        address = port.fixed_ips[0]["ip_address"]
        card = f"tm{port.id[:8]}"
        inside = self.cloud.site.leader.inside
        # One that a test that was cut off left behind.
        inside(["sh", "-c", f"ip netns delete {name} 2>/dev/null || true"])
        inside(["ip", "netns", "add", name])
        mac, mtu = port.mac_address, str(self.network.mtu)
        inside(["ip", "link", "add", card, "mtu", mtu, "type", "veth", "peer", "name", "eth0",
                "address", mac, "mtu", mtu, "netns", name])  # fmt: skip
        inside(["ethtool", "-K", card, "tx", "off"])
        inside(["ip", "link", "set", card, "up"])
        made = Machine(self.cloud, name, address, port.id)
        self.machines.append(made)
        made.run("ethtool", "-K", "eth0", "tx", "off")
        made.run("ip", "link", "set", "lo", "up")
        made.run("ip", "link", "set", "eth0", "up")
        made.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        made.run("ip", "route", "add", "default", "via", self.subnet.gateway_ip)
        inside([*_SWITCH, "--may-exist", "add-port", "br-int", card, "--", "set", "Interface",
                card, f"external_ids:iface-id={port.id}"])  # fmt: skip
        return made

    def floating(self, balancer: Any, address: str | None = None) -> str:
        """A floating IP for a balancer, or for another address than its first."""
        ip = self.admin.network.create_ip(
            floating_network_id=self.external.id,
            port_id=balancer.vip_port_id,
            fixed_ip_address=address or balancer.vip_address,
        )
        self.floating_ips.append(ip.id)
        return str(ip.floating_ip_address)

    def free(self, kept: int = 0) -> None:
        """Give floating IPs back, all but the first `kept` ones: they outlive their balancer, and then nothing tells
        whose they were."""
        while len(self.floating_ips) > kept:
            self.admin.network.delete_ip(self.floating_ips.pop())

    def balancer(self, name: str = "", **more: Any) -> Any:
        """A balancer that is ACTIVE."""
        made = self.admin.load_balancer.create_load_balancer(
            name=name or self.name, vip_subnet_id=self.subnet.id, **more
        )
        return self.active(made.id)

    def active(self, ident: str, seconds: float = 60) -> Any:
        """Wait for a balancer to be ACTIVE; raises when it ends in ERROR."""
        return wait_active(self.admin, ident, seconds)

    def remove(self) -> None:
        """Take everything away."""
        for each in self.machines:
            each.stop()
        balancing = self.admin.load_balancer
        mine = [lb for lb in balancing.load_balancers() if lb.vip_subnet_id == self.subnet.id]
        for lb in mine:
            if lb.provisioning_status == "PENDING_DELETE":
                continue
            self.settled(lb.id)
            balancing.delete_load_balancer(lb.id, cascade=True)
        for lb in mine:
            self.gone(lb.id)
        network = self.admin.network
        for machine in self.machines:
            card = f"tm{machine.port_id[:8]}"
            self.cloud.site.leader.inside([*_SWITCH, "--if-exists", "del-port", card])
            self.cloud.site.leader.inside(["ip", "netns", "delete", machine.name])
            network.delete_port(machine.port_id)
        self.free()
        network.remove_interface_from_router(self.router, subnet=self.subnet.id)
        network.delete_router(self.router)
        network.delete_network(self.network)
        network.delete_security_group(self.group)

    def settled(self, ident: str) -> Any:
        """Wait until nothing is under way."""

        def look() -> tuple[bool, str]:
            now = self.admin.load_balancer.get_load_balancer(ident)
            return not now.provisioning_status.startswith("PENDING"), now.provisioning_status

        until("the balancer to settle", look, seconds=180, every=0.2)

    def gone(self, ident: str) -> None:
        """Wait until a balancer is gone."""
        wait_gone(self.admin, ident)


def wait_gone(admin: Connection, ident: str, seconds: float = 90) -> None:
    """Wait until a balancer is gone."""

    def look() -> tuple[bool, str]:
        found = [lb for lb in admin.load_balancer.load_balancers() if lb.id == ident]
        return not found, found[0].provisioning_status if found else ""

    until("the balancer to be gone", look, seconds=seconds, every=0.2)


def wait_active(admin: Connection, ident: str, seconds: float = 60) -> Any:
    """Wait for a balancer to be ACTIVE; raises when it ends in ERROR."""

    def look() -> tuple[bool, str]:
        now = admin.load_balancer.get_load_balancer(ident)
        assert now.provisioning_status != "ERROR", f"balancer {now.name} is in ERROR"
        return now.provisioning_status == "ACTIVE", now.provisioning_status

    until("the balancer to be ACTIVE", look, seconds=seconds, every=0.05)
    return admin.load_balancer.get_load_balancer(ident)


@contextmanager
def field_of(cloud: Cloud, name: str = "field", cidr: str = "10.66.0.0/24") -> Iterator[Field]:
    """A tenant's network with a router; taken away with all that is in it. In the cloud's network."""
    admin = cloud.connect()
    proxy = admin.network
    network = proxy.create_network(name=name)
    subnet = proxy.create_subnet(name=name, network_id=network.id, ip_version=4, cidr=cidr)
    external = proxy.find_network("public", ignore_missing=False)
    router = proxy.create_router(name=name, external_gateway_info={"network_id": external.id})
    proxy.add_interface_to_router(router, subnet=subnet.id)
    group = proxy.create_security_group(name=name)
    proxy.create_security_group_rule(security_group_id=group.id, direction="ingress", ethertype="IPv4")
    made = Field(cloud, admin, name, network, subnet, router, external, group)
    try:
        yield made
    finally:
        made.remove()


@contextmanager
def in_network(cloud: Cloud) -> Iterator[None]:
    """The calling thread, and those it starts, are in the cloud's network."""
    with cloud.network.entered():
        yield


def ask_haproxy(cloud: Cloud, balancer: str, command: str, which: str = "master") -> str:
    """What a balancer's HAProxy says: its `master`, or (`runtime`) the process that serves."""
    name = "lb-" + balancer.replace("-", "")[:11]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect(str(cloud.site.leader.outside(f"/run/octavia/balancers/{name}/{which}.sock")))
        sock.sendall(command.encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)
        said = b""
        while piece := sock.recv(65536):
            said += piece
    return said.decode()


def tell_haproxy(cloud: Cloud, balancer: str, command: str) -> None:
    """Do something to a balancer's HAProxy behind Octavia's back. `{first}` is its first server."""
    state = ask_haproxy(cloud, balancer, "show servers state", "runtime")
    words = next(line for line in state.splitlines()[2:] if line).split()
    said = ask_haproxy(cloud, balancer, command.format(first=f"{words[1]}/{words[3]}"), "runtime")
    assert not said.strip(), said


def get(address: str, path: str = "/", *, port: int = 80, headers: dict[str, str] | None = None,
        seconds: float = 5) -> tuple[int, str, dict[str, str]]:  # fmt: skip
    """Status, body and headers of one GET on a connection of its own. Raises OSError."""
    connection = http.client.HTTPConnection(address, port, timeout=seconds)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    finally:
        connection.close()


def who(address: str, times: int = 10, path: str = "/", **more: Any) -> list[str]:
    """Who answers, so many times."""
    return [get(address, path, **more)[1] for _ in range(times)]


def headers(address: str, **more: Any) -> dict[str, str]:
    """What a member was sent."""
    found: dict[str, str] = json.loads(get(address, "/headers", **more)[1])
    return found
