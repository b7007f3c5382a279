"""OVN's databases in raft, where there are several control hosts: each has a member of both, in one ovsdb-server.

With one control host the ovsdb-server of Open vSwitch has them too. Here it is another process: this one listens for
other hosts, which must not reach Open vSwitch's own database. Members talk to each other and to clients with TLS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from onestack.core.contract import LIB, RUN
from onestack.core.errors import OneStackError
from onestack.core.events import Emit
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.platform import between_hosts
from onestack.platform.places import (
    CA,
    HOST_CERTIFICATE,
    HOST_KEY,
    NORTH_RAFT_PORT,
    NORTH_SOCKET,
    OVN_PORT,
    SOUTH_PORT,
    SOUTH_RAFT_PORT,
    SOUTH_SOCKET,
    bracketed,
)
from onestack.platform.shape import Form, InfrastructureService, Process, Ready, Step, leader, local
from onestack.platform.view import HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "ovn-databases"
JOIN, ACCESS = "OVN member files", "hosts' access to OVN"
CONTROL = f"{RUN}/ovn/{NAME}.ctl"
# Of all of OVS' and OVN's programs.
TLS = (f"--private-key={HOST_KEY}", f"--certificate={HOST_CERTIFICATE}", f"--ca-cert={CA}")
LOG = ("-vconsole:info", "-vfile:off", "-vsyslog:off")
WITHDRAW_SECONDS = 60.0
"""How long the other members may take to agree that one of them is gone."""
PROBE = 30000
"""The inactivity probe of other hosts' connections, in milliseconds."""
SOUTH_CTL = ("ovn-sbctl", "--no-leader-only", f"--db=unix:{SOUTH_SOCKET}", "--timeout=15")
"""The beginning of the command that reads or changes the southbound database, by this host's member."""
MEMBER, EARLIER, ALONE = "member", "earlier", "alone"
"""The states of a host with a file of the cluster, of one with a file of the cluster from before the cloud was
recovered, and of one with the databases of the only control host."""


@dataclass(frozen=True)
class Database:
    """One of OVN's databases. `base`: the path of its files without their endings. `alone`: its file where there is
    one control host, from which a cluster is begun."""

    name: str
    base: str
    alone: str
    schema: str
    raft_port: int

    def file(self, view: View) -> str:
        """The file of a member. Each recovery of the cloud begins another one: members of the cluster from before it
        are of no use then."""
        return f"{self.base}_member{f'-{view.cloud.generation}' if view.cloud.generation else ''}.db"

    def earlier(self, node: Node, view: View) -> list[str]:
        """The files of members of earlier clusters that a host has, the newest first."""
        own = node.outside(self.file(view))
        found = [each for each in own.parent.glob(f"{own.name.partition('_')[0]}_member*.db") if each != own]
        found = sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)
        return [f"{LIB}/ovn/{each.name}" for each in found]

    def address(self, host: HostView) -> str:
        """Where a host's member listens for the others."""
        return f"ssl:{bracketed(host.address)}:{self.raft_port}"


NORTH = Database(
    "OVN_Northbound",
    f"{LIB}/ovn/ovnnb",
    f"{LIB}/ovn/ovnnb_db.db",
    "/usr/share/ovn/ovn-nb.ovsschema",
    NORTH_RAFT_PORT,
)
SOUTH = Database(
    "OVN_Southbound",
    f"{LIB}/ovn/ovnsb",
    f"{LIB}/ovn/ovnsb_db.db",
    "/usr/share/ovn/ovn-sb.ovsschema",
    SOUTH_RAFT_PORT,
)
DATABASES = (NORTH, SOUTH)


def processes(view: View) -> tuple[Process, ...]:
    if not view.replicated or "network" not in view.cloud.services:
        return ()
    return (
        Process(
            NAME,
            (
                "ovsdb-server",
                *(each.file(view) for each in DATABASES),
                *(f"--remote=punix:{socket}" for socket in (NORTH_SOCKET, SOUTH_SOCKET)),
                # For control hosts: ovn-northd and Neutron write to both databases.
                f"--remote=pssl:{OVN_PORT}:{bracketed(view.here.address)}",
                # The southbound database itself says where it listens for others, and what they may write.
                "--remote=db:OVN_Southbound,SB_Global,connections",
                *TLS,
                f"--pidfile={RUN}/ovn/{NAME}.pid",
                f"--unixctl={CONTROL}",
                *LOG,
            ),
            Ready(command=(*SOUTH_CTL, "get-connection"), seconds=60),
            needs=local(JOIN, between_hosts.STEP),
            reads=(CA, HOST_CERTIFICATE),
        ),
    )


def access(view: View) -> list[str]:
    """The command that admits other hosts' ovn-controllers. Each may write only rows of its own chassis, whose name
    is in its certificate. Idempotent. All members have this row, so it names no address; the firewall does."""
    everywhere = "[::]" if ":" in view.here.address else "0.0.0.0"
    return [
        *SOUTH_CTL,
        f"--inactivity-probe={PROBE}",
        *("set-connection", "role=ovn-controller", f"pssl:{SOUTH_PORT}:{everywhere}"),
    ]


def give_access(site: Site, node: Node, emit: Emit) -> None:
    """Let the members listen for other hosts."""
    node.inside(access(site.view_of(node)))


def state(site: Site, node: Node) -> str:
    """MEMBER, EARLIER, ALONE, or empty without any file."""
    view = site.view_of(node)
    if all(node.outside(each.file(view)).exists() for each in DATABASES):
        return MEMBER
    if all(each.earlier(node, view) for each in DATABASES):
        return EARLIER
    return ALONE if all(node.outside(each.alone).exists() for each in DATABASES) else ""


def choose(states: Mapping[str, str], lead: str) -> str | None:
    """The host whose databases the cluster begins with: the leader, or who has any; None where a cluster exists."""
    if MEMBER in states.values():
        return None
    order = ("", ALONE, EARLIER)
    return max(sorted(states), key=lambda name: (order.index(states[name]), name == lead))


def begin(site: Site, node: Node, emit: Emit) -> None:
    """Make this host's files the first of a cluster, from its databases if it has any."""
    view = site.view_of(node)
    for each in DATABASES:
        file = each.file(view)
        # Of a begin that was cut off.
        node.outside(file).unlink(missing_ok=True)
        content = each.alone if node.outside(each.alone).exists() else each.schema
        if found := each.earlier(node, view):
            content = f"{each.base}_recovered.db"
            node.outside(content).unlink(missing_ok=True)
            node.inside(["ovsdb-tool", "cluster-to-standalone", content, found[0]], seconds=120)
        node.inside(["ovsdb-tool", "create-cluster", file, content, each.address(view.here)], seconds=120)


def join(site: Site, node: Node, emit: Emit) -> None:
    """Have a file that joins the cluster, where this host has none."""
    view = site.view_of(node)
    others = [each for each in view.controls if each is not view.here]
    for each in DATABASES:
        if not node.outside(each.file(view)).exists():
            addresses = [each.address(view.here), *map(each.address, others)]
            node.inside(["ovsdb-tool", "join-cluster", each.file(view), each.name, *addresses])


def members(site: Site, node: Node) -> tuple[int, int]:
    """How many members of the northbound database this host's member is connected to, and itself. The southbound one
    has the same members."""
    argv = ["ovs-appctl", f"--target={CONTROL}", "cluster/status", NORTH.name]
    return connected(node.inside(argv, seconds=10)), len(site.view_of(node).controls)


def connected(status: str) -> int:
    """How many members work together, from the output of `cluster/status`; none where there is no leader.

    A line says `Connections: ->1f2a <-1f2a (->77c0)`: what is in brackets is not connected.
    """
    lines = dict(
        line.split(":", 1) for line in status.splitlines() if ":" in line and not line.startswith(" ")
    )
    if lines.get("Leader", "unknown").strip() == "unknown":
        return 0
    words = lines.get("Connections", "").split()
    return 1 + len({word[2:] for word in words if word.startswith("->")})


def look(site: Site, node: Node) -> tuple[str, bool, int]:
    """What this host has of both databases, and with whom its members work together."""
    words = []
    for each in DATABASES:
        file = node.outside(each.file(site.view_of(node)))
        size = f"{file.stat().st_size // 1024} KiB" if file.exists() else "no file"
        try:
            argv = ["ovs-appctl", f"--target={CONTROL}", "cluster/status", each.name]
            count = connected(node.inside(argv, seconds=10))
            words.append(f"{each.name}: {size}, {f'{count} members' if count else 'no majority'}")
        except OneStackError:
            words.append(f"{each.name}: {size}, does not run")
    return "; ".join(words), False, -1


def withdraw(site: Site, node: Node, gone: HostView) -> None:
    """Take a lost host's members out of both clusters: a majority is counted without them from then on."""
    for each in DATABASES:
        until(
            f"{each.name} to go on without {gone.name}",
            partial(_without, node, each, each.address(gone)),
            seconds=WITHDRAW_SECONDS,
            every=1.0,
            where=node.log(NAME),
        )


def _without(node: Node, database: Database, address: str) -> tuple[bool, str]:
    """Whether a database has no member at an address; else its removal is asked for, which may need a new leader."""
    ask = ("ovs-appctl", f"--target={CONTROL}")
    server = server_at(node.inside([*ask, "cluster/status", database.name], seconds=10), address)
    if not server:
        return True, ""
    try:
        return False, node.inside([*ask, "cluster/kick", database.name, server], seconds=10).strip()
    except CommandFailed as error:
        return False, error.detail or error.summary


def server_at(status: str, address: str) -> str:
    """The id of the member at an address, from the output of `cluster/status`; empty where there is none.

    A line says `    1f2a (1f2a at ssl:192.0.2.12:6643) last msg 1 ms ago`.
    """
    for line in status.splitlines():
        words = line.split()
        if len(words) > 3 and words[2] == "at" and words[3].rstrip(")") == address:
            return words[0]
    return ""


def steps(view: View) -> tuple[Step, ...]:
    if not processes(view):
        return ()
    return (
        Step(JOIN, join, leader(Form.task(NAME))),
        Step(ACCESS, give_access, local(NAME), scope="leader"),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    steps=steps,
    form=Form(state, choose, begin),
    members=members,
    look=look,
    withdraw=withdraw,
    stays_with_guests=True,
)
