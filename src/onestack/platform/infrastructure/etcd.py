"""etcd: where hosts renew their leases, and where control hosts agree on which host is fenced; where healing is on.

One control host has one member, three or five have one each. Clients need a certificate of the cloud's CA and a
password: a host may write its own lease and read its own fence mark, and nothing else. They use etcd's JSON gateway
(`platform.keyvalue`).

What is in it is only of use now, but for the history. So a cloud whose control hosts change begins a new one, in a
folder whose name is a digest of its members: nothing has to be added to or taken out of an old one.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.errors import OneStackError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.platform import between_hosts, keyvalue, owned, underlay
from onestack.platform.keyvalue import KeyValue, Refused
from onestack.platform.places import (
    CA,
    ETCD_PEER_PORT,
    ETCD_PORT,
    HOST_CERTIFICATE,
    HOST_KEY,
    bracketed,
    lease_secret,
)
from onestack.platform.shape import Folder, InfrastructureService, Need, Process, Ready, Step, local
from onestack.platform.view import HostView, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "etcd"
TREE = "etcd"
FILES, USERS = "etcd files", "etcd users"
ROOT, HEALER = "root", "healer"
"""etcd's administrator, and the control hosts' user, which is also the healer's name in supervisord. A host's user is
`host-NAME`."""
HOSTS, MARKS = "/hosts/", "/marks/"
"""Leases and fence marks, by host."""
SECONDS = 60.0
"""How long its members may take to agree on a leader."""

HOME = f"{LIB}/etcd"
TLS = f"{HOME}/tls"
_AS_ETCD = ("setpriv", "--reuid=etcd", "--regid=etcd", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all")  # fmt: skip
# Only a TLS handshake: a member without a majority is no reason to restart it.
_CHECK = """\
import socket, ssl, sys
host, port, ca, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
with socket.create_connection((host, int(port)), 5) as plain:
    context.wrap_socket(plain, server_hostname=host).close()
"""


def needed(view: View) -> bool:
    """Whether the cloud has it."""
    return view.cloud.healing is not None and bool(view.peers)


def host_user(host: str) -> str:
    """The user by which a host renews its lease."""
    return f"host-{host}"


def secret_names(hosts: Iterable[HostView]) -> list[str]:
    """The names of the secrets with its users' passwords."""
    return [*map(lease_secret, (ROOT, HEALER)), *(lease_secret(host_user(each.name)) for each in hosts)]


def own_password(view: View) -> str:
    """The password by which the agent of `view.here` renews its lease; empty where it has none."""
    if not needed(view) or "compute" not in view.here.roles:
        return ""
    return view.cloud.secrets[lease_secret(host_user(view.here.name))]


def members(view: View) -> dict[str, str]:
    """The URL by which other members reach each one."""
    if not view.replicated:
        return {each.name: f"https://127.0.0.1:{ETCD_PEER_PORT}" for each in view.controls}
    return {each.name: f"https://{bracketed(each.address)}:{ETCD_PEER_PORT}" for each in view.controls}


def endpoints(view: View) -> list[tuple[str, int]]:
    """Where clients reach it, this host's own member first."""
    nearest = sorted(view.controls, key=lambda each: (each.name != view.here.name, each.name))
    return [(each.address, ETCD_PORT) for each in nearest]


def processes(view: View) -> tuple[Process, ...]:
    if not needed(view):
        return ()
    urls, here = members(view), view.here
    # On a host that is no control host this is rendered too, and not run.
    peer = urls.get(here.name, "")
    client = f"https://{bracketed(here.address)}:{ETCD_PORT}"
    token = hashlib.sha256(repr(sorted(urls.items())).encode()).hexdigest()[:12]
    files = {
        "cert-file": f"{TLS}/host.pem",
        "key-file": f"{TLS}/host.key",
        "trusted-ca-file": f"{TLS}/ca.pem",
    }
    words = {
        "name": here.name,
        "data-dir": f"{HOME}/{token}",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": ",".join(f"{name}={url}" for name, url in sorted(urls.items())),
        "initial-cluster-token": token,
        "initial-cluster-state": "new",
        **files,
        **{f"peer-{name}": file for name, file in files.items()},
        "auto-compaction-mode": "revision",
        "auto-compaction-retention": "1000",
        "quota-backend-bytes": str(128 << 20),
        "snapshot-count": "5000",
        # Its passwords are random: no number of tries finds them.
        "bcrypt-cost": "4",
        "logger": "zap",
        "log-level": "warn",
    }
    options = [f"--{name}={value}" for name, value in words.items()]
    # With a CA's file it asks for certificates. With --client-cert-auth it would take users from them, too, and
    # refuse its gateway to clients whose certificates have a name.
    options += ["--peer-client-cert-auth"]
    check = ("python3", "-P", "-c", _CHECK, here.address, str(ETCD_PORT), CA, HOST_CERTIFICATE, HOST_KEY)
    return (
        Process(
            NAME,
            (*_AS_ETCD, "etcd", *options),
            Ready(command=check, seconds=60),
            needs=local(FILES, between_hosts.STEP),
            environment={"GOMAXPROCS": "2", "GOMEMLIMIT": "64MiB", "HOME": HOME},
            reads=(CA, HOST_CERTIFICATE, HOST_KEY),
            tree=TREE,
        ),
    )


def write_files(site: Site, node: Node, emit: Emit) -> None:
    """The host's certificate, where its user may read it."""
    owned.certificates(node, TLS, "etcd", TREE)


def client(site: Site, user: str) -> KeyValue:
    """A client of this cloud's etcd. `user`: ROOT, HEALER or a host's; this host must have its password."""
    view = site.view
    return keyvalue.of_node(site.here, endpoints(view), user, view.cloud.secrets[lease_secret(user)])


def ensure_users(site: Site, node: Node, emit: Emit) -> None:
    """Have a user for each host and one for the control hosts, and no access without."""
    root = client(site, ROOT)
    until(
        "etcd to have a leader",
        partial(_answers, root),
        seconds=SECONDS,
        every=0.2,
        where=node.log(NAME),
    )
    secrets = site.view.cloud.secrets
    with step(USERS, emit):
        if not root.is_closed():
            root.add_user(ROOT, secrets[lease_secret(ROOT)], {}, role=ROOT)
            root.close_to_others()
        wanted: dict[str, dict[str, tuple[str, str]]] = {HEALER: {"/": ("0", "READWRITE")}}
        for each in site.view.hosts:
            own = {f"{HOSTS}{each.name}": ("", "READWRITE"), f"{MARKS}{each.name}": ("", "READ")}
            wanted[host_user(each.name)] = own
        for user, rights in wanted.items():
            # A change ends all users' tokens.
            if user not in root.roles_of(user) or not _is_known(client(site, user)):
                root.add_user(user, secrets[lease_secret(user)], rights)
        for gone in sorted({*root.users()} - {ROOT, *wanted}):
            root.delete_user(gone)
            root.delete(f"{HOSTS}{gone.removeprefix(host_user(''))}")
    # Hosts that return from a fence wait for it while they come up.
    node.supervisor.launch(HEALER)


def _is_known(user: KeyValue) -> bool:
    """Whether its password is right."""
    try:
        return user.is_closed()
    except Refused:
        return False
    finally:
        user.end()


def _answers(root: KeyValue) -> tuple[bool, str]:
    try:
        root.is_closed()
    except Refused:
        raise
    except OneStackError as error:
        return False, str(error)
    return True, ""


def steps(view: View) -> tuple[Step, ...]:
    if not needed(view):
        return ()
    return (
        Step(FILES, write_files, underlay.moved(view)),
        Step(USERS, ensure_users, (Need(NAME, "all"),), scope="leader"),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    steps=steps,
    folders=(Folder(HOME, "etcd", "etcd", 0o700, TREE),),
)
