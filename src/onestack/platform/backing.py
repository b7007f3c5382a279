"""Where a cloud's processes find what lies beneath them: databases, bus, OVN, caches, locks. Pure.

Declarations of services ask this, so that none of them holds a socket path or an address of its own, and the same
declarations serve a cloud of another layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from onestack.core import contract
from onestack.core.contract import OVSDB_SOCKET
from onestack.platform.places import (
    BUS_PORT,
    BUS_VHOST,
    DATABASE_SOCKET,
    NORTH_SOCKET,
    SOUTH_PORT,
    SOUTH_SOCKET,
    bracketed,
    bus_secret,
)


class Backing(Protocol):
    """What a process on one host reaches."""

    def database_url(self, name: str, user: str, password: str) -> str:
        """The SQLAlchemy URL of a database."""

    @property
    def transport_url(self) -> str:
        """oslo.messaging's bus, for a project that has processes on several hosts."""

    @property
    def process_transport_url(self) -> str:
        """The same for a project that is one process: with one control host, any that no other host has a part of."""

    @property
    def switch(self) -> str:
        """The OVSDB of this host's own switch, as OVS names a connection."""

    @property
    def ovn_north(self) -> str:
        """OVN's northbound database."""

    @property
    def ovn_south(self) -> str:
        """OVN's southbound database."""

    @property
    def cache(self) -> str:
        """oslo.cache's backend for what a service keeps for itself."""

    def coordination_url(self, folder: str) -> str:
        """tooz's backend, for a service that has `folder` inside the namespace."""

    @property
    def local(self) -> str:
        """The address that processes of this host listen on for others of this host."""

    def api_socket(self, name: str) -> str:
        """The unix socket of an API, by its project or by what else it is called."""


class Embedded:
    """One host: everything is reached by unix sockets, the bus and the caches are inside the processes."""

    def database_url(self, name: str, user: str, password: str) -> str:
        """Over MariaDB's socket.

        MariaDB since 11.6 refuses a write to a row that another transaction changed after this one first read
        (error 1020); OpenStack expects the behaviour of before. The driver is MariaDB's own client, in C: Neutron
        alone reads 700 times for one server, and upstream's usual driver does it in Python. Written
        without `%`, which some of OpenStack's tools would interpolate.
        """
        return (
            f"mysql+mysqldb://{user}:{password}@localhost/{name}"
            f"?unix_socket={DATABASE_SOCKET}&charset=utf8"
            "&init_command=SET+innodb_snapshot_isolation=OFF"
        )

    @property
    def transport_url(self) -> str:
        return self.process_transport_url

    @property
    def process_transport_url(self) -> str:
        return f"{contract.BUS}://"

    @property
    def switch(self) -> str:
        return f"unix:{OVSDB_SOCKET}"

    @property
    def ovn_north(self) -> str:
        return f"unix:{NORTH_SOCKET}"

    @property
    def ovn_south(self) -> str:
        return f"unix:{SOUTH_SOCKET}"

    @property
    def cache(self) -> str:
        return "oslo_cache.dict"

    def coordination_url(self, folder: str) -> str:
        return f"file://{folder}/coordination"

    @property
    def local(self) -> str:
        return "127.0.0.1"

    def api_socket(self, name: str) -> str:
        return contract.socket(name)


@dataclass(frozen=True)
class Cluster(Embedded):
    """Several hosts, one of them with databases and bus.

    Only its own processes ask MariaDB and OVN's northbound database: those stay on unix sockets. What other hosts
    need is on its address with TLS. `secrets`: those that this host has.
    """

    here: str
    leader: str
    address: str
    """The leader's."""
    secrets: Mapping[str, str]

    @property
    def transport_url(self) -> str:
        password = self.secrets[bus_secret(self.here)]
        return f"rabbit://{self.here}:{password}@{bracketed(self.address)}:{BUS_PORT}/{BUS_VHOST}"

    @property
    def ovn_south(self) -> str:
        if self.here == self.leader:
            return super().ovn_south
        return f"ssl:{bracketed(self.address)}:{SOUTH_PORT}"
