"""OVS and OVN: one ovsdb-server for all databases of a host, ovs-vswitchd, ovn-northd and ovn-controller.

They use the kernel's datapath if the machine has it, else the userspace datapath. The latter needs
`userspace-tso-enable` (OVS 3.5) for TCP from ordinary virtio NICs; it must be set before ovs-vswitchd starts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.contract import LIB, OVSDB_SOCKET, RUN
from onestack.core.events import Emit, step
from onestack.host import network
from onestack.host.command import run
from onestack.host.underlay import BRIDGE
from onestack.platform import between_hosts, outside, underlay
from onestack.platform.infrastructure import ovn_databases
from onestack.platform.infrastructure.ovn_databases import LOG, PROBE, TLS
from onestack.platform.places import (
    NORTH_SOCKET,
    SOUTH_PORT,
    SOUTH_SOCKET,
    bracketed,
)
from onestack.platform.shape import (
    EVERY,
    Folder,
    InfrastructureService,
    Process,
    Ready,
    Step,
    leader,
    local,
)
from onestack.platform.view import Datapath, HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "ovn"
FILES, SETTINGS, EXTERNAL_NETWORK, ACCESS = "switch files", "switch settings", "external", "hosts' access"

INTEGRATION = contract.INTEGRATION_BRIDGE
EXTERNAL = "br-ex"
PHYSICAL_NETWORK = "public"

CONFIGURATION = f"{LIB}/openvswitch/conf.db"
"""The database of Open vSwitch itself."""
MEMBER_PROBE = 2500
"""The inactivity probe of connections to a member of OVN's databases, in milliseconds: a lost one is noticed after
twice as many."""
_SWITCH = f"unix:{OVSDB_SOCKET}"
_CTL = ("ovs-vsctl", f"--db={_SWITCH}", "--timeout=15")


@dataclass(frozen=True)
class Database:
    """A database file that ovsdb-server serves on a unix socket."""

    file: str
    schema: str
    socket: str


def databases(view: View) -> tuple[Database, ...]:
    """The databases of a host: Open vSwitch's, and on the only control host OVN's."""
    schemas = "/usr/share"
    switch = Database(CONFIGURATION, f"{schemas}/openvswitch/vswitch.ovsschema", OVSDB_SOCKET)
    north = Database(f"{LIB}/ovn/ovnnb_db.db", f"{schemas}/ovn/ovn-nb.ovsschema", NORTH_SOCKET)
    south = Database(f"{LIB}/ovn/ovnsb_db.db", f"{schemas}/ovn/ovn-sb.ovsschema", SOUTH_SOCKET)
    return (switch, north, south) if "control" in view.here.roles and not view.replicated else (switch,)


def processes(view: View) -> tuple[Process, ...]:
    if "network" not in view.cloud.services:
        return ()
    served = databases(view)
    return (
        Process(
            "ovsdb",
            (
                "ovsdb-server",
                *(each.file for each in served),
                *(f"--remote=punix:{each.socket}" for each in served),
                *(_listening() if _serves_hosts(view) else ()),
                f"--pidfile={RUN}/openvswitch/ovsdb-server.pid",
                f"--unixctl={RUN}/openvswitch/ovsdb-server.ctl",
                *LOG,
            ),
            Ready(command=(*_CTL, "--no-wait", "init"), seconds=30),
            needs=local(FILES, between_hosts.STEP),
            roles=EVERY,
        ),
        Process(
            "ovs-vswitchd",
            (
                "ovs-vswitchd",
                _SWITCH,
                f"--pidfile={RUN}/openvswitch/ovs-vswitchd.pid",
                f"--unixctl={RUN}/openvswitch/ovs-vswitchd.ctl",
                *LOG,
            ),
            Ready(
                command=("ovs-appctl", f"--target={RUN}/openvswitch/ovs-vswitchd.ctl", "version"), seconds=30
            ),
            needs=local("ovsdb", SETTINGS),
            roles=EVERY,
            environment={"MALLOC_ARENA_MAX": "2"},
        ),
        Process(
            "ovn-northd",
            (
                "ovn-northd",
                f"--ovnnb-db={view.backing.ovn_north}",
                f"--ovnsb-db={view.backing.ovn_south}",
                *(TLS if view.replicated else ()),
                f"--unixctl={RUN}/ovn/ovn-northd.ctl",
                *LOG,
            ),
            Ready(command=("ovs-appctl", f"--target={RUN}/ovn/ovn-northd.ctl", "status"), seconds=30),
            needs=local(ovn_databases.NAME if view.replicated else "ovsdb"),
        ),
        Process(
            "ovn-controller",
            (
                "ovn-controller",
                _SWITCH,
                f"--unixctl={RUN}/ovn/ovn-controller.ctl",
                *(TLS if view.backing.ovn_south.startswith("ssl:") else ()),
                *LOG,
            ),
            Ready(
                command=("ovs-appctl", f"--target={RUN}/ovn/ovn-controller.ctl", "connection-status"),
                seconds=30,
            ),
            needs=(
                *local("ovs-vswitchd", *(each.name for each in _joining(view))),
                *leader("ovn-northd", *_access(view)),
            ),
            roles=EVERY,
            # It would refuse databases that begin anew, as older ones than it has seen.
            environment={"ONESTACK_GENERATION": str(view.cloud.generation)} if view.cloud.generation else {},
        ),
    )


def _access(view: View) -> tuple[str, ...]:
    """The leader's steps that let other hosts reach OVN's databases."""
    if view.replicated:
        return (ovn_databases.ACCESS,)
    return (ACCESS,) if view.peers else ()


def _serves_hosts(view: View) -> bool:
    return bool(view.peers) and view.leads and not view.replicated


def _listening() -> tuple[str, ...]:
    """ovsdb-server's options for other hosts: the southbound database itself contains the address to listen on."""
    return ("--remote=db:OVN_Southbound,SB_Global,connections", *TLS)


def access(view: View) -> list[str]:
    """The command that admits other hosts' ovn-controllers. Each may write only rows of its own chassis, whose name
    is in its certificate. Idempotent."""
    remote = f"pssl:{SOUTH_PORT}:{bracketed(view.leader.address)}"
    return [
        *("ovn-sbctl", f"--db=unix:{SOUTH_SOCKET}", "--timeout=15", f"--inactivity-probe={PROBE}"),
        *("set-connection", "role=ovn-controller", remote),
    ]


def gateway_host(view: View) -> str | None:
    """The name of the host that is the external network's gateway: the leader if it has the role network, else the
    first host that has it; None where the gateway is a router outside."""
    if view.cloud.external.routed_outside:
        return None
    if not view.peers or "network" in view.leader.roles:
        return view.cloud.leader
    return next((each.name for each in view.hosts if "network" in each.roles), view.cloud.leader)


def reaches_external(view: View, host: HostView) -> bool:
    """Whether a host has a bridge into the external network: it is the gateway, or a NIC of it is plugged in. OVN
    puts the gateways of tenants' routers on these hosts: each on several, of which one is active."""
    if not view.peers or host.name == gateway_host(view):
        return True
    return "network" in host.roles and view.cloud.external.interface is not None


def reached_everywhere(view: View) -> bool:
    """Whether every compute host reaches the external network."""
    return all(reaches_external(view, host) for host in view.hosts if "compute" in host.roles)


def settings(view: View) -> list[str]:
    """The command that sets this host's identity and options in OVS's database, before ovs-vswitchd is started."""
    external = {
        "external_ids:ovn-bridge-mappings": f"{PHYSICAL_NETWORK}:{EXTERNAL}",
        "external_ids:ovn-cms-options": "enable-chassis-as-gw",
    }
    joins = reaches_external(view, view.here)
    values = {
        "external_ids:system-id": view.here.name,
        "external_ids:hostname": view.here.name,
        "external_ids:ovn-remote": view.backing.ovn_south,
        "external_ids:ovn-encap-type": "geneve",
        "external_ids:ovn-encap-ip": view.here.address,
        "external_ids:ovn-bridge": INTEGRATION,
        "external_ids:ovn-bridge-datapath-type": view.here.datapath,
        **(external if joins else {}),
        "external_ids:ovn-monitor-all": "true",
        # Until a lost member of the databases is noticed no other host takes over what its host did.
        **({"external_ids:ovn-remote-probe-interval": str(MEMBER_PROBE)} if view.replicated else {}),
        # One thread of each kind suffices for the flows of one host.
        "other_config:n-handler-threads": "1",
        "other_config:n-revalidator-threads": "1",
        "other_config:userspace-tso-enable": "true" if view.here.datapath == "netdev" else "false",
    }
    return [
        *_CTL,
        "--no-wait",
        "set",
        "Open_vSwitch",
        ".",
        *(f"{key}={_quoted(value)}" for key, value in values.items()),
        *(() if joins else _without(external)),
    ]


def _without(keys: Iterable[str]) -> list[str]:
    """ovs-vsctl's arguments that remove keys, which the host may have from a former role."""
    words: list[str] = []
    for key in keys:
        column, _, name = key.partition(":")
        words += ["--", "remove", "Open_vSwitch", ".", column, name]
    return words


def _quoted(value: str) -> str:
    return f'"{value}"'


def ports_without_type() -> list[str]:
    """The command that lists OVS interfaces that are interfaces of the system: guests' taps, NICs, veth ends."""
    return [*_CTL, "--no-wait", "--bare", "--columns=name", "find", "Interface", 'type=""']


def forget(ports: Sequence[str]) -> list[str]:
    """The command that removes ports from their bridges while ovs-vswitchd does not run."""
    return [*_CTL, "--no-wait", *(word for port in ports for word in ("--", "--if-exists", "del-port", port))]


def bridge(view: View, ports: Sequence[str]) -> list[str]:
    """The command that creates the external bridge with these ports. Idempotent."""
    return [
        *_CTL,
        *("--may-exist", "add-br", EXTERNAL),
        *("--", "set", "Bridge", EXTERNAL, f"datapath_type={view.here.datapath}", "fail_mode=standalone"),
        *(word for port in ports for word in ("--", "--may-exist", "add-port", EXTERNAL, port)),
    ]


def interfaces_of_bridges(datapath: Datapath) -> list[str]:
    """The names of the interfaces that OVS itself creates on the machine."""
    own = ["ovs-netdev", BRIDGE] if datapath == "netdev" else ["ovs-system", "genev_sys_6081"]
    return [INTEGRATION, EXTERNAL, *own]


def make_databases(site: Site, node: Node, emit: Emit) -> None:
    """Create the database files, or convert those of an older release to this release's schema."""
    if "ovsdb" in (running := node.supervisor.programs()) and running["ovsdb"].state == "RUNNING":
        return
    for each in databases(site.view_of(node)):
        if not node.outside(each.file).exists():
            node.inside(["ovsdb-tool", "create", each.file, each.schema])
        elif node.inside(["ovsdb-tool", "needs-conversion", each.file, each.schema]).strip() == "yes":
            node.inside(["ovsdb-tool", "convert", each.file, each.schema], seconds=120)


def configure(site: Site, node: Node, emit: Emit) -> None:
    """Tell OVS who this host is, before ovs-vswitchd is started."""
    view = site.view_of(node)
    if not underlay.needed(view):
        underlay.leave(node, _CTL)
    node.inside(settings(view))
    forget_gone_ports(node)


def forget_gone_ports(node: Node) -> None:
    """Remove ports whose interface no longer exists, after a boot or a `down`.

    Otherwise OVS would open such an interface as soon as it is created again. It reads the interface's flags and
    later writes them back: if the interface was set up in between, it is down again, and stays down.
    """
    there = node.supervisor.program("ovs-vswitchd")
    if there and there.pid:
        return
    interfaces = network.interfaces(node.enter([]))
    if gone := [name for name in node.inside(ports_without_type()).split() if name not in interfaces]:
        node.inside(forget(gone))


def join_external(site: Site, node: Node, emit: Emit) -> None:
    """Connect the host, and the NIC that the spec names, to the external network. ovs-vswitchd must run."""
    with step("external network of the host", emit):
        view = site.view_of(node)
        outer = view.cloud.external
        prefix = ipaddress.ip_network(outer.cidr).prefixlen
        nic = view.here.external or outer.interface
        ports = [nic] if nic else []
        if gateway_host(view) == view.here.name:
            network.join(outer.gateway, prefix, view.cloud.mtu, node.enter([]))
            ports.insert(0, network.PLUGGED)
        elif outer.routed_outside:
            node.inside([*_CTL, "--if-exists", "del-port", network.PLUGGED])
            network.leave(node.enter([]))
        node.inside(bridge(view, ports))
        if nic:
            run(["ip", "link", "set", nic, "up"])


def give_access(site: Site, node: Node, emit: Emit) -> None:
    """Let ovsdb-server listen for other hosts."""
    node.inside(access(site.view_of(node)))


def move_underlay(site: Site, node: Node, emit: Emit) -> None:
    """On the userspace datapath: plug the underlay's NIC into OVS, so that tunnels reach the other hosts."""
    underlay.move(site, node, emit, _CTL)


def _joining(view: View) -> tuple[Step, ...]:
    """The steps that connect this host to networks outside of OVN, before ovn-controller uses them."""
    found = []
    if underlay.needed(view):
        found.append(Step(underlay.STEP, move_underlay, local("ovs-vswitchd"), roles=EVERY))
    if reaches_external(view, view.here):
        found.append(Step(EXTERNAL_NETWORK, join_external, local("ovs-vswitchd"), roles=EVERY))
    return tuple(found)


def steps(view: View) -> tuple[Step, ...]:
    found = [
        *between_hosts.steps(view),
        Step(FILES, make_databases, roles=EVERY),
        Step(SETTINGS, configure, local("ovsdb"), roles=EVERY),
        *_joining(view),
    ]
    outer = view.cloud.external
    if gateway_host(view) == view.here.name or (outer.routed_outside and reaches_external(view, view.here)):
        found.append(Step("guests' outbound access", outside.translate, local(EXTERNAL_NETWORK), roles=EVERY))
    if view.peers and not view.replicated:
        found.append(Step(ACCESS, give_access, local("ovsdb"), scope="leader"))
    return tuple(found)


SERVICE = InfrastructureService(
    NAME,
    processes,
    steps=steps,
    folders=tuple(
        Folder(f"{place}/{name}", mode=0o700) for place in (LIB, RUN) for name in ("openvswitch", "ovn")
    ),
    stays_with_guests=True,
)
