"""The step that plugs the underlay's NIC into OVS, on the userspace datapath (see `onestack.host.underlay`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.host import network, underlay
from onestack.host.underlay import BRIDGE, Before
from onestack.platform.shape import Need, local
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

STEP = "underlay"


def needed(view: View) -> bool:
    """Whether the host's NIC must be a port of Open vSwitch."""
    return bool(view.peers) and view.here.datapath == "netdev"


def moved(view: View) -> tuple[Need, ...]:
    """What must be done before programs of this host connect to other hosts for good."""
    return local(STEP) if needed(view) and "network" in view.cloud.services else ()


def bridge(before: Before, ctl: Sequence[str]) -> list[str]:
    """The command that creates the bridge, with the NIC as a port. `ctl`: the beginning of an ovs-vsctl command
    line."""
    return [
        *ctl,
        *("--may-exist", "add-br", BRIDGE),
        *("--", "set", "Bridge", BRIDGE, "datapath_type=netdev", "fail_mode=standalone"),
        # The MAC address stays the same, so neighbours' ARP entries remain valid.
        f'other_config:hwaddr="{before.mac}"',
        *("--", "set", "Interface", BRIDGE, f"mtu_request={before.mtu}"),
        *("--", "--may-exist", "add-port", BRIDGE, before.nic),
    ]


def leave(node: Node, ctl: Sequence[str]) -> None:
    """Have the NIC as it was before, where a cloud has one host again; harmless where it was never in the bridge.

    The bridge must not stay in OVS' database: after the next start its port would be a NIC that has addresses itself.
    """
    underlay.restore(node.paths, node.enter([]))
    node.inside([*ctl, "--no-wait", "--if-exists", "del-br", BRIDGE])


def move(site: Site, node: Node, emit: Emit, ctl: Sequence[str]) -> None:
    """Plug the NIC into the bridge, and move its addresses and routes to the bridge's interface. ovs-vswitchd must
    run."""
    here = site.view_of(node).here
    enter = node.enter([])
    seen = underlay.collect(enter, here.address, here.underlay)
    if seen.nic == BRIDGE:
        return
    with step("underlay", emit) as at:
        underlay.write(node.paths, seen)
        node.inside(bridge(seen, ctl))
        # ovs-vsctl waits for it only where it changed something: after a boot the bridge is in the database already.
        until(
            f"OVS to create the interface {BRIDGE}",
            lambda: (BRIDGE in network.interfaces(enter), "it is not there"),
            seconds=30,
            every=0.02,
            where=node.log("ovs-vswitchd"),
        )
        node.inside(underlay.BATCH, text_in=underlay.moved(seen, seen.nic, BRIDGE))
        at.outcome = f"{seen.nic} is a port of {BRIDGE}"
