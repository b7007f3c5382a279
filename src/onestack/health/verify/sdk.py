"""Narrows openstacksdk's types to this cloud: Identity is v3, and the catalogue lists the services."""

from __future__ import annotations

from typing import cast

from keystoneauth1.identity.base import BaseIdentityPlugin
from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as Identity


def identity(cloud: Connection) -> Identity:
    """The Identity v3 API. The SDK's types still include v2, which Keystone removed years ago."""
    return cast(Identity, cloud.identity)


def services(cloud: Connection) -> frozenset[str]:
    """The service types in the cloud's catalogue, the network service by the name `network`."""
    plugin = cast(BaseIdentityPlugin, cloud.session.auth)
    access = plugin.get_access(cloud.session)
    types = {str(entry["type"]) for entry in access.service_catalog.catalog}
    return frozenset("network" if name == "networking" else name for name in types)
