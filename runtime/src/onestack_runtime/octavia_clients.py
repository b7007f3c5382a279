"""Octavia's clients of Neutron, which it and OVN's provider make once and keep.

openstacksdk asks Neutron for the version of its API when a client is made. Where Neutron is away at that moment, the
client is one without a version: every request of it is answered with 404, long after Neutron is back.
"""

from __future__ import annotations

from typing import Any

VERSION = "/v2.0"


class NotWhole(Exception):
    """Neutron did not say which version its API has; the client is not kept."""


def octavia() -> None:
    """Have Octavia's own client. Raises NotWhole, or what Keystone's absence raises."""
    from octavia.common import clients

    kept = clients.NeutronAuth
    try:
        _require_version(kept.get_neutron_client().network)
    except NotWhole:
        kept.neutron_client = None
        raise


def ovn() -> None:
    """Have the client of OVN's provider. Raises NotWhole, or what Keystone's absence raises."""
    from ovn_octavia_provider.common import clients

    try:
        _require_version(clients.get_neutron_client())
    except NotWhole:
        clients.Singleton._instances.pop(clients.NeutronAuth, None)
        raise


def _require_version(proxy: Any) -> None:
    place = str(proxy.get_endpoint())
    if not place.rstrip("/").endswith(VERSION):
        raise NotWhole(f"Neutron at {place} did not say which version its API has")
