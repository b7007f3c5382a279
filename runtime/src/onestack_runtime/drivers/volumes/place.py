"""Volumes of a backend that lies on one host are attached on that host alone: nothing carries them to another."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from onestack_runtime import contract


def refusal(own: str, connector: Mapping[str, Any]) -> str:
    """Why a volume of the host `own` cannot be attached where `connector` is, or empty.

    Cinder itself, which copies images to volumes, gives the machine's name for its host; on fake hosts nothing opens
    what is attached.
    """
    host = str(connector.get("host") or own)
    if host in (own, socket.gethostname()) or host.startswith(contract.FAKE_HOST_PREFIX):
        return ""
    return (
        f"The volume is stored on the host {own}: only servers of that host can use it, and this one is on {host}. "
        f"Create the server on {own}, or use a volume type whose storage all hosts share."
    )
