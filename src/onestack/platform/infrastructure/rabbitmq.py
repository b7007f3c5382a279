"""RabbitMQ: the bus between hosts, on the leader's address, with TLS in both directions and a user for each host.

One host has none: there the bus is inside the processes. Erlang's own protocol, by which nodes and `rabbitmqctl`
talk, stays on loopback, and so does epmd, which tells them each other's ports. epmd is a process of its own here:
RabbitMQ would start one that outlives it.

Both run in a tree beside the base: a cloud of one host, which does without it, takes on other hosts and is left by
them while all else goes on in the same base.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.events import Emit, step
from onestack.host.machine import File
from onestack.platform import owned
from onestack.platform.bus_users import definitions
from onestack.platform.places import BUS_PORT, CA, HOST_CERTIFICATE, HOST_KEY
from onestack.platform.shape import Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME, EPMD = "rabbitmq", "epmd"
TREE = "bus"
"""The tree beside the base that its host has."""
FILES, USERS = "bus files", "bus users"

HOME = f"{LIB}/rabbitmq"
DATA = f"{HOME}/data"
TLS = f"{HOME}/tls"
KNOWN = f"{DATA}/definitions.json"
"""The users and permissions that RabbitMQ imported last."""

_PROGRAMS = "/usr/lib/rabbitmq/bin"
_EPMD_PORT, _NODES_PORT = 4370, 25672
"""Both on loopback. On 4369, Erlang's default, it could conflict with a RabbitMQ of the machine's own."""

# setpriv execs, so the supervised pid is the daemon's own.
_AS_RABBITMQ = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--no-new-privs",
                "--inh-caps=-all", "--bounding-set=-all")  # fmt: skip
_ERLANG = {"HOME": HOME, "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(_EPMD_PORT)}
_ENVIRONMENT = {
    **_ERLANG,
    "RABBITMQ_NODENAME": "rabbit@localhost",
    "RABBITMQ_CONFIG_FILE": f"{HOME}/rabbitmq.conf",
    "RABBITMQ_ADVANCED_CONFIG_FILE": f"{HOME}/advanced.config",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{HOME}/enabled_plugins",
    # Ignore Debian's file: it is for a RabbitMQ of the machine's own.
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_MNESIA_BASE": DATA,
    "RABBITMQ_PID_FILE": f"{DATA}/pid",
    "RABBITMQ_LOGS": "-",
    # Makes the start script exec Erlang: a shell that is killed would leave it running.
    "RUNNING_UNDER_SYSTEMD": "true",
    "RABBITMQ_DIST_PORT": str(_NODES_PORT),
    # For a small machine: two schedulers, without busy waiting.
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
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
    settings = {
        "listeners.tcp": "none",
        "listeners.ssl.1": f"{view.leader.address}:{BUS_PORT}",
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
    loopback = "{127,0,0,1}"
    return {
        f"{HOME}/rabbitmq.conf": "".join(f"{name} = {value}\n" for name, value in settings.items()),
        f"{HOME}/advanced.config": f"[{{kernel,[{{inet_dist_use_interface,{loopback}}}]}}].\n",
        f"{HOME}/enabled_plugins": "[].\n",
    }


def needed(view: View) -> bool:
    """Whether the cloud has it."""
    # Nova alone has processes on several hosts that talk by it.
    return bool(view.peers) and "compute" in view.cloud.services


def processes(view: View) -> tuple[Process, ...]:
    if not needed(view):
        return ()
    check = ("python3", "-P", "-c", _CHECK)
    return (
        Process(
            EPMD,
            (*_AS_RABBITMQ, EPMD),
            Ready(command=("env", f"ERL_EPMD_PORT={_EPMD_PORT}", EPMD, "-names"), seconds=20, tree=TREE),
            scope="leader",
            environment=_ERLANG,
            tree=TREE,
        ),
        Process(
            NAME,
            (*_AS_RABBITMQ, f"{_PROGRAMS}/rabbitmq-server"),
            Ready(
                command=(*check, view.leader.address, str(BUS_PORT), CA, HOST_CERTIFICATE, HOST_KEY),
                seconds=90,
            ),
            needs=local(EPMD, FILES),
            scope="leader",
            environment=_ENVIRONMENT,
            reads=(CA, HOST_CERTIFICATE, HOST_KEY),
            stop_seconds=60,
            tree=TREE,
        ),
    )


def control(*words: str) -> list[str]:
    """The command that asks RabbitMQ for something, inside its tree."""
    settings = (f"{name}={value}" for name, value in _ENVIRONMENT.items() if name != "RABBITMQ_DIST_PORT")
    return ["env", *settings, *_AS_RABBITMQ, f"{_PROGRAMS}/rabbitmqctl", "--quiet", *words]


def write_files(site: Site, node: Node, emit: Emit) -> None:
    """What only its user may read: the host's certificate, and what RabbitMQ and `rabbitmqctl` know each other by."""
    owned.folder(node, TLS, NAME, NAME, 0o700, TREE)
    copies = {f"{TLS}/{place.rpartition('/')[2]}": place for place in (CA, HOST_CERTIFICATE, HOST_KEY)}
    found = {copy: File(node.outside(place).read_bytes(), 0o400) for copy, place in copies.items()}
    cookie = f"{HOME}/.erlang.cookie"
    if not node.outside(cookie).exists():
        found[cookie] = File(secrets.token_hex(24).encode(), 0o400)
    owned.write(node, found, NAME, NAME, TREE)


def ensure_users(site: Site, node: Node, emit: Emit) -> None:
    """Import users and permissions into RabbitMQ, if they have changed: querying RabbitMQ takes seconds."""
    wanted = definitions(site.view_of(node))
    text = json.dumps(wanted, indent=1, sort_keys=True)
    known = node.outside(KNOWN)
    if known.exists() and known.read_text() == text:
        return
    with step("users of the bus", emit) as at:
        # Its older store does not heal by itself after a cut between control hosts.
        node.inside(
            control("enable_feature_flag", "--opt-in", "khepri_db"), seconds=120, patient=True, tree=TREE
        )
        told = f"{DATA}/definitions.new"
        # In two steps: RabbitMQ 4.0 sets topic permissions before it creates exchanges, and cannot create an exchange
        # that has topic permissions.
        for part in (json.dumps({**wanted, "topic_permissions": []}), text):
            owned.write(node, {told: File(part.encode(), 0o400)}, NAME, NAME, TREE)
            node.inside(control("import_definitions", told), seconds=120, patient=True, tree=TREE)
        there = json.loads(node.inside(control("list_users", "--formatter", "json"), seconds=60, tree=TREE))
        names = {each["name"] for each in wanted["users"]}
        for gone in sorted({each["user"] for each in there} - names):
            node.inside(control("delete_user", gone), seconds=60, tree=TREE)
        node.outside(told).replace(known)
        at.outcome = ", ".join(sorted(names))


def steps(view: View) -> tuple[Step, ...]:
    if not needed(view):
        return ()
    return (
        Step(FILES, write_files, scope="leader"),
        Step(USERS, ensure_users, local(NAME), scope="leader"),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    folders=(
        Folder(HOME, "root", NAME, 0o750, TREE),
        Folder(DATA, NAME, NAME, 0o700, TREE),
    ),
)
