"""libvirt of the cloud's own: sockets, domains and logs inside the namespace, never the host's."""

from __future__ import annotations

from onestack.core.contract import LIB, RUN
from onestack.platform import ceph
from onestack.platform.shape import COMPUTE, Folder, InfrastructureService, Process, Ready, local
from onestack.platform.view import View

NAMES = LOGGER, NAME = "virtlogd", "libvirtd"

_LIBVIRTD = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
min_workers = 2
max_workers = 12
prio_workers = 2
log_outputs = "2:stderr"
"""

# cgroups and the per-domain mount namespace are left out: nothing of ours may stay in the host's cgroup tree,
# and a guest must be found as ours by its mount namespace. AppArmor's profiles are the host's, not the base's.
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
        "libvirt/libvirtd.conf": _LIBVIRTD,
        "libvirt/qemu.conf": _QEMU,
        "libvirt/virtlogd.conf": _VIRTLOGD,
    }


def processes(view: View) -> tuple[Process, ...]:
    if view.here.virt_type == "fake" or "compute" not in view.cloud.services:
        return ()
    return (
        Process(
            LOGGER,
            ("virtlogd",),
            Ready(socket=f"{RUN}/libvirt/virtlogd-sock", seconds=30),
            roles=COMPUTE,
        ),
        Process(
            NAME,
            ("libvirtd",),
            Ready(command=("virsh", "--connect", "qemu:///system", "uri"), seconds=60),
            needs=local(LOGGER),
            roles=COMPUTE,
            reads=ceph.READS,
            environment={"MALLOC_ARENA_MAX": "2"},
        ),
    )


SERVICE = InfrastructureService(
    NAME, processes, files, folders=(Folder(f"{LIB}/libvirt"), Folder(f"{RUN}/libvirt"))
)
