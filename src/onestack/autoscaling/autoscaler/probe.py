"""Checks whether a member answers before it is in the pool, from its load balancer's network namespace."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestack.core import contract
from onestack.host.netns import Network
from onestack.platform.site import Site

SECONDS = 2.0
"""The timeout of a check, in seconds."""


@dataclass(frozen=True)
class Check:
    """What is checked: an HTTP response if the pool's monitor uses HTTP, else whether the port is open."""

    port: int
    path: str | None = None
    codes: frozenset[int] = frozenset()


def check_of(monitor: Mapping[str, Any] | None, port: int) -> Check:
    """The same check that a pool's monitor makes."""
    if not monitor or monitor.get("type") != "HTTP":
        return Check(port)
    return Check(
        port, str(monitor.get("url_path") or "/"), _codes(str(monitor.get("expected_codes") or "200"))
    )


def _codes(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def namespace_of(site: Site, balancer: str) -> Network | None:
    """The network namespace of a balancer's HAProxy, if it runs on this host."""
    file = site.leader.outside(
        f"{contract.BALANCER_SOCKETS}/{contract.balancer_name(balancer)}/{contract.HAPROXY_PID}"
    )
    try:
        handle = Path(f"/proc/{int(file.read_text())}/ns/net")
        return Network(handle) if handle.exists() else None
    except (OSError, ValueError):
        return None


def answers(network: Network, check: Check, addresses: Sequence[str]) -> dict[str, bool]:
    """Whether each address answers. The threads that check enter the namespace, and end afterwards."""

    def ask(address: str) -> bool:
        try:
            with network.entered():
                return _get_status(address, check)
        except OSError:
            return False

    if not addresses:
        return {}
    with ThreadPoolExecutor(min(len(addresses), 16)) as pool:
        return dict(zip(addresses, pool.map(ask, addresses), strict=True))


def _get_status(address: str, check: Check) -> bool:
    if check.path is None:
        with socket.create_connection((address, check.port), timeout=SECONDS):
            return True
    connection = http.client.HTTPConnection(address, check.port, timeout=SECONDS)
    try:
        connection.request("GET", check.path)
        return connection.getresponse().status in check.codes
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
