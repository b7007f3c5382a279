"""The cloud's own libvirt: its sockets, domains and logs are inside the namespace; the host's libvirt is not used."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from onestack.core.contract import ETC, LIB, RUN
from onestack.core.events import Emit
from onestack.platform import ceph, owned
from onestack.platform.infrastructure import lease
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY
from onestack.platform.shape import COMPUTE, Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAMES = LOGGER, NAME = "virtlogd", "libvirtd"
TLS_FILES = "migration certificates"

TLS = "/etc/libvirt/tls"
"""The host's certificate, under the names that QEMU and libvirt's client look for; the default, /etc/pki, does not
exist in the base."""
_COPIES = {
    **dict.fromkeys(("ca-cert.pem", "cacert.pem"), CA),
    **dict.fromkeys(("server-cert.pem", "client-cert.pem", "clientcert.pem"), HOST_CERTIFICATE),
    **dict.fromkeys(("server-key.pem", "client-key.pem", "clientkey.pem"), HOST_KEY),
}

_LIBVIRTD = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = {tls}
listen_tcp = 0
min_workers = 2
max_workers = 12
prio_workers = 2
log_outputs = "2:stderr"
"""

# Without cgroups, so that nothing remains in the host's cgroup tree. Without a mount namespace for each domain:
# guests are recognised as the cloud's by theirs. Without AppArmor, whose profiles are the host's and not the base's.
_QEMU = """\
user = "libvirt-qemu"
group = "libvirt-qemu"
dynamic_ownership = 1
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "logd"
max_core = 0
"""

_VIRTLOGD = """\
max_size = 2097152
max_backups = 2
log_outputs = "2:stderr"
"""


def files(view: View) -> dict[str, str]:
    return {
        "libvirt/libvirtd.conf": _LIBVIRTD.format(tls=1 if view.peers else 0) + _listening(view),
        "libvirt/qemu.conf": _QEMU + _encrypting(view),
        "libvirt/virtlogd.conf": _VIRTLOGD,
    }


def host_uuid(name: str) -> str:
    """The UUID by which libvirt tells hosts apart. The firmware's may be the same on several hosts, or on several
    simulated hosts on one machine."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"onestack:host:{name}"))


def _listening(view: View) -> str:
    """The part of libvirtd.conf for migrations, which the two hosts' libvirtds negotiate."""
    if not view.peers:
        return ""
    allowed = ", ".join(f'"CN={host.name}"' for host in view.hosts if "compute" in host.roles)
    return f"""\
host_uuid = "{host_uuid(view.here.name)}"
listen_addr = "{view.here.address}"
ca_file = "{CA}"
cert_file = "{HOST_CERTIFICATE}"
key_file = "{HOST_KEY}"
tls_allowed_dn_list = [{allowed}]
"""


def _encrypting(view: View) -> str:
    """The part of qemu.conf for TLS: migrations to another host, and consoles' connections to the proxy."""
    if not view.peers:
        return ""
    kinds = ("default", "migrate", "vnc")
    return "\n".join(
        [
            *(f'{kind}_tls_x509_cert_dir = "{TLS}"' for kind in kinds),
            *(f"{kind}_tls_x509_verify = 1" for kind in kinds),
            "migrate_tls_force = 1",
            f'migration_address = "{view.here.address}"',
            "vnc_tls = 1",
            "",
        ]
    )


def runs(view: View) -> bool:
    """Whether hosts like `view.here` have it: those with real guests."""
    return view.here.virt_type != "fake" and "compute" in view.cloud.services


def processes(view: View) -> tuple[Process, ...]:
    if not runs(view):
        return ()
    between = bool(view.peers)
    return (
        Process(
            LOGGER,
            ("virtlogd",),
            Ready(socket=f"{RUN}/libvirt/virtlogd-sock", seconds=30),
            roles=COMPUTE,
        ),
        Process(
            NAME,
            ("libvirtd", "--listen") if between else ("libvirtd",),
            Ready(command=("virsh", "--connect", "qemu:///system", "uri"), seconds=60),
            needs=local(LOGGER, *((TLS_FILES,) if between else ()), *lease.needs(view)),
            roles=COMPUTE,
            reads=(*ceph.READS, *((CA, HOST_CERTIFICATE) if between else ())),
            environment={"MALLOC_ARENA_MAX": "2"},
        ),
    )


def write_certificates(site: Site, node: Node, emit: Emit) -> None:
    """Copy the host's certificate to where QEMU, which does not run as root, can read it."""
    # This folder is mounted at /etc/libvirt.
    place = f"{ETC}/libvirt/tls"
    owned.folder(node, place, "root", "libvirt-qemu", 0o750)
    copies = {f"{place}/{name}": source for name, source in _COPIES.items()}
    owned.copy(node, copies, "root", "libvirt-qemu", mode=0o640)


def steps(view: View) -> tuple[Step, ...]:
    return (Step(TLS_FILES, write_certificates, roles=COMPUTE),) if view.peers and runs(view) else ()


SERVICE = InfrastructureService(
    NAME, processes, files, steps, folders=(Folder(f"{LIB}/libvirt"), Folder(f"{RUN}/libvirt"))
)
