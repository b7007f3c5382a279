"""The ports on which a host listens for other hosts, and who may connect to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestack.core.events import Emit
from onestack.host import firewall
from onestack.host.firewall import Ports
from onestack.platform.infrastructure import gateway
from onestack.platform.places import (
    API_PORT,
    BUS_PORT,
    CEPH_PORT,
    CEPH_PORTS,
    DATABASE_CHECK_PORT,
    DATABASE_PEERS_PORT,
    DATABASE_PORT,
    EPMD_PORT,
    ETCD_PEER_PORT,
    ETCD_PORT,
    GALERA_IST_PORT,
    GALERA_PORT,
    GALERA_SST_PORT,
    LEASE_PORT,
    NODES_PORT,
    NORTH_RAFT_PORT,
    OVN_PORT,
    RSYNC_PORT,
    SOUTH_PORT,
    SOUTH_RAFT_PORT,
)
from onestack.platform.shape import EVERY, Step
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

STEP = "firewall"
GENEVE = "6081"
LIBVIRT, MIGRATION, CONSOLES = "16514", "49152-49215", "5900-5999"
"""libvirt's own ports for TLS, for QEMU's migration data, and the first hundred consoles of a host."""

AMONG_CONTROL = (
    *(API_PORT, DATABASE_PORT, DATABASE_CHECK_PORT, DATABASE_PEERS_PORT),
    *(GALERA_PORT, GALERA_IST_PORT, GALERA_SST_PORT),
    *(OVN_PORT, NORTH_RAFT_PORT, SOUTH_RAFT_PORT),
    *(EPMD_PORT, NODES_PORT),
    ETCD_PEER_PORT,
)
"""TCP ports on which control hosts listen for each other, where there are several."""


def rules(view: View, name: str) -> str:
    """The nftables table of `view.here`. The API gateway's port is not in it: it is for everybody."""
    here, hosts = view.here, [each.address for each in view.hosts]
    tcp = []
    if view.control:
        tcp += [str(BUS_PORT), str(SOUTH_PORT), str(gateway.METADATA_PORT)]
        tcp += [str(ETCD_PORT)] if view.cloud.healing else []
    if "compute" in here.roles:
        tcp += [LIBVIRT, str(RSYNC_PORT), MIGRATION, CONSOLES]
        tcp += [str(LEASE_PORT)] if view.cloud.healing else []
    if here in view.storage:
        tcp += [str(CEPH_PORT), "-".join(map(str, CEPH_PORTS))]
    closed = [Ports("tcp", tcp or [LIBVIRT], hosts), Ports("udp", [GENEVE], hosts)]
    if (monitoring := view.cloud.monitoring) is not None and not view.leads:
        closed.append(Ports("tcp", [str(monitoring.exporter_port)], [view.leader.address]))
    if view.control and view.replicated:
        controls = [each.address for each in view.controls]
        closed += [
            Ports("tcp", [str(each) for each in AMONG_CONTROL], controls),
            # OVN's own table says where to listen, the same for all members.
            Ports("tcp", [str(SOUTH_PORT)], hosts, everywhere=True),
        ]
    return firewall.rules(name, here.address, closed)


def close(site: Site, node: Node, emit: Emit) -> None:
    """Close this host's ports to all but the cloud's hosts, where there are several; else open what was closed."""
    view = site.view_of(node)
    if not view.peers:
        firewall.switch_off(node.paths)
    else:
        firewall.switch_on(node.paths, node.layout.base, rules(view, firewall.table(node.paths)))


def steps(view: View) -> tuple[Step, ...]:
    """To be done before the first process listens."""
    return (Step(STEP, close, roles=EVERY),)
