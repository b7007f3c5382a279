"""Which guests of a host ended without anybody wanting it: their QEMU is gone, or did not start.

Nova does not tell: by its sync of power states such a guest becomes SHUTOFF, as one does that was shut down in order.
libvirt knows the reason.
"""

from __future__ import annotations

from onestack.platform.node import Node

VIRSH = ("virsh", "--connect", "qemu:///system", "--quiet")
STATES = (*VIRSH, "domstats", "--raw", "--state", "--list-inactive")
NAMES = (*VIRSH, "list", "--inactive", "--uuid", "--name")
"""A domain's UUID is its server's id."""
SECONDS = 10.0
"""How long libvirtd may take to answer."""
SHUTOFF, CRASHED, FAILED = "5", "3", "6"
"""A domain's state; and of those that are shut off, the reasons: its process ended, or it could not be started."""
MOST = 50
"""How many guests are named at a time: a lease is no list."""


def parse(states: str, names: str) -> tuple[str, ...]:
    """The ids of guests that ended so, from what `STATES` and `NAMES` write. Pure."""
    facts: dict[str, dict[str, str]] = {}
    now: dict[str, str] = {}
    for line in map(str.strip, states.splitlines()):
        if line.startswith("Domain:"):
            now = facts.setdefault(line.partition("'")[2].rpartition("'")[0], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            now[key] = value
    rows = (line.split(maxsplit=1) for line in names.splitlines())
    idents = {row[1].strip(): row[0] for row in rows if len(row) == 2}
    found = [
        idents[name]
        for name, each in facts.items()
        if each.get("state.state") == SHUTOFF
        and each.get("state.reason") in (CRASHED, FAILED)
        and name in idents
    ]
    return tuple(sorted(found)[:MOST])


def look(node: Node) -> tuple[str, ...]:
    """Those of this host now. Raises OneStackError."""
    states = node.inside(STATES, seconds=SECONDS)
    return parse(states, node.inside(NAMES, seconds=SECONDS)) if "Domain:" in states else ()
