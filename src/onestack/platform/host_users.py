"""Keystone's users of the hosts that run guests and no APIs, one for each such host. Pure.

nova-compute uses Placement, Neutron and Cinder on its own account as well as on that of the user whose server it
works on. Upstream's guides give it the users `nova`, `neutron` and `placement`, which all have the role `admin`:
whoever takes over such a host then has the whole cloud. Here it has a user of its own with the role `service`, by
which OpenStack's APIs recognise each other. `services/_policies` allows what upstream's policies lack for that role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from onestack.core.contract import ServiceUser
from onestack.platform.places import bus_secret, lease_secret, login, login_secret, user_secret
from onestack.platform.view import HostView, View

ROLES = ("service",)
"""The roles of a host's user in the project `service`."""
CONTROL_ROLES = ("admin", "service")
"""The roles of the services' own users, whose passwords only control hosts have."""


def name(host: str) -> str:
    """The name of a host's user."""
    return f"nova-compute-{host}"


def hosts(found: Iterable[HostView], services: Collection[str]) -> list[str]:
    """The names of the hosts that have a user."""
    if "compute" not in services:
        return []
    return [each.name for each in found if "compute" in each.roles and "control" not in each.roles]


def exist(view: View) -> bool:
    """Whether the cloud has any of them."""
    return bool(hosts(view.hosts, view.cloud.services))


def wanted(view: View) -> dict[str, ServiceUser]:
    """All of them, by name."""
    return {
        login(view.cloud.secrets, name(host)): {
            "password": view.cloud.secrets[user_secret(name(host))],
            "roles": [*ROLES],
        }
        for host in hosts(view.hosts, view.cloud.services)
    }


def of(view: View, service_user: str) -> str:
    """The user by which Nova's process on `view.here` authenticates where a control host's is `service_user`."""
    return service_user if view.control else name(view.here.name)


def secrets_of(host: str) -> tuple[str, ...]:
    """The names of the secrets that are one host's alone: they end with its removal from the cloud."""
    own = name(host)
    return bus_secret(host), user_secret(own), login_secret(own), lease_secret(f"host-{host}")
