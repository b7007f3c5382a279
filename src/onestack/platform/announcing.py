"""The step that has the external network learn anew where floating IPs are, after a change of how they are reached.

On one host a floating IP has a MAC address of its own; where not every host reaches the external network, it has that
of its router. Neutron changes the one into the other when it starts. OVN announces an address when it comes, and
notices no other MAC address: neighbours would go on with the old one for half a minute or longer. So the addresses
are taken away from what OVN announces for a moment.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.events import Emit, step
from onestack.host.command import CommandFailed
from onestack.platform import northbound

if TYPE_CHECKING:
    from onestack.platform.node import Node

STEP = "announcing"
SECONDS = 30.0
"""How long Neutron may take to change them: some seconds after it answers."""
MARK = f"{LIB}/ovn/centralized"
"""There while floating IPs have their routers' MAC addresses."""

_OPTION = "nat-addresses"
FIND = (
    *northbound.CTL,
    "--bare",
    "--columns=_uuid",
    "find",
    "Logical_Switch_Port",
    f"options:{_OPTION}=router",
)
NATS = northbound.floating_ips("logical_port", "external_mac")
UP = (*northbound.CTL, "--bare", "--columns=name", "find", "Logical_Switch_Port", "up=true")


def late(nats: str, up: Sequence[str], *, centralized: bool) -> list[str]:
    """The ports whose floating IPs do not have yet the MAC address that they will have. `nats`: rows of CSV."""
    rows = [(port, bool(mac)) for port, mac in northbound.rows(nats)]
    if centralized:
        return [port for port, own in rows if own]
    return [port for port, own in rows if not own and port in up]


def silence(ports: Sequence[str]) -> list[str]:
    """The command that has OVN announce nothing at ports of routers, done when all hosts know."""
    return [
        *(*northbound.CTL, "--wait=hv"),
        *(w for port in ports for w in ("--", "remove", "Logical_Switch_Port", port, "options", _OPTION)),
    ]


def announce(ports: Sequence[str]) -> list[str]:
    """The command that has it announce all again."""
    return [
        *northbound.CTL,
        *(
            w
            for port in ports
            for w in ("--", "set", "Logical_Switch_Port", port, f"options:{_OPTION}=router")
        ),
    ]


def ensure(node: Node, emit: Emit, *, centralized: bool) -> None:
    """Have floating IPs announced, where they changed since the last time. Neutron must run."""
    mark = node.outside(MARK)
    if mark.exists() == centralized:
        return
    with step("floating IPs", emit) as at:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if not late(node.inside(NATS), node.inside(UP).split(), centralized=centralized):
                break
            time.sleep(0.2)
        if ports := node.inside(FIND).split():
            try:
                node.inside(silence(ports))
            except CommandFailed:
                at.note("not every host answers: neighbours may ask an old address for a while")
            node.inside(announce(ports))
        if centralized:
            mark.touch()
        else:
            mark.unlink()
        at.outcome = f"{len(ports)} routers announce them"
