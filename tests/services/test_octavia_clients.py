"""A client of Neutron that was made while Neutron was away is not kept."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import octavia_clients

AWAY, THERE = "http://127.0.0.1/networking", "http://127.0.0.1/networking/v2.0/"


def connection(place: str) -> SimpleNamespace:
    return SimpleNamespace(network=SimpleNamespace(get_endpoint=lambda: place))


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Octavia's holder of the one client, as far as this goes; it is made at the place `made`."""

    class NeutronAuth:
        neutron_client: Any = None
        made = THERE

        @classmethod
        def get_neutron_client(cls) -> Any:
            cls.neutron_client = cls.neutron_client or connection(cls.made)
            return cls.neutron_client

    clients = ModuleType("octavia.common.clients")
    clients.NeutronAuth = NeutronAuth  # type: ignore[attr-defined]
    common = ModuleType("octavia.common")
    common.clients = clients  # type: ignore[attr-defined]
    for module in (ModuleType("octavia"), common, clients):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return NeutronAuth


def test_a_whole_client_is_kept(kept: Any) -> None:
    octavia_clients.octavia()
    first = kept.neutron_client
    octavia_clients.octavia()
    assert first is not None
    assert kept.neutron_client is first


def test_one_without_a_version_is_made_anew(kept: Any) -> None:
    kept.made = AWAY
    with pytest.raises(octavia_clients.NotWhole, match="networking did not say"):
        octavia_clients.octavia()
    assert kept.neutron_client is None
    kept.made = THERE
    octavia_clients.octavia()
    assert kept.neutron_client.network.get_endpoint() == THERE
