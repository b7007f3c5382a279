"""Paths inside a cloud's mount namespace that the runtime does not need to know (the others are in
`core.contract`)."""

from __future__ import annotations

from onestack.core.contract import ETC, LIB, RUN

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"

HOST_CERTIFICATE = f"{ETC}/tls/host.pem"
"""The host's certificate in a cloud of several hosts, signed by the cloud's CA; used as a server's and as a
client's."""
HOST_KEY = f"{ETC}/tls/host.key"
CA = f"{ETC}/tls/ca.pem"
"""The CA certificate, with which other hosts' certificates are verified."""

PROMETHEUS = "onestack:prometheus"
"""The subject of the certificate with which the leader asks the exporters of other hosts. No host has such a name."""
PROMETHEUS_CERTIFICATE = f"{ETC}/tls/prometheus.pem"
"""That certificate and its key."""

BUS_PORT = 5671
"""RabbitMQ's port on the leader's address: AMQP over TLS."""
BUS_VHOST = "nova"
"""The virtual host that Nova's queues are in."""
SOUTH_PORT = 6642
"""The port of OVN's southbound database on the leader's address: OVSDB over TLS."""

RSYNC_PORT = 16515
"""The port of a compute host on which others copy guests' files, over TLS; libvirt's own is the one before."""
INSTANCES = f"{LIB}/nova/instances"
"""Guests' files: Nova's instances_path."""


def bracketed(address: str) -> str:
    """An IP address as it is written before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def bus_secret(host: str) -> str:
    """The name of the secret with a host's RabbitMQ password."""
    return f"bus/{host}"


def user_secret(user: str) -> str:
    """The name of the secret with the password of a user in Keystone."""
    return f"user/{user}"
