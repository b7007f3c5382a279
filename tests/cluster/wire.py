"""What joins the pretended hosts: a bridge in a network namespace of its own, beside the machine's firewall.

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
    """The bridge."""

    holder: Held

    @classmethod
    def make(cls) -> Wire:
        made = cls(hold())
        made.ip("link", "add", BRIDGE, "type", "bridge")
        made.ip("address", "add", str(GATEWAY), "dev", BRIDGE)
        made.ip("link", "set", BRIDGE, "up")
        made.ip("link", "set", "lo", "up")
        return made

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the bridge's namespace."""
        return ["nsenter", f"--net={self.holder.namespace('net')}", "--", *argv]

    def ip(self, *words: str) -> str:
        return run(self.command(["ip", *words]))

    def plug(self, name: str, pid: int, address: IPv4Interface) -> None:
        """Give the network namespace of a process an eth0 at the bridge."""
        port = _port(name)
        # The same address in each life of a host, as a card has it.
        card = "02:77:{:02x}:{:02x}:{:02x}:{:02x}".format(*address.ip.packed)
        self.ip(
            "link", "add", port, "type", "veth", "peer", "name", "eth0", "address", card, "netns", str(pid)
        )
        self.ip("link", "set", port, "master", BRIDGE, "up")

    def unplug(self, name: str) -> None:
        """Remove both ends.

        The network namespace of a host that was lost may stay for minutes: the kernel still tries to send what its
        connections had left.
        """
        if self.holder.lives and _port(name) in self.ports():
            # It may go by itself meanwhile, with the last process of a host.
            run(self.command(["ip", "link", "delete", _port(name)]), check=False)
            until(
                f"{_port(name)} to go", lambda: (_port(name) not in self.ports(), ""), seconds=60, every=0.02
            )

    def set_link(self, name: str, *, up: bool) -> None:
        self.ip("link", "set", _port(name), "up" if up else "down")

    def ports(self) -> list[str]:
        """The names of the interfaces in the bridge's namespace."""
        lines = Path(f"/proc/{self.holder.pid}/net/dev").read_text().splitlines()[2:]
        return [line.split(":")[0].strip() for line in lines]


def _port(name: str) -> str:
    return f"to-{name}"


def join_client(wire: Wire) -> Held:
    """The client: a network namespace at the bridge, with the machine's own files."""
    made = hold()
    wire.plug("client", made.pid, CLIENT)
    for words in (
        ("address", "add", str(CLIENT), "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        run(["nsenter", f"--net={made.namespace('net')}", "--", "ip", *words])
    return made
