"""RabbitMQ's users, one for each host, and their permissions. Pure.

A control host has all permissions in Nova's virtual host. Another host's nova-compute has its own queues, may send to
conductors, schedulers and other hosts' nova-compute (to negotiate a migration), and cannot read messages to those.
Replies go through the default exchange, which RabbitMQ cannot restrict by queue: a host that knows the name of
another's queue could put a message into it, but not read from it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TypedDict

from onestack.platform.places import BUS_VHOST, bus_secret
from onestack.platform.view import HostView, View

EXCHANGE = "nova"
"""The exchange of Nova's topics (its control_exchange)."""
PROCESS = "nova"
"""The process name in the names of a process's own queues, after the host (oslo.messaging's `processname`)."""
_COMPUTE = "compute(-alt)?"
"""nova-compute's two topics; the second one is for requests that it still handles while it shuts down."""


class Definitions(TypedDict):
    """What `rabbitmqctl import_definitions` reads."""

    users: list[dict[str, str]]
    vhosts: list[dict[str, str]]
    exchanges: list[dict[str, object]]
    permissions: list[dict[str, str]]
    topic_permissions: list[dict[str, str]]


def definitions(view: View) -> Definitions:
    """All users with their permissions."""
    return {
        "users": [
            {
                "name": host.name,
                "password_hash": password_hash(host.name, view.cloud.secrets[bus_secret(host.name)]),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
            for host in view.hosts
        ],
        "vhosts": [{"name": BUS_VHOST}],
        # As oslo.messaging declares it, with quorum queues.
        "exchanges": [
            {
                "name": EXCHANGE,
                "vhost": BUS_VHOST,
                "type": "topic",
                "arguments": {},
                "durable": True,
                "auto_delete": False,
                "internal": False,
            }
        ],
        "permissions": [{"user": host.name, "vhost": BUS_VHOST, **permissions(host)} for host in view.hosts],
        "topic_permissions": [
            {"user": host.name, "vhost": BUS_VHOST, "exchange": EXCHANGE, **topic_permissions(host)}
            for host in view.hosts
        ],
    }


def permissions(host: HostView) -> dict[str, str]:
    """A host's permissions (configure, write, read): regular expressions that are searched in the names of queues and
    exchanges."""
    if "control" in host.roles:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    if "compute" not in host.roles:
        return {"configure": "^$", "write": "^$", "read": "^$"}
    name = re.escape(host.name)
    own = (
        # Each host also declares the queue of the topic itself; nothing is sent to it.
        _COMPUTE,
        rf"{_COMPUTE}\.{name}",
        rf"{_COMPUTE}_fanout_{name}:{PROCESS}:[0-9]+",
        rf"reply_{name}:{PROCESS}:[0-9]+",
    )
    # oslo.messaging declares the exchanges that it sends to and binds to.
    exchanges = (EXCHANGE, f"{_COMPUTE}_fanout", "scheduler_fanout")
    return {
        "configure": _any(*own, *exchanges),
        "write": _any(*own, EXCHANGE, "scheduler_fanout", r"amq\.default"),
        "read": _any(*own, EXCHANGE, f"{_COMPUTE}_fanout"),
    }


def topic_permissions(host: HostView) -> dict[str, str]:
    """The topics that a host's user may send to, and bind its queues to: regular expressions, searched in routing
    keys."""
    if "control" in host.roles:
        return {"write": ".*", "read": ".*"}
    if "compute" not in host.roles:
        return {"write": "^$", "read": "^$"}
    return {
        "write": _any("conductor", "scheduler", rf"{_COMPUTE}\..+"),
        "read": _any(rf"{_COMPUTE}(\.{re.escape(host.name)})?"),
    }


def password_hash(user: str, password: str) -> str:
    """The password hash in RabbitMQ's format: a salt of four bytes, and SHA-256 of salt and password.

    The salt is derived from user and password, so that the same users yield the same definitions.
    """
    salt = hashlib.sha256(f"{user}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _any(*patterns: str) -> str:
    return f"^({'|'.join(patterns)})$"
