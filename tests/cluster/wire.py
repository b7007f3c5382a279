"""What joins the pretended hosts: bridges in a network namespace of their own, beside the machine's firewall.

A namespace lives as long as a process holds it; nothing is mounted or named on the machine for it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from onestack.core.wait import until
from onestack.host.command import run

from .processes import Held

BRIDGE = "wire"
GATEWAY = IPv4Interface("10.77.0.1/24")
"""The bridge's own address, and the hosts' default route: it leads no further, and says so at once."""
OUTSIDE = "outside"
ROUTER = IPv4Interface("10.77.1.1/24")
"""A second bridge, where hosts want a NIC in a network outside, and its address: the router between both."""
CLIENT = IPv4Interface("10.77.0.50/24")
"""A place in the network that is no host of the cloud."""
# Says its pid, and is nobody's child: no process of the tests has to wait for it.
DETACHED = ("setsid", "--fork", "sh", "-c", 'echo $$; exec "$@"', "sh")


def hold() -> Held:
    """A process in a new network namespace."""
    words = [*DETACHED, "unshare", "--net", "--", "sh", "-c", "echo here; exec sleep infinity >/dev/null"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        pid, here = started.stdout.readline().strip(), started.stdout.readline()
    assert here == "here\n", f"no network namespace was made: {here}"
    return Held.of(int(pid))


@dataclass(frozen=True)
class Wire:
    """The bridge, and with `routed` the network outside, to which it is a router."""

    holder: Held
    routed: bool = False

    @classmethod
    def make(cls, *, routed: bool = False) -> Wire:
        made = cls(hold(), routed)
        made.ip("link", "set", "lo", "up")
        for name, address in {BRIDGE: GATEWAY, **({OUTSIDE: ROUTER} if routed else {})}.items():
            # Of its own: else it has that of a port, and another one where that host is lost.
            made.ip("link", "add", name, "address", _card("02:76", address), "type", "bridge")
            made.ip("address", "add", str(address), "dev", name)
            made.ip("link", "set", name, "up")
        if routed:
            run(made.command(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]))
        return made

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the bridge's namespace."""
        return ["nsenter", f"--net={self.holder.namespace('net')}", "--", *argv]

    def ip(self, *words: str) -> str:
        return run(self.command(["ip", *words]))

    def plug(self, name: str, pid: int, address: IPv4Interface) -> None:
        """Give the network namespace of a process an eth0 at the bridge."""
        self._plug(_port(name), pid, "eth0", "02:77", address, BRIDGE)

    def plug_outside(self, name: str, pid: int, address: IPv4Interface) -> None:
        """Give it an eth1 at the other one, too. `address`: the one of its eth0."""
        self._plug(_port(name, OUTSIDE), pid, "eth1", "02:78", address, OUTSIDE)

    def _plug(self, port: str, pid: int, nic: str, vendor: str, address: IPv4Interface, bridge: str) -> None:
        # The same address in each life of a host, as a card has it.
        card = _card(vendor, address)
        self.ip("link", "add", port, "type", "veth", "peer", "name", nic, "address", card, "netns", str(pid))
        self.ip("link", "set", port, "master", bridge, "up")

    def unplug(self, name: str) -> None:
        """Remove both ends of each.

        The network namespace of a host that was lost may stay for minutes: the kernel still tries to send what its
        connections had left.
        """
        for port in self._of(name) if self.holder.lives else ():
            # It may go by itself meanwhile, with the last process of a host.
            run(self.command(["ip", "link", "delete", port]), check=False)
        until(
            f"the links of {name} to go",
            lambda: (not self.holder.lives or not (left := self._of(name)), str(left)),
            seconds=60,
            every=0.02,
        )

    def set_link(self, name: str, *, up: bool) -> None:
        """All of a host's links."""
        for port in self._of(name):
            self.ip("link", "set", port, "up" if up else "down")

    def _of(self, name: str) -> list[str]:
        there = self.ports()
        return [port for port in (_port(name), _port(name, OUTSIDE)) if port in there]

    def ports(self) -> list[str]:
        """The names of the interfaces in the bridge's namespace."""
        lines = Path(f"/proc/{self.holder.pid}/net/dev").read_text().splitlines()[2:]
        return [line.split(":")[0].strip() for line in lines]


def _card(vendor: str, address: IPv4Interface) -> str:
    """The MAC address of a card, by its first two bytes and the address that its owner has."""
    return vendor + ":{:02x}:{:02x}:{:02x}:{:02x}".format(*address.ip.packed)


def _port(name: str, bridge: str = BRIDGE) -> str:
    return f"{'to' if bridge == BRIDGE else 'out'}-{name}"


def join_client(wire: Wire) -> Held:
    """The client: a network namespace at the bridge, with the machine's own files."""
    made = hold()
    wire.plug("client", made.pid, CLIENT)
    for words in (
        ("address", "add", str(CLIENT), "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
        *([("route", "add", "default", "via", str(GATEWAY.ip))] if wire.routed else []),
    ):
        run(["nsenter", f"--net={made.namespace('net')}", "--", "ip", *words])
    return made
