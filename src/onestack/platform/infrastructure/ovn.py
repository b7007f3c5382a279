"""OVS and OVN: one OVSDB server for the three databases, the switch, the translator, the host's agent.

On the kernel's datapath where the machine has it, else on the userspace datapath; there TCP of ordinary
virtio cards needs `userspace-tso-enable` (OVS 3.5), which must be set before ovs-vswitchd starts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.events import Emit, step
from onestack.host import network
from onestack.host.command import run
from onestack.platform import outside
from onestack.platform.shape import LIB, RUN, InfrastructureService, Process, Ready, Step, View

if TYPE_CHECKING:
    from onestack.platform.site import Site

NAME = "ovn"
FILES, SETTINGS, EXTERNAL_NETWORK = "switch files", "switch settings", "external"

DB = f"unix:{contract.OVSDB_SOCKET}"
NORTH = f"unix:{RUN}/ovn/ovnnb_db.sock"
SOUTH = f"unix:{RUN}/ovn/ovnsb_db.sock"
INTEGRATION = contract.INTEGRATION_BRIDGE
EXTERNAL = "br-ex"
PHYSICAL_NETWORK = "public"

# Database file -> schema.
CONFIGURATION = f"{LIB}/openvswitch/conf.db"
DATABASES = {
    CONFIGURATION: "/usr/share/openvswitch/vswitch.ovsschema",
    f"{LIB}/ovn/ovnnb_db.db": "/usr/share/ovn/ovn-nb.ovsschema",
    f"{LIB}/ovn/ovnsb_db.db": "/usr/share/ovn/ovn-sb.ovsschema",
}
_LOG = ("-vconsole:info", "-vfile:off", "-vsyslog:off")
_CTL = ("ovs-vsctl", f"--db={DB}", "--timeout=15")


def processes(view: View) -> tuple[Process, ...]:
    if "network" not in view.services:
        return ()
    return (
        Process(
            "ovsdb",
            (
                "ovsdb-server",
                *DATABASES,
                f"--remote=p{DB}",
                f"--remote=p{NORTH}",
                f"--remote=p{SOUTH}",
                f"--pidfile={RUN}/openvswitch/ovsdb-server.pid",
                f"--unixctl={RUN}/openvswitch/ovsdb-server.ctl",
                *_LOG,
            ),
            Ready(command=(*_CTL, "--no-wait", "init"), seconds=30),
            needs=(FILES,),
        ),
        Process(
            "ovs-vswitchd",
            (
                "ovs-vswitchd",
                DB,
                f"--pidfile={RUN}/openvswitch/ovs-vswitchd.pid",
                f"--unixctl={RUN}/openvswitch/ovs-vswitchd.ctl",
                *_LOG,
            ),
            Ready(
                command=("ovs-appctl", f"--target={RUN}/openvswitch/ovs-vswitchd.ctl", "version"), seconds=30
            ),
            needs=("ovsdb", SETTINGS),
            environment={"MALLOC_ARENA_MAX": "2"},
        ),
        Process(
            "ovn-northd",
            (
                "ovn-northd",
                f"--ovnnb-db={NORTH}",
                f"--ovnsb-db={SOUTH}",
                f"--unixctl={RUN}/ovn/ovn-northd.ctl",
                *_LOG,
            ),
            Ready(command=("ovs-appctl", f"--target={RUN}/ovn/ovn-northd.ctl", "status"), seconds=30),
            needs=("ovsdb",),
        ),
        Process(
            "ovn-controller",
            ("ovn-controller", DB, f"--unixctl={RUN}/ovn/ovn-controller.ctl", *_LOG),
            Ready(
                command=("ovs-appctl", f"--target={RUN}/ovn/ovn-controller.ctl", "connection-status"),
                seconds=30,
            ),
            needs=("ovs-vswitchd", "ovn-northd", EXTERNAL_NETWORK),
        ),
    )


def settings(view: View) -> list[str]:
    """The command that tells OVS who this host is; before ovs-vswitchd is started."""
    values = {
        "external_ids:system-id": view.host,
        "external_ids:hostname": view.host,
        "external_ids:ovn-remote": SOUTH,
        "external_ids:ovn-encap-type": "geneve",
        "external_ids:ovn-encap-ip": view.address,
        "external_ids:ovn-bridge": INTEGRATION,
        "external_ids:ovn-bridge-datapath-type": view.datapath,
        "external_ids:ovn-bridge-mappings": f"{PHYSICAL_NETWORK}:{EXTERNAL}",
        "external_ids:ovn-cms-options": "enable-chassis-as-gw",
        "external_ids:ovn-monitor-all": "true",
        # One host's flows: one thread of each kind does.
        "other_config:n-handler-threads": "1",
        "other_config:n-revalidator-threads": "1",
        "other_config:userspace-tso-enable": "true" if view.datapath == "netdev" else "false",
    }
    return [
        *_CTL,
        "--no-wait",
        "set",
        "Open_vSwitch",
        ".",
        *(f"{key}={_quoted(value)}" for key, value in values.items()),
    ]


def _quoted(value: str) -> str:
    return f'"{value}"'


def cards() -> list[str]:
    """The command that names the machine's interfaces that are plugged in, guests' and balancers' among them."""
    return [*_CTL, "--no-wait", "--bare", "--columns=name", "find", "Interface", 'type=""']


def forget(ports: Sequence[str]) -> list[str]:
    """The command that takes ports out of their bridges while ovs-vswitchd does not run."""
    return [*_CTL, "--no-wait", *(word for port in ports for word in ("--", "--if-exists", "del-port", port))]


def bridge(view: View, ports: Sequence[str]) -> list[str]:
    """The command that makes the external bridge with ports plugged in; harmless when it is so already."""
    return [
        *_CTL,
        *("--may-exist", "add-br", EXTERNAL),
        *("--", "set", "Bridge", EXTERNAL, f"datapath_type={view.datapath}", "fail_mode=standalone"),
        *(word for port in ports for word in ("--", "--may-exist", "add-port", EXTERNAL, port)),
    ]


def interfaces_of_bridges(datapath: str) -> list[str]:
    """The names that OVS itself gives to interfaces on the machine."""
    own = ["ovs-netdev"] if datapath == "netdev" else ["ovs-system", "genev_sys_6081"]
    return [INTEGRATION, EXTERNAL, *own]


def make_databases(site: Site, emit: Emit) -> None:
    """Make OVSDB's files, or bring those of an older release to this one's schema."""
    if "ovsdb" in (running := site.supervisor.programs()) and running["ovsdb"].state == "RUNNING":
        return
    for file, schema in DATABASES.items():
        if not site.outside(file).exists():
            site.inside(["ovsdb-tool", "create", file, schema])
        elif site.inside(["ovsdb-tool", "needs-conversion", file, schema]).strip() == "yes":
            site.inside(["ovsdb-tool", "convert", file, schema], seconds=120)


def configure(site: Site, emit: Emit) -> None:
    """Tell OVS who this host is, before ovs-vswitchd is started."""
    site.inside(settings(site.view))
    forget_gone_ports(site)


def forget_gone_ports(site: Site) -> None:
    """Take out of the bridges what has no interface any more, after a boot or a `down`.

    OVS takes an interface that it knows as soon as that is made again. While it does so it writes back the flags
    that it read before: what was set up in between is down again, and stays so.
    """
    there = site.supervisor.program("ovs-vswitchd")
    if there and there.pid:
        return
    interfaces = network.interfaces(site.enter([]))
    if gone := [name for name in site.inside(cards()).split() if name not in interfaces]:
        site.inside(forget(gone))


def join_external(site: Site, emit: Emit) -> None:
    """Have the machine, and a card of it if the spec says so, in the external network. ovs-vswitchd must run."""
    with step("external network of the machine", emit):
        outer = site.view.external
        prefix = ipaddress.ip_network(outer.cidr).prefixlen
        network.join(outer.gateway, prefix, site.view.mtu, site.enter([]))
        ports = [network.PLUGGED, *([outer.interface] if outer.interface else [])]
        site.inside(bridge(site.view, ports))
        if outer.interface:
            run(["ip", "link", "set", outer.interface, "up"])


def steps(view: View) -> tuple[Step, ...]:
    return (
        Step(FILES, make_databases),
        Step(SETTINGS, configure, ("ovsdb",)),
        Step(EXTERNAL_NETWORK, join_external, ("ovs-vswitchd",)),
        Step("guests' way out", outside.translate, (EXTERNAL_NETWORK,)),
    )


SERVICE = InfrastructureService(NAME, processes, steps=steps, stays_with_guests=True)
