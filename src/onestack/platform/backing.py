"""The URLs of what a service depends on: databases, bus, OVN, caches, locks. Pure.

Declarations of services contain no socket paths or addresses, so that the same declarations work for one host and for
several.
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
    DATABASE_GATEWAY_SOCKET,
    DATABASE_SOCKET,
    NORTH_SOCKET,
    OVN_PORT,
    SOUTH_PORT,
    SOUTH_SOCKET,
    bracketed,
    bus_secret,
)


class Backing(Protocol):
    """The URLs for the processes on one host."""

    def database_url(self, name: str, user: str, password: str) -> str:
        """The SQLAlchemy URL of a database."""

    @property
    def transport_url(self) -> str:
        """oslo.messaging's transport URL, for a project that has processes on several hosts."""

    @property
    def process_transport_url(self) -> str:
        """The same for a project with a single process: with one control host, all projects without workers on other
        hosts."""

    @property
    def switch(self) -> str:
        """The connection, in OVS's notation, to the OVSDB of this host's Open vSwitch."""

    @property
    def ovn_north(self) -> str:
        """OVN's northbound database."""

    @property
    def ovn_south(self) -> str:
        """OVN's southbound database."""

    @property
    def cache(self) -> str:
        """oslo.cache's backend for a service's own cache."""

    def coordination_url(self, folder: str) -> str:
        """tooz's backend URL. `folder`: the service's, inside the namespace."""

    @property
    def local(self) -> str:
        """The address on which processes listen for others on the same host."""

    def api_socket(self, name: str) -> str:
        """The unix socket of an API, by its project's name (or `METADATA`, `CONSOLE`)."""


class Embedded:
    """One host: services are reached through unix sockets; bus and caches are inside the processes."""

    def database_url(self, name: str, user: str, password: str) -> str:
        """Over MariaDB's socket.

        Since 11.6, MariaDB refuses a write to a row that another transaction has changed since this one's first read
        (error 1020); OpenStack expects the former behaviour. The driver is MariaDB's own C client, since Neutron
        alone makes 700 queries for one server, and PyMySQL, the usual driver, is pure Python. The URL contains no
        `%`, which some of OpenStack's tools would interpolate.
        """
        return (
            f"mysql+mysqldb://{user}:{password}@localhost/{name}"
            f"?unix_socket={self.database_socket}&charset=utf8"
            f"&init_command=SET+innodb_snapshot_isolation=OFF{self.database_options}"
        )

    @property
    def database_options(self) -> str:
        """Further parameters of the URL, each after `&`."""
        return ""

    @property
    def database_socket(self) -> str:
        """The socket by which services reach MariaDB."""
        return DATABASE_SOCKET

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
    """Several hosts; one of them, the leader, has databases and bus.

    Only the leader's own processes use MariaDB and OVN's northbound database, so those stay on unix sockets. What
    other hosts need is reached on the leader's address with TLS. `secrets`: those that this host has.
    """

    here: str
    leader: str
    address: str
    """The leader's address."""
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


@dataclass(frozen=True)
class Replicated(Embedded):
    """Several control hosts, each with a member of MariaDB's, RabbitMQ's and OVN's clusters.

    Services reach the one MariaDB that is written to through their host's database gateway; of RabbitMQ and OVN they
    know all members. A host's own member comes first, so that most connections stay on it. `controls`: the addresses
    of the control hosts by name. `secrets`: those that this host has.
    """

    here: str
    controls: Mapping[str, str]
    secrets: Mapping[str, str]

    @property
    def database_socket(self) -> str:
        return DATABASE_GATEWAY_SOCKET

    @property
    def database_options(self) -> str:
        """A connection whose MariaDB is lost before it has greeted is not closed by the gateway: the client, which
        waits for the greeting, gives up after these seconds."""
        return "&connect_timeout=5"

    @property
    def transport_url(self) -> str:
        password = self.secrets[bus_secret(self.here)]
        servers = ",".join(f"{self.here}:{password}@{address}:{BUS_PORT}" for address in self._addresses)
        return f"rabbit://{servers}/{BUS_VHOST}"

    @property
    def ovn_north(self) -> str:
        return ",".join(f"ssl:{address}:{OVN_PORT}" for address in self._addresses)

    @property
    def ovn_south(self) -> str:
        port = OVN_PORT if self.here in self.controls else SOUTH_PORT
        return ",".join(f"ssl:{address}:{port}" for address in self._addresses)

    @property
    def _addresses(self) -> list[str]:
        names = sorted(self.controls, key=lambda name: (name != self.here, name))
        return [bracketed(self.controls[name]) for name in names]
