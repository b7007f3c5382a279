"""Collects observations of all guests and load balancers on a host; `guests` and `balancers` evaluate them.

It does not use OpenStack's APIs: libvirt and the HAProxies have the data first, also while the APIs are down.
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
# Only the rows of backends and servers.
_QUESTION = b"show info;show stat -1 6 -1\n"


class Collector:
    """The collector of one cloud on this host. Not thread-safe."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._servers: dict[str, str] = {}
        self._used: Mapping[str, guests.Used] = {}
        self._used_at = 0.0
        self._counts = balancers.Counts()

    def collect(self) -> Observation:
        """An observation, with rates since the previous one. Failures are recorded in it, and not raised."""
        failures: list[str] = []
        found = self._guests(failures)
        rows, owners = self._balancers(failures)
        members, pools = self._counts.rates(rows, time.monotonic())
        return Observation(
            time.monotonic(), time.time(), found, members, pools, tuple(failures), balancers=owners
        )

    def _guests(self, failures: list[str]) -> dict[str, GuestRates]:
        if not self._site.view.consoles or "compute" not in self._site.here.roles:
            return {}
        try:
            used = guests.parse(self._site.here.inside(guests.COMMAND, seconds=SECONDS))
            now = time.monotonic()
            if used.keys() - self._servers.keys():
                self._servers = guests.servers(self._site.here.inside(guests.NAMES, seconds=SECONDS))
        except (OneStackError, OSError) as error:
            failures.append(f"guests: {_words(error)}")
            return {}
        found = {}
        for name, each in used.items():
            # A guest that ended between the two commands has no name any more.
            if ident := self._servers.get(name):
                found[ident] = guests.rates(self._used.get(name), each, now - self._used_at)
        self._used, self._used_at = used, now
        return found

    def _balancers(self, failures: list[str]) -> tuple[dict[balancers.Key, balancers.Row], dict[str, str]]:
        folder = self._site.here.outside(contract.BALANCER_SOCKETS)
        sockets = sorted(folder.glob(f"*/{contract.HAPROXY_SOCKET}")) if folder.is_dir() else []
        rows: dict[balancers.Key, balancers.Row] = {}
        owners: dict[str, str] = {}
        if not sockets:
            return rows, owners
        ids = _ids(self._site.here.outside(contract.BALANCERS))

        def read(place: Path) -> str | Exception:
            try:
                return ask(place)
            except OSError as error:
                return error

        # In parallel: a HAProxy that hangs must not delay all others.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(read, sockets))
        for place, answer in zip(sockets, answers, strict=True):
            name = place.parent.name
            try:
                if isinstance(answer, Exception):
                    raise answer
                process = f"{name} {balancers.process(answer)}"
                for (backend, server), row in balancers.parse(answer).items():
                    rows[process, backend, server] = row
                    owners[row.pool] = ids.get(name, name)
            except (OSError, ValueError, KeyError) as error:
                failures.append(f"balancer {ids.get(name, name)}: {_words(error)}")
        return rows, owners


def ask(place: Path) -> str:
    """The answer from a HAProxy's runtime socket, from its present worker process. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(SECONDS)
        sock.connect(str(place))
        sock.sendall(_QUESTION)
        found = b""
        while piece := sock.recv(65536):
            found += piece
    return found.decode(errors="replace")


def _ids(folder: Path) -> dict[str, str]:
    """Balancer ids by the short name that their sockets' folders have."""
    if not folder.is_dir():
        return {}
    return {contract.balancer_name(each.name): each.name for each in folder.iterdir()}


def _words(error: Exception) -> str:
    if isinstance(error, OneStackError):
        return " ".join([error.summary, *error.detail.splitlines()[-1:]])
    return f"{type(error).__name__}: {error}"
