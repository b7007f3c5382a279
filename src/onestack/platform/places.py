"""Paths inside a cloud's mount namespace that the runtime does not need to know (the others are in
`core.contract`)."""

from __future__ import annotations

from collections.abc import Mapping

from onestack.core.contract import ETC, LIB, RUN

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"

GATEWAY_CERTIFICATE = f"{ETC}/tls/api-gateway.pem"
"""The API gateway's certificate, its chain and its key."""
GATEWAY_ADMIN = f"{RUN}/api-gateway/admin.sock"
"""The API gateway's runtime API."""
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
CEPH_PORT, CEPH_PORTS = 3300, (6800, 6999)
"""Those of the managed Ceph: its monitors', and those of which OSDs and managers take free ones."""

RSYNC_PORT = 16515
"""The port of a compute host on which others copy guests' files, over TLS; libvirt's own is the one before."""
INSTANCES = f"{LIB}/nova/instances"
"""Guests' files: Nova's instances_path."""
ETCD_PORT = 2379
"""etcd's port for clients on control hosts, with TLS in both directions."""
LEASE_PORT = 16517
"""The port of a compute host's lease agent, with TLS in both directions: others ask it whether it could renew."""
# What only control hosts reach, where there are several.
OVN_PORT = 6641
"""Both of OVN's databases, with all rights: other hosts have the southbound one alone, and only their own rows."""
NORTH_RAFT_PORT, SOUTH_RAFT_PORT = 6643, 6644
"""By which the members of each of OVN's databases talk to each other."""
GALERA_PORT, GALERA_IST_PORT, GALERA_SST_PORT = 4567, 4568, 4444
"""Replication between MariaDBs; incremental and full state transfer to one that joins."""
DATABASE_PORT, DATABASE_CHECK_PORT, DATABASE_PEERS_PORT = 3306, 3305, 3304
"""The database gateway's, with TLS in both directions: this host's MariaDB, whether it may be used, and which member
the gateways use."""
ETCD_PEER_PORT = 2380
"""By which members of etcd talk to each other; on loopback with one control host."""
API_PORT = 9443
"""The API gateway's port for other control hosts' API gateways, with TLS in both directions."""
ALIVE_PORT = 9444
"""On loopback, for keepalived: whether this host may have the APIs' address."""
BUS_METRICS_PORT = 15692
"""RabbitMQ's own exporter's, on loopback; that of the cloud passes its metrics on."""
EPMD_PORT, NODES_PORT = 4370, 25672
"""RabbitMQ's nodes find each other by the first (on 4369, Erlang's default, it could conflict with a RabbitMQ of the
machine's own) and talk by the second. On loopback with one control host."""
DATABASE_GATEWAY_SOCKET = f"{RUN}/database/mysql.sock"
"""The database gateway's socket, for this host's services."""


def bracketed(address: str) -> str:
    """An IP address as it is written before a port: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


NODES_SECRET = "nodes"
"""The name of the secret by which RabbitMQ's nodes know each other, where there are several."""
KEYS_SECRET = "keys"
"""The name of the secret from which several control hosts derive the same keys for Keystone."""


def bus_secret(host: str) -> str:
    """The name of the secret with a host's RabbitMQ password."""
    return f"bus/{host}"


def login_secret(user: str) -> str:
    """The name under which stands how a service's user is called in Keystone, if not as the service itself."""
    return f"login/{user}"


def login(secrets: Mapping[str, str], user: str) -> str:
    """How a service's user is called in Keystone: by two names in turn, so that while its password is replaced both
    the former and the new one are valid."""
    return secrets.get(login_secret(user), user)


def database_secret(user: str) -> str:
    """The name of the secret with the password of a service's user in MariaDB."""
    return f"database/{user}"


def lease_secret(user: str) -> str:
    """The name of the secret with the password of a user of etcd."""
    return f"lease/{user}"


def user_secret(user: str) -> str:
    """The name of the secret with the password of a user in Keystone."""
    return f"user/{user}"
