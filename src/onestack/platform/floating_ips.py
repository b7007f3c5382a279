"""How OVN translates the addresses of floating IPs: with connection tracking, or without.

OVS' userspace datapath looks a packet up at most eight times more after it has come in (MAX_RECIRC_DEPTH in
lib/dpif-netdev.c), once for each connection tracking action, and then drops it (its counter
datapath_drop_recirc_error). From one floating IP to another one behind another router OVN needs nine. So there
floating IPs are translated without connection tracking, which saves four; security groups keep it. The kernel's
datapath has no such limit.

Neutron's option holds for floating IPs that come; the step changes those that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestack.core.events import Emit, step
from onestack.platform import northbound
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node

STEP = "floating IPs' translation"

LIST = northbound.floating_ips("_uuid", "options")


def stateless(view: View) -> bool:
    """Whether they are translated without connection tracking: where any host is on the userspace datapath."""
    return any(each.datapath == "netdev" for each in view.hosts)


def others(rows: str, *, wanted: bool) -> list[str]:
    """The UUIDs of OVN's NAT rows that are not translated as wanted. `rows`: the output of `LIST`."""
    found = northbound.rows(rows)
    return [uuid for uuid, options in found if ("stateless=true" in options.split()) != wanted]


def ensure(node: Node, emit: Emit, *, wanted: bool) -> None:
    """Have all floating IPs translated as wanted. Connections go on: the addresses stay the same."""
    if not (rows := others(node.inside(LIST), wanted=wanted)):
        return
    value = f"options:stateless={str(wanted).lower()}"
    with step("floating IPs", emit) as at:
        node.inside([*northbound.CTL, *(word for row in rows for word in ("--", "set", "NAT", row, value))])
        at.outcome = f"{len(rows)} translated {'without' if wanted else 'with'} connection tracking"
