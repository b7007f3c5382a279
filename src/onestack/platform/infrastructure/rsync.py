"""rsync between compute hosts: Nova copies a stopped guest's disks with it when it migrates or resizes it to another
host.

Nova starts rsync, rsync its remote shell, and that is not ssh but the runtime's: it connects to this process on the
other host, with TLS and both hosts' certificates. So there is no further key, no login, and nothing to renew besides
the certificates. The process runs rsync in a sandbox that has guests' files alone.
"""

from __future__ import annotations

import json

from onestack.core import contract
from onestack.core.contract import ETC, RUN
from onestack.platform.infrastructure import libvirt
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY, INSTANCES, RSYNC_PORT
from onestack.platform.shape import COMPUTE, Folder, InfrastructureService, Process, Ready
from onestack.platform.view import View

NAME = "rsync"
_FOLDER = f"{RUN}/{NAME}"
_SOCKET = f"{_FOLDER}/ready.sock"
_PYTHON = ("python3", "-P", "-m")


def needed(view: View) -> bool:
    """Whether the compute hosts of the cloud have it: where there are guests, and several hosts."""
    return bool(view.peers) and libvirt.runs(view)


def nova_environment() -> dict[str, str]:
    """Environment variables of nova-compute, by which rsync knows its remote shell."""
    return {"RSYNC_RSH": " ".join((*_PYTHON, contract.RSYNC_SHELL))}


def files(view: View) -> dict[str, str]:
    settings: contract.RsyncSettings = {
        "address": view.here.address,
        "port": RSYNC_PORT,
        "socket": _SOCKET,
        "folder": INSTANCES,
        "hosts": {host.name: host.address for host in view.hosts if "compute" in host.roles},
        "ca": CA,
        "certificate": HOST_CERTIFICATE,
        "key": HOST_KEY,
    }
    return {contract.RSYNC_SETTINGS: json.dumps(settings, indent=1)}


def processes(view: View) -> tuple[Process, ...]:
    if not needed(view):
        return ()
    return (
        Process(
            NAME,
            (*_PYTHON, contract.RSYNC_SERVER),
            Ready(socket=_SOCKET, seconds=60),
            roles=COMPUTE,
            environment={
                "PYTHONPATH": contract.RUNTIME,
                "PYTHONUNBUFFERED": "1",
                contract.ETC_VARIABLE: ETC,
            },
            reads=(CA, HOST_CERTIFICATE),
        ),
    )


SERVICE = InfrastructureService(
    NAME, processes, files, folders=(Folder(_FOLDER, mode=0o700), Folder(INSTANCES))
)
