"""The API gateway: one HAProxy, one address, every API below a path of its own."""

from __future__ import annotations

from onestack.core import contract
from onestack.core.contract import ETC, RUN
from onestack.platform.infrastructure import galera, gateway_certificate
from onestack.platform.places import (
    ALIVE_PORT,
    API_PORT,
    CA,
    GATEWAY_ADMIN,
    GATEWAY_CERTIFICATE,
    HOST_CERTIFICATE,
    HOST_KEY,
    bracketed,
)
from onestack.platform.shape import Endpoint, Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import View

METADATA_PORT = 8775
MEMBERS = "/onestack/members"
"""The path, at the metadata API's port, where a control host learns whether it still is one."""
CONSOLE = contract.CONSOLE_PATH
"""The path of guests' consoles."""
NAME = "api-gateway"
CONFIG = f"{ETC}/{NAME}/haproxy.cfg"
AWAIT = f"{ETC}/{NAME}/await.lua"
AWAIT_SECONDS = 20
"""How long a request waits for a service that is exchanged, where no other control host has it: as long as a start
takes on a loaded machine. An error would reach users through services that ask each other, and turn it into one that
no client tries again for (Nova's 500)."""
ADMIN_SOCKET = GATEWAY_ADMIN
CERTIFICATE = GATEWAY_CERTIFICATE
METRICS_SOCKET = f"{RUN}/{NAME}/metrics.sock"
"""Where HAProxy's own exporter answers, for root alone."""

_GLOBAL = f"""\
global
    user haproxy
    group {contract.GATEWAY_GROUP}
    maxconn 2000
    nbthread 1
    stats socket {ADMIN_SOCKET} mode 600 level admin
    log stdout format iso local0 notice
    lua-load {AWAIT}
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    log global
    option dontlognull
    option http-keep-alive
    # Only a GET that a service may have received is sent again.
    option redispatch
    retries 3
    retry-on conn-failure empty-response
    timeout connect 5s
    timeout http-request 30s
    timeout http-keep-alive 60s
    timeout client 20m
    timeout server 20m
    # For consoles; the server's pings, every 30 s, end abandoned ones earlier.
    timeout tunnel 12h
"""

# A certificate and key in separate files need an alias.
_HOST = f"""
crt-store host
    load crt "{HOST_CERTIFICATE}" key "{HOST_KEY}" alias "here"
"""

# Cached in memory: every browser requests the dashboard's static files, and its Python process has other work.
_CACHE = """
cache files
    total-max-size 8
    max-object-size 3145728
    max-age 86400
    process-vary on
"""

# HAProxy tries again at once where a socket does not exist: all retries are over within a millisecond. Who exchanges
# a process removes its socket (`readiness.hold_requests`), and it makes it when it can take requests.
_AWAIT = f"""\
local ENOENT = 2
core.register_action("await", {{"http-req"}}, function(txn, socket)
    for _ = 1, {AWAIT_SECONDS * 10} do
        local file, _, error = io.open(socket)
        if file then file:close() end
        if error ~= ENOENT then return end
        core.msleep(100)
    end
end, 1)
"""

_METRICS = f"""
frontend metrics
    bind unix@{METRICS_SOCKET} mode 600
    http-request use-service prometheus-exporter if {{ path /metrics }}
    default_backend nowhere
"""

# A host that is cut off from the others has an API gateway, but no majority of the database: what it answers is old.
_ALIVE = f"""
frontend alive
    bind 127.0.0.1:{ALIVE_PORT}
    monitor-uri /
    monitor fail if {{ nbsrv(majority) lt 1 }}
    default_backend nowhere

backend majority
    option httpchk GET /
    http-check expect status 200
    server mariadb unix@{galera.CHECK_SOCKET} check inter 1s fall 2 rise 1
""".splitlines()


def files(view: View) -> dict[str, str]:
    endpoints, binds = view.cloud.endpoints, view.cloud.binds
    sockets = view.backing.api_socket
    lines = [_GLOBAL, "frontend api", *(f"    bind {each}" for each in binds)]
    lines += ["    http-request disable-l7-retry unless METH_GET"]
    # For the audit log; a client's own such header is overwritten.
    lines += ["    http-request set-header X-Forwarded-For %[src]"]
    if any(" ssl " in each for each in binds):
        lines.append("    http-request set-header X-Forwarded-Proto https")
    if home := next((each.path for each in endpoints.values() if not each.listed), None):
        lines.append(f"    http-request redirect location /{home}/ if {{ path / }}")
    for name, endpoint in sorted(endpoints.items()):
        lines.append(
            f"    use_backend {name} if {{ path /{endpoint.path} }} || {{ path_beg /{endpoint.path}/ }}"
        )
    if view.consoles:
        lines.append(f"    use_backend console if {{ path_beg /{CONSOLE}/ }}")
    lines += ["    default_backend nowhere", "", "backend nowhere"]
    lines += ['    http-request return status 404 content-type text/plain string "no such service"']
    for name, endpoint in sorted(endpoints.items()):
        lines += ["", f"backend {name}", *_page(endpoint), *_servers(view, name, endpoint)]
    if view.replicated:
        lines += _for_other_gateways(view)
        lines += _ALIVE
    if view.consoles:
        lines += ["", "backend console", "    option http-server-close"]
        lines += [f"    server console unix@{sockets(contract.CONSOLE)} maxconn 100"]
    if "compute" in view.cloud.services:
        lines += [
            "",
            "frontend metadata",
            *(f"    bind {each}" for each in _metadata_binds(view)),
            *(_members(view) if view.replicated else ()),
            "    default_backend metadata",
            "",
            "backend metadata",
            *_server("metadata", sockets(contract.METADATA)),
        ]
    text = "\n".join(lines) + "\n"
    if view.cloud.monitoring is not None:
        text += _METRICS
    if any(each.files for each in endpoints.values()):
        text += _CACHE
    if view.peers:
        text = text.replace("\ndefaults\n", f"{_HOST}\ndefaults\n", 1)
    return {f"{NAME}/haproxy.cfg": text, f"{NAME}/{AWAIT.rpartition('/')[2]}": _AWAIT}


def _server(name: str, socket: str) -> list[str]:
    """This host's process, which is waited for."""
    return [f"    http-request lua.await {socket}", f"    server {name} unix@{socket}"]


def _servers(view: View, name: str, endpoint: Endpoint) -> list[str]:
    """The servers of an API: the process of this host, and, with several control hosts, those of the others.

    An API whose data are partly on the leader's disk is asked there first (`Endpoint.leader_first`).

    The others are used while it is not here, or not healthy: then their API gateways pass the requests on. Requests
    that wait for a host end when it counts as lost, instead of after the server's timeout. As long as
    none is healthy, this host's own is tried, as with one control host: it may start right now.
    """
    if not view.replicated:
        return _server(name, view.backing.api_socket(name))
    own = f"    server {name} unix@{view.backing.api_socket(name)}"
    here = endpoint.scope == "each" or view.leads
    others = [each for each in view.controls if each is not view.here]
    if endpoint.scope == "leader":
        others = [each for each in others if each.name == view.cloud.leader]
    leader_elsewhere = endpoint.leader_first and not view.leads
    found = [
        *_only_by_the_leader(view, name, endpoint),
        f"    option httpchk GET /{endpoint.path}{contract.HEALTH_PATH}",
        "    http-check expect status 200",
        "    timeout check 2s",
    ]
    if here:
        none = f"if {{ nbsrv({name}) eq 0 }}"
        found += [f"    force-persist {none}", f"    use-server {name} {none}"]
        found.append(
            f"{own} check inter 2s fastinter 500ms downinter 250ms fall 2 rise 1"
            + (" backup" if leader_elsewhere else "")
        )
    # As long as the leader counts as healthy, all requests of an API that asks it first go there.
    times = f"inter {2 if leader_elsewhere else 5}s fastinter 1s downinter 1s fall 2 rise 1"
    for each in others:
        found.append(
            f"    server {each.name} {bracketed(each.address)}:{API_PORT} ssl crt @host/here ca-file {CA}"
            f" verify required verifyhost {each.name} check check-ssl {times} on-marked-down shutdown-sessions"
            + (" backup" if here and not (leader_elsewhere and each.name == view.cloud.leader) else "")
        )
    return found


def _only_by_the_leader(view: View, name: str, endpoint: Endpoint) -> list[str]:
    """The rules for what only the leader's process can serve: on the leader always by that process, which may start
    right now; elsewhere refused while the leader does not answer."""
    lines = []
    for each in endpoint.on_leader:
        which = [f"{{ method {' '.join(each.methods)} }}"] if each.methods else []
        which += [f"{{ path_reg {each.path} }}"] if each.path else []
        if view.leads:
            lines += [f"    {what} if {' '.join(which)}" for what in ("force-persist", f"use-server {name}")]
        else:
            away = f"{' '.join(which)} !{{ srv_is_up({name}/{view.cloud.leader}) }}"
            text = f"{view.cloud.leader} does not answer, and this needs what is on its disk"
            lines.append(
                f'    http-request return status 503 content-type text/plain string "{text}" if {away}'
            )
    return lines


def _for_other_gateways(view: View) -> list[str]:
    """The APIs of this host for the API gateways of other control hosts, which decide about others."""
    endpoints = {
        name: each for name, each in view.cloud.endpoints.items() if each.scope == "each" or view.leads
    }
    names = " ".join(each.name for each in view.controls)
    lines = ["", "frontend gateways"]
    lines += [
        f"    bind {bracketed(view.here.address)}:{API_PORT} ssl crt @host/here ca-file {CA} verify required"
    ]
    lines += [f"    http-request deny unless {{ ssl_c_s_dn(cn) -m str {names} }}"]
    for name, endpoint in sorted(endpoints.items()):
        lines.append(
            f"    use_backend {name}-here if {{ path /{endpoint.path} }} || {{ path_beg /{endpoint.path}/ }}"
        )
    lines.append("    default_backend nowhere")
    for name in sorted(endpoints):
        lines += ["", f"backend {name}-here", f"    server {name} unix@{view.backing.api_socket(name)}"]
    return lines


def _metadata_binds(view: View) -> list[str]:
    """The addresses on which OVN agents reach the metadata API: loopback for this host's agent, TLS for other
    hosts'."""
    binds = [f"{view.backing.local}:{METADATA_PORT}"]
    if view.peers:
        other = f"{bracketed(view.here.address)}:{METADATA_PORT}"
        binds.append(f"{other} ssl crt @host/here ca-file {CA} verify required")
    if view.cloud.address:
        virtual = f"{bracketed(view.cloud.address)}:{METADATA_PORT}"
        binds.append(f"{virtual} transparent ssl crt @host/here ca-file {CA} verify required")
    return binds


def _members(view: View) -> list[str]:
    """The answer to a control host that comes back: how often the cloud was recovered, and who has members. Guests'
    requests, which the agents pass on, do not get it."""
    text = " ".join([str(view.cloud.generation), *(each.name for each in view.controls)])
    asked = f"{{ path {MEMBERS} }} !{{ hdr(X-Forwarded-For) -m found }}"
    return [f'    http-request return status 200 content-type text/plain string "{text}" if {asked}']


def _page(endpoint: Endpoint) -> list[str]:
    """The rules of a web page: responses common to all users are cached."""
    if not endpoint.files:
        return []
    return [
        f"    http-request set-var(txn.file) bool(true) if {{ path_beg /{endpoint.files}/ }}",
        "    http-request cache-use files if { var(txn.file) -m bool }",
        "    http-response cache-store files if { var(txn.file) -m bool }",
    ]


def processes(view: View) -> tuple[Process, ...]:
    ready = Ready(socket=ADMIN_SOCKET, seconds=20)
    # HAProxy reads certificates only when it starts; that of the APIs is exchanged while it runs.
    reads = (CA, HOST_CERTIFICATE) if view.peers else ()
    return (Process(NAME, ("haproxy", "-db", "-f", CONFIG), ready, reads=reads),)


def _steps(view: View) -> tuple[Step, ...]:
    if not any(" ssl " in each for each in view.cloud.binds):
        return ()
    return (Step(gateway_certificate.STEP, gateway_certificate.take, local(NAME)),)


SERVICE = InfrastructureService(
    NAME, processes, files, steps=_steps, folders=(Folder(f"{RUN}/{NAME}", mode=0o700),)
)
