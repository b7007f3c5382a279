"""Volumes whose backend is local to a host can be attached on that host only: they are not exported over the
network."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from onestack_runtime import contract

ELSEWHERE = "use a volume type whose storage all hosts share"


def refusal(own: str, connector: Mapping[str, Any]) -> str:
    """Why a volume of the host `own` cannot be attached where `connector` is, or empty.

    Cinder itself, which copies images to volumes, passes the machine's host name; fake hosts never open an attached
    volume.
    """
    host = str(connector.get("host") or own)
    if host in (own, socket.gethostname()) or host.startswith(contract.FAKE_HOST_PREFIX):
        return ""
    return elsewhere(own, host)


def elsewhere(stored: str, host: str) -> str:
    """Why a server on `host` cannot use a volume that the host `stored` has, and what to do."""
    return (
        f"The volume is stored on the host {stored}: only servers of that host can use it, and this one is on "
        f"{host}. Create the server with the scheduler hint {contract.VOLUME_HINT}=VOLUME, move it to {stored} (as "
        f"administrator), or {ELSEWHERE}."
    )


def no_room(host: str) -> str:
    """Why no host takes a server that uses volumes of `host`."""
    return (
        f"The server uses a volume that is stored on the host {host}: only servers of that host can use it, and "
        f"{host} cannot take this one. Make room on {host} or allow the server there, or {ELSEWHERE}."
    )


def stays(host: str) -> str:
    """Why a server that uses volumes of its host is not moved to another one."""
    return (
        f"The server uses a volume that is stored on the host {host}: only servers of that host can use it, so this "
        f"one cannot move. Detach the volume first, or {ELSEWHERE}."
    )


def hosts() -> dict[str, str]:
    """The host that stores the volumes of each backend, the default first; empty where all hosts reach them."""
    found = (each.partition("=") for each in os.environ.get(contract.VOLUME_HOSTS, "").split(",") if each)
    return {backend: host for backend, _, host in found}
