"""RabbitMQ: the bus between hosts, on the leader's address, with TLS in both directions and a user for each host.

One host has none: there the bus is inside the processes. Erlang's own protocol, by which nodes and `rabbitmqctl`
talk, stays on loopback with one control host, and so does epmd, which tells them each other's ports. epmd is a
process of its own here: RabbitMQ would start one that outlives it.

With several control hosts each has a node of one RabbitMQ cluster, whose queues are copied to all. Nodes talk with
TLS, and the cookie that they know each other by is a secret of the cloud.

Both run in a tree beside the base: a cloud of one host, which does without it, takes on other hosts and is left by
them while all else goes on in the same base.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from functools import partial
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.errors import OneStackError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.host.command import CommandFailed, run
from onestack.host.machine import File
from onestack.platform import bus_nodes, owned, underlay
from onestack.platform.bus_users import definitions
from onestack.platform.places import (
    BUS_METRICS_PORT,
    BUS_PORT,
    CA,
    EPMD_PORT,
    HOST_CERTIFICATE,
    HOST_KEY,
    NODES_PORT,
    NODES_SECRET,
)
from onestack.platform.shape import Folder, InfrastructureService, Need, Process, Ready, Scope, Step, local
from onestack.platform.view import HostView, View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME, EPMD = "rabbitmq", "epmd"
TREE = "bus"
"""The tree beside the base that its host has."""
FILES, USERS = "bus files", "bus users"

WITHDRAW_SECONDS = 120.0
"""How long the cluster may take to forget a node: it notices after seconds that a host was lost, and each call of
its tool starts an Erlang."""
HOME = f"{LIB}/rabbitmq"
DATA = f"{HOME}/data"
TLS = f"{HOME}/tls"
KNOWN = f"{DATA}/definitions.json"
"""The users and permissions that RabbitMQ imported last."""

UNREACHED = (69, 75)
"""Exit statuses of `rabbitmqctl` that did not reach the node, or had no answer in time (sysexits.h)."""
REACH_SECONDS = 60.0

_PROGRAMS = "/usr/lib/rabbitmq/bin"
# setpriv execs, so the supervised pid is the daemon's own.
_AS_RABBITMQ = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--no-new-privs",
                "--inh-caps=-all", "--bounding-set=-all")  # fmt: skip
_ENVIRONMENT = {
    "RABBITMQ_CONFIG_FILE": f"{HOME}/rabbitmq.conf",
    "RABBITMQ_ADVANCED_CONFIG_FILE": f"{HOME}/advanced.config",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{HOME}/enabled_plugins",
    # Ignore Debian's file: it is for a RabbitMQ of the machine's own.
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_PID_FILE": f"{DATA}/pid",
    "RABBITMQ_LOGS": "-",
    # Makes the start script exec Erlang: a shell that is killed would leave it running.
    "RUNNING_UNDER_SYSTEMD": "true",
    "RABBITMQ_DIST_PORT": str(NODES_PORT),
}
# For a small machine: two schedulers, without busy waiting.
_SMALL = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
_INETRC = f"{HOME}/inetrc"
"""The nodes' addresses, in a file of Erlang's."""
_NODES = f"{HOME}/nodes.config"
"""TLS between nodes."""


# RabbitMQ and its tools start an epmd themselves if they find none, in the moment when this one is restarted for
# instance; that one would keep the port. Nodes register again with a new one.
_START_EPMD = f"{EPMD} -kill >/dev/null 2>&1; exec {EPMD}"


def _data(view: View) -> str:
    """The folder of a member's data, in that of all data. What a cluster had that was recovered stays behind: its
    queues are made anew, by their clients."""
    return f"members-{view.cloud.generation}" if view.cloud.generation else "members"


def _erlang(view: View) -> dict[str, str]:
    """The environment of epmd, and of all programs in Erlang."""
    address = f"127.0.0.1,{view.here.address}" if view.replicated else "127.0.0.1"
    return {
        "HOME": HOME,
        "ERL_EPMD_ADDRESS": address,
        "ERL_EPMD_PORT": str(EPMD_PORT),
        # Else epmd cannot be ended as long as it knows a node.
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
    }


def environment(view: View) -> dict[str, str]:
    """The environment of RabbitMQ and of its tools."""
    found = {**_erlang(view), **_ENVIRONMENT}
    if not view.replicated:
        return {
            **found,
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_MNESIA_BASE": DATA,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _SMALL,
        }
    nodes = f"-proto_dist inet_tls -ssl_dist_optfile {_NODES}"
    return {
        **found,
        "RABBITMQ_NODENAME": bus_nodes.node_name(view.here.name),
        # A node's data has its name: those of one control host are of another node.
        "RABBITMQ_MNESIA_BASE": f"{DATA}/{_data(view)}",
        "ERL_INETRC": _INETRC,
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{_SMALL} {nodes}",
        "RABBITMQ_CTL_ERL_ARGS": nodes,
    }


# Only a TLS handshake, which verifies both certificates: RabbitMQ takes it for a load balancer's check and does not
# log it.
_CHECK = """\
import socket, ssl, sys
host, port, ca, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
with socket.create_connection((host, int(port)), 5) as plain:
    context.wrap_socket(plain, server_hostname=host).unwrap()
"""


def files(view: View) -> dict[str, str]:
    """In RabbitMQ's home, since only root can read /etc/onestack. They contain no secrets."""
    settings: dict[str, object] = {
        "listeners.tcp": "none",
        "listeners.ssl.1": f"{view.here.address}:{BUS_PORT}",
        "ssl_options.cacertfile": f"{TLS}/ca.pem",
        "ssl_options.certfile": f"{TLS}/host.pem",
        "ssl_options.keyfile": f"{TLS}/host.key",
        # Clients without a certificate of the cloud are rejected before authentication.
        "ssl_options.verify": "verify_peer",
        "ssl_options.fail_if_no_peer_cert": "true",
        "ssl_options.versions.1": "tlsv1.3",
        "ssl_options.versions.2": "tlsv1.2",
        "cluster_name": "onestack",
        "heartbeat": 15,
        "vm_memory_high_watermark.absolute": "400MB",
        "disk_free_limit.absolute": "100MB",
        # The quorum queues' write-ahead log, which is kept in memory, too.
        "raft.wal_max_size_bytes": 32 * 1024 * 1024,
        "collect_statistics_interval": 30000,
        "log.console": "true",
        "log.console.level": "warning",
        "log.file": "false",
    }
    plugins = ""
    if view.cloud.monitoring is not None:
        plugins = "rabbitmq_prometheus"
        settings |= {"prometheus.tcp.ip": "127.0.0.1", "prometheus.tcp.port": BUS_METRICS_PORT}
    found = {f"{HOME}/enabled_plugins": f"[{plugins}].\n"}
    kernel = f"{{inet_dist_use_interface,{bus_nodes.term('127.0.0.1')}}}"
    if view.replicated:
        settings |= bus_nodes.members(view)
        # A node is lost after eight seconds without a sign of it.
        kernel = f"{{inet_dist_use_interface,{bus_nodes.term(view.here.address)}}},{{net_ticktime,8}}"
        found |= {_INETRC: bus_nodes.addresses(view), _NODES: bus_nodes.tls(TLS)}
    found[f"{HOME}/rabbitmq.conf"] = "".join(f"{name} = {value}\n" for name, value in settings.items())
    found[f"{HOME}/advanced.config"] = f"[{{kernel,[{kernel}]}}].\n"
    return found


def needed(view: View) -> bool:
    """Whether the cloud has it."""
    # Nova alone has processes on several hosts that talk by it.
    return bool(view.peers) and "compute" in view.cloud.services


def processes(view: View) -> tuple[Process, ...]:
    if not needed(view):
        return ()
    check = ("python3", "-P", "-c", _CHECK)
    scope = _scope(view)
    return (
        Process(
            EPMD,
            (*_AS_RABBITMQ, "sh", "-c", _START_EPMD),
            Ready(command=("env", f"ERL_EPMD_PORT={EPMD_PORT}", EPMD, "-names"), seconds=20, tree=TREE),
            scope=scope,
            environment=_erlang(view),
            tree=TREE,
        ),
        Process(
            NAME,
            (*_AS_RABBITMQ, f"{_PROGRAMS}/rabbitmq-server"),
            Ready(
                command=(*check, view.here.address, str(BUS_PORT), CA, HOST_CERTIFICATE, HOST_KEY),
                seconds=90,
            ),
            needs=local(EPMD, FILES),
            scope=scope,
            environment=environment(view),
            reads=(CA, HOST_CERTIFICATE, HOST_KEY),
            stop_seconds=60,
            tree=TREE,
        ),
    )


def _scope(view: View) -> Scope:
    return "each" if view.replicated else "leader"


def control(view: View, *words: str) -> list[str]:
    """The command that asks RabbitMQ for something, inside its tree."""
    settings = (
        f"{name}={value}" for name, value in environment(view).items() if name != "RABBITMQ_DIST_PORT"
    )
    return ["env", *settings, *_AS_RABBITMQ, f"{_PROGRAMS}/rabbitmqctl", "--quiet", *words]


def ask(node: Node, view: View, *words: str) -> str:
    """What `rabbitmqctl` answers. It is run again where it does not reach the node, as happens now and then while
    several hosts start at once; so `words` are of a command that may be repeated. Raises CommandFailed, Unready."""

    def poll() -> tuple[bool, str]:
        try:
            return True, node.inside(control(view, *words), seconds=120, patient=True, tree=TREE)
        except CommandFailed as failed:
            if failed.status not in UNREACHED:
                raise
            return False, failed.output.strip().partition("\n")[0]

    return until(
        f"RabbitMQ to answer `rabbitmqctl {words[0]}`",
        poll,
        seconds=REACH_SECONDS,
        every=1,
        where=node.log(NAME),
    )


def write_files(site: Site, node: Node, emit: Emit) -> None:
    """What only its user may read: the host's certificate, and what RabbitMQ and `rabbitmqctl` know each other by."""
    owned.certificates(node, TLS, NAME, TREE)
    cookie, view = f"{HOME}/.erlang.cookie", site.view_of(node)
    if view.replicated:
        text = view.cloud.secrets[NODES_SECRET]
        if view.cloud.generation:
            # Nodes of before the cloud was recovered do not know those of after it.
            text = hashlib.sha256(f"{text} {view.cloud.generation}".encode()).hexdigest()
        for left in node.outside(DATA).glob("members*"):
            if left.name.removesuffix(".json") != _data(view):
                run(["rm", "-rf", str(left)])
    elif not node.outside(cookie).exists():
        text = secrets.token_hex(24)
    else:
        return
    owned.write(node, {cookie: File(text.encode(), 0o400)}, NAME, NAME, TREE)


def ensure_users(site: Site, node: Node, emit: Emit) -> None:
    """Import users and permissions into RabbitMQ, if they have changed: querying RabbitMQ takes seconds."""
    view = site.view_of(node)
    wanted = definitions(view)
    text = json.dumps(wanted, indent=1, sort_keys=True)
    known = node.outside(f"{DATA}/{_data(view)}.json" if view.replicated else KNOWN)
    if known.exists() and known.read_text() == text:
        return
    with step("users of the bus", emit) as at:
        # Its older store does not heal by itself after a cut between control hosts.
        ask(node, view, "enable_feature_flag", "--opt-in", "khepri_db")
        told = f"{DATA}/definitions.new"
        # In two steps: RabbitMQ 4.0 sets topic permissions before it creates exchanges, and cannot create an exchange
        # that has topic permissions.
        for part in (json.dumps({**wanted, "topic_permissions": []}), text):
            owned.write(node, {told: File(part.encode(), 0o400)}, NAME, NAME, TREE)
            ask(node, view, "import_definitions", told)
        there = json.loads(ask(node, view, "list_users", "--formatter", "json"))
        names = {each["name"] for each in wanted["users"]}
        for gone in sorted({each["user"] for each in there} - names):
            ask(node, view, "delete_user", gone)
        node.outside(told).replace(known)
        at.outcome = ", ".join(sorted(names))


def members(site: Site, node: Node) -> tuple[int, int]:
    """How many nodes run, as this host's node sees it."""
    view = site.view_of(node)
    words = control(view, "cluster_status", "--formatter", "json")
    found = json.loads(node.inside(words, seconds=30, tree=TREE))
    return len(found["running_nodes"]), len(view.controls)


def look(site: Site, node: Node) -> tuple[str, bool, int]:
    """Which of its nodes run, as this host's node sees it."""
    try:
        running, size = members(site, node)
    except (OneStackError, ValueError, LookupError):
        return "does not answer", False, -1
    return f"{running} of {size} nodes run", False, -1


def withdraw(site: Site, node: Node, gone: HostView) -> None:
    """Have the cluster forget a lost host's node, and its copies of queues."""
    until(
        f"RabbitMQ to forget {gone.name}",
        partial(_without, site.view_of(node), node, bus_nodes.node_name(gone.name)),
        seconds=WITHDRAW_SECONDS,
        every=1.0,
        where=node.log(NAME),
    )


def _without(view: View, node: Node, name: str) -> tuple[bool, str]:
    """Whether the cluster has no such node; else it is told to forget it, which it refuses while it takes the node
    for a running one."""
    words = control(view, "cluster_status", "--formatter", "json")
    if name not in json.loads(node.inside(words, seconds=30, tree=TREE))["disk_nodes"]:
        return True, ""
    try:
        return False, node.inside(control(view, "forget_cluster_node", name), seconds=60, tree=TREE).strip()
    except CommandFailed as error:
        return False, error.detail or error.summary


def steps(view: View) -> tuple[Step, ...]:
    if not needed(view):
        return ()
    return (
        Step(FILES, write_files, underlay.moved(view) if view.replicated else (), scope=_scope(view)),
        # The first opt-in to its store needs all nodes.
        Step(USERS, ensure_users, (Need(NAME, "all"),), scope="leader"),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    members=members,
    look=look,
    withdraw=withdraw,
    folders=(
        Folder(HOME, "root", NAME, 0o750, TREE),
        Folder(DATA, NAME, NAME, 0o700, TREE),
    ),
)
