"""Collects observations of all guests and load balancers on a host; `guests` and `balancers` evaluate them.

The data come from libvirt and the HAProxies, not from OpenStack's APIs: they are newer, and available while the APIs
are down.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import OneStackError
from onestack.observe import balancers, guests
from onestack.observe.observation import GuestRates, Observation
from onestack.platform.site import Site

SECONDS = 3.0
"""The timeout of one request. An observation must not take longer than the interval between two."""
# Only the rows of backends and servers: 6 is the sum of 2 (backends) and 4 (servers).
Domains = Mapping[str, Mapping[str, str]]
_COMMANDS = b"show info;show stat -1 6 -1\n"


class Collector:
    """The collector of one cloud on this host. Not thread-safe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._server_ids: dict[str, str] = {}
        self._previous_usage: Mapping[str, guests.Used] = {}
        self._previous_usage_at = 0.0
        self._counts = balancers.Counts()

    def collect(self) -> Observation:
        """An observation, with rates since the previous one. Failures are recorded in it, and not raised."""
        failures: list[str] = []
        found, domains = self._guests(failures)
        rows, owners = self._balancers(failures)
        members, pools = self._counts.rates(rows, time.monotonic())
        return Observation(
            time.monotonic(), time.time(), found, members, pools, tuple(failures), owners, domains
        )

    def _guests(self, failures: list[str]) -> tuple[dict[str, GuestRates], Domains | None]:
        if not self._site.view.consoles or "compute" not in self._site.here.roles:
            return {}, None
        try:
            domains = guests.facts(self._site.here.inside(guests.COMMAND, seconds=SECONDS))
            usage = guests.used(domains)
            now = time.monotonic()
            if usage.keys() - self._server_ids.keys():
                self._server_ids = guests.servers(self._site.here.inside(guests.NAMES, seconds=SECONDS))
        except (OneStackError, OSError) as error:
            failures.append(f"guests: {_message(error)}")
            return {}, None
        found = {}
        for name, of_guest in usage.items():
            # A guest that ended between the two commands is no longer listed.
            if server_id := self._server_ids.get(name):
                found[server_id] = guests.rates(
                    self._previous_usage.get(name), of_guest, now - self._previous_usage_at
                )
        self._previous_usage, self._previous_usage_at = usage, now
        return found, domains

    def _balancers(self, failures: list[str]) -> tuple[dict[balancers.Key, balancers.Row], dict[str, str]]:
        folder = self._site.here.outside(contract.BALANCER_SOCKETS)
        sockets = sorted(folder.glob(f"*/{contract.HAPROXY_SOCKET}")) if folder.is_dir() else []
        rows: dict[balancers.Key, balancers.Row] = {}
        owners: dict[str, str] = {}
        if not sockets:
            return rows, owners
        ids = _balancer_ids(self._site.here.outside(contract.BALANCERS))

        def read(socket_path: Path) -> str | Exception:
            try:
                return statistics(socket_path)
            except OSError as error:
                return error

        # In parallel: a HAProxy that hangs must not delay the others.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(read, sockets))
        for socket_path, answer in zip(sockets, answers, strict=True):
            name = socket_path.parent.name
            try:
                if isinstance(answer, Exception):
                    raise answer
                process = f"{name} {balancers.process(answer)}"
                for (backend, server), row in balancers.parse(answer).items():
                    rows[process, backend, server] = row
                    owners[row.pool] = ids.get(name, name)
            except (OSError, ValueError, KeyError) as error:
                failures.append(f"balancer {ids.get(name, name)}: {_message(error)}")
        return rows, owners


def statistics(socket_path: Path) -> str:
    """The statistics of a HAProxy, from its runtime socket (of its current worker process). Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect(str(socket_path))
        sock.sendall(_COMMANDS)
        response = b""
        while chunk := sock.recv(65536):
            response += chunk
    return response.decode(errors="replace")


def _balancer_ids(folder: Path) -> dict[str, str]:
    """The ids of the load balancers, by the short names of their sockets' folders."""
    if not folder.is_dir():
        return {}
    return {contract.balancer_name(each.name): each.name for each in folder.iterdir()}


def _message(error: Exception) -> str:
    if isinstance(error, OneStackError):
        return " ".join([error.summary, *error.detail.splitlines()[-1:]])
    return f"{type(error).__name__}: {error}"
