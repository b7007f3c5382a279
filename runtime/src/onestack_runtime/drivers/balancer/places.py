"""The paths of a balancer's files and sockets and the names of its interfaces, all derived from its id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onestack_runtime import contract
from onestack_runtime.paths import RUN

BALANCERS = Path(contract.BALANCERS)
"""Also `[haproxy_amphora] base_cert_dir`: Octavia's template looks for certificates in <it>/<balancer>."""
SOCKETS = Path(contract.BALANCER_SOCKETS)
LOCKS = RUN / "octavia/locks"
NAMESPACES = RUN / "netns"
PREFIX = contract.BALANCER_PREFIX


@dataclass(frozen=True)
class Place:
    """The paths and names that belong to one balancer."""

    id: str

    @property
    def folder(self) -> Path:
        return BALANCERS / self.id

    @property
    def config(self) -> Path:
        """The configuration that HAProxy is to run with."""
        return self.folder / "haproxy.cfg"

    @property
    def loaded(self) -> Path:
        """The configuration of the running HAProxy: as it was loaded, plus changes through the runtime socket."""
        return self.folder / "loaded.cfg"

    @property
    def state(self) -> Path:
        """The state of HAProxy's servers before a reload (its `server-state-file`)."""
        return self.folder / "servers-state"

    @property
    def statistics(self) -> Path:
        """The counters of HAProxy's processes, kept beyond their end."""
        return self.folder / "statistics.json"

    @property
    def sockets(self) -> Path:
        return SOCKETS / self.name

    @property
    def pid(self) -> Path:
        return self.sockets / contract.HAPROXY_PID

    @property
    def master(self) -> Path:
        """The socket of HAProxy's master process."""
        return self.sockets / "master.sock"

    @property
    def socket(self) -> Path:
        """HAProxy's runtime socket: the present worker process's."""
        return self.sockets / contract.HAPROXY_SOCKET

    @property
    def lock(self) -> Path:
        return LOCKS / self.name

    @property
    def name(self) -> str:
        """The name of the network namespace, and of the outer end of its veth pair."""
        return contract.balancer_name(self.id)

    @property
    def namespace(self) -> Path:
        return NAMESPACES / self.name


def all_on_disk() -> list[Place]:
    """The balancers that have a folder."""
    if not BALANCERS.is_dir():
        return []
    return [Place(each.name) for each in sorted(BALANCERS.iterdir()) if each.is_dir()]
