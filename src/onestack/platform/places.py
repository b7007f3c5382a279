"""Paths inside a cloud's mount namespace that the runtime does not need to know (the others are in
`core.contract`)."""

from __future__ import annotations

from onestack.core.contract import ETC, RUN

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"

HOST_CERTIFICATE = f"{ETC}/tls/host.pem"
"""Of a host of several, signed by the cloud's CA: it shows it to other hosts as a server and as a client."""
HOST_KEY = f"{ETC}/tls/host.key"
CA = f"{ETC}/tls/ca.pem"
"""What other hosts' certificates are verified with."""

BUS_PORT = 5671
"""RabbitMQ's, on the leader's address: AMQP over TLS."""
BUS_VHOST = "nova"
"""The virtual host that Nova's queues are in."""
SOUTH_PORT = 6642
"""OVN's southbound database, on the leader's address: OVSDB over TLS."""


def bracketed(address: str) -> str:
    """An IP address as URLs and OVS have it before a port."""
    return f"[{address}]" if ":" in address else address


def bus_secret(host: str) -> str:
    """The name of the secret by which a host's processes log in to RabbitMQ."""
    return f"bus/{host}"
