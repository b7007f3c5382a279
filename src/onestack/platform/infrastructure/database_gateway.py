"""The database gateway, where there are several control hosts: an HAProxy by which services reach MariaDB.

One member of the Galera cluster is written to at a time, since two that write the same rows at once refuse each
other's. All gateways use the first member that may be used, and tell each other, so that all have the same. They
remain with it when an earlier one comes back, unless the gateway there takes connections before it has heard from the
others: then new connections go to that one, and old ones stay.

Services connect to a socket of their own host; between hosts, gateways speak TLS in both directions. So MariaDB has
no port, and its users are those of one host.
"""

from __future__ import annotations

from onestack.core.contract import ETC, RUN
from onestack.platform.infrastructure import galera, mariadb
from onestack.platform.places import (
    CA,
    DATABASE_CHECK_PORT,
    DATABASE_GATEWAY_SOCKET,
    DATABASE_PEERS_PORT,
    DATABASE_PORT,
    DATABASE_SOCKET,
    HOST_CERTIFICATE,
    HOST_KEY,
    bracketed,
)
from onestack.platform.shape import InfrastructureService, Process, Ready, local
from onestack.platform.view import View

NAME = mariadb.GATEWAY
CONFIG = f"{ETC}/{NAME}/haproxy.cfg"
_ADMIN_SOCKET = f"{RUN}/database/admin.sock"

# MariaDB speaks first: what comes is its greeting, whose fifth byte is the protocol's version. Without a usable
# member the gateway closes the connection.
_CHECK = """\
import socket, sys
with socket.socket(socket.AF_UNIX) as gateway:
    gateway.settimeout(5)
    gateway.connect(sys.argv[1])
    sys.exit(gateway.recv(5)[4:] != b"\\n")
"""

_GLOBAL = f"""\
global
    user haproxy
    group haproxy
    maxconn 4000
    nbthread 1
    stats socket {_ADMIN_SOCKET} mode 600 level admin
    log stdout format iso local0 notice
    ssl-default-bind-options ssl-min-ver TLSv1.2

crt-store host
    load crt "{HOST_CERTIFICATE}" key "{HOST_KEY}" alias "here"

defaults
    mode tcp
    log global
    retries 3
    option redispatch 1
    timeout connect 2s
    timeout check 1s
    # Services keep idle connections for an hour.
    timeout client 2h
    timeout server 2h
"""

_VERIFIED = f"ssl crt @host/here ca-file {CA} verify required"


def files(view: View) -> dict[str, str]:
    here = bracketed(view.here.address)
    names = " ".join(each.name for each in view.controls)
    only_control = f"tcp-request content reject unless {{ ssl_c_s_dn(cn) -m str {names} }}"
    lines = [
        _GLOBAL,
        "peers members",
        f"    bind {here}:{DATABASE_PEERS_PORT} {_VERIFIED}",
        f"    default-server {_VERIFIED}",
        *(f"    server {each.name}{_peer(view, each.name, each.address)}" for each in view.controls),
        "",
        "listen services",
        f"    bind unix@{DATABASE_GATEWAY_SOCKET} mode 600",
        "    option httpchk GET /",
        "    http-check expect status 200",
        # One entry, for all connections: the member that is in use.
        "    stick-table type integer size 1 peers members",
        "    stick on int(1)",
        f"    default-server check port {DATABASE_CHECK_PORT} check-ssl inter 500ms fastinter 200ms downinter 500ms"
        " fall 2 rise 2 observe layer4 error-limit 1 on-error mark-down on-marked-down shutdown-sessions",
        *(
            f"    server {each.name} {bracketed(each.address)}:{DATABASE_PORT} {_VERIFIED}"
            f" verifyhost {each.name}{'' if place == 0 else ' backup'}"
            for place, each in enumerate(view.controls)
        ),
        "",
        "frontend hosts",
        f"    bind {here}:{DATABASE_PORT} {_VERIFIED}",
        f"    {only_control}",
        "    default_backend own",
        "",
        "backend own",
        f"    server own unix@{DATABASE_SOCKET}",
        "",
        "frontend check",
        f"    bind {here}:{DATABASE_CHECK_PORT} {_VERIFIED}",
        "    mode http",
        "    timeout client 5s",
        "    default_backend own-check",
        "",
        "backend own-check",
        "    mode http",
        "    timeout server 5s",
        f"    server own unix@{galera.CHECK_SOCKET}",
    ]
    return {f"{NAME}/haproxy.cfg": "\n".join(lines) + "\n"}


def _peer(view: View, name: str, address: str) -> str:
    """The rest of a peer's line; this host's own has none, for it is the `bind`."""
    if name == view.here.name:
        return ""
    return f" {bracketed(address)}:{DATABASE_PEERS_PORT} verifyhost {name}"


def processes(view: View) -> tuple[Process, ...]:
    if not view.replicated:
        return ()
    return (
        Process(
            NAME,
            ("haproxy", "-db", "-L", view.here.name, "-f", CONFIG),
            Ready(command=("python3", "-P", "-c", _CHECK, DATABASE_GATEWAY_SOCKET), seconds=60),
            needs=local(galera.CHECK, mariadb.NAME),
            reads=(CA, HOST_CERTIFICATE),
        ),
    )


SERVICE = InfrastructureService(NAME, processes, files)
