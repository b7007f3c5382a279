"""What openstacksdk leaves open and this cloud does not: Identity is v3, the catalogue says what is there."""

from __future__ import annotations

from typing import cast

from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as Identity


def identity(cloud: Connection) -> Identity:
    """The Identity API; Keystone has had no v2 for years, the SDK's types still allow for it."""
    return cast(Identity, cloud.identity)


def services(cloud: Connection) -> frozenset[str]:
    """The service types in the cloud's catalogue, the network service by the name `network`."""
    plugin = cast(BaseIdentityPlugin, cloud.session.auth)
    access = plugin.get_access(cloud.session)
    types = {str(entry["type"]) for entry in access.service_catalog.catalog}
    return frozenset("network" if name == "networking" else name for name in types)
