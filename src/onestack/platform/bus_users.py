"""RabbitMQ's users: one for each host, and what each of them may. Pure.

A control host may do everything in Nova's virtual host. Another host's nova-compute has its own queues, may send to
conductors, schedulers and other hosts' nova-compute (a migration is arranged between the two), and cannot read what
is sent to those. An answer goes through the default exchange, which RabbitMQ cannot restrict by queue: a host may put
a message into a queue of another's if it knows the queue's name, but read none.
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
"""What oslo.messaging has in the names of a process's own queues, after the host."""
_COMPUTE = "compute(-alt)?"
"""nova-compute's two topics: the second one is for what must be finished while it shuts down."""


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
    """What a host's user may declare, send to, and read from: regular expressions, searched in names of queues and
    exchanges."""
    if "control" in host.roles:
        return {"configure": ".*", "write": ".*", "read": ".*"}
    if "compute" not in host.roles:
        return {"configure": "^$", "write": "^$", "read": "^$"}
    name = re.escape(host.name)
    own = (
        # All hosts declare the queue of the topic itself; nothing is sent there.
        _COMPUTE,
        rf"{_COMPUTE}\.{name}",
        rf"{_COMPUTE}_fanout_{name}:{PROCESS}:[0-9]+",
        rf"reply_{name}:{PROCESS}:[0-9]+",
    )
    # oslo.messaging declares what it sends to and what it binds to.
    exchanges = (EXCHANGE, f"{_COMPUTE}_fanout", "scheduler_fanout")
    return {
        "configure": _any(*own, *exchanges),
        "write": _any(*own, EXCHANGE, "scheduler_fanout", r"amq\.default"),
        "read": _any(*own, EXCHANGE, f"{_COMPUTE}_fanout"),
    }


def topic_permissions(host: HostView) -> dict[str, str]:
    """Which topics a host's user may send to, and bind its queues to: searched in routing keys."""
    if "control" in host.roles:
        return {"write": ".*", "read": ".*"}
    if "compute" not in host.roles:
        return {"write": "^$", "read": "^$"}
    return {
        "write": _any("conductor", "scheduler", rf"{_COMPUTE}\..+"),
        "read": _any(rf"{_COMPUTE}(\.{re.escape(host.name)})?"),
    }


def password_hash(user: str, password: str) -> str:
    """As RabbitMQ keeps it: a salt of four bytes, and SHA-256 of salt and password.

    The salt follows from user and password, so that the same users give the same text.
    """
    salt = hashlib.sha256(f"{user}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _any(*patterns: str) -> str:
    return f"^({'|'.join(patterns)})$"
