"""Nova asks for the allocations on a host where they are used: at its start, and where PCI devices are tracked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import nova_allocations


class Client:
    """Nova's report client, as far as this goes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    def get_allocations_for_provider_tree(self, context: Any, nodename: str) -> dict[str, str]:
        self.asked.append(nodename)
        if self.error:
            raise self.error
        return {"server": nodename}


def conf(pci: bool) -> SimpleNamespace:
    return SimpleNamespace(pci=SimpleNamespace(report_in_placement=pci))


def test_each_host_asks_once_at_its_start() -> None:
    client = Client()
    nova_allocations.when_used(client, conf(pci=False))
    told = [client.get_allocations_for_provider_tree(None, host) for host in ("a", "b", "a", "a", "b")]
    assert told == [{"server": "a"}, {"server": "b"}, {}, {}, {}]
    assert client.asked == ["a", "b"]


def test_a_start_that_failed_asks_again() -> None:
    client = Client()
    nova_allocations.when_used(client, conf(pci=False))
    client.error = ConnectionError("Placement is away")
    with pytest.raises(ConnectionError):
        client.get_allocations_for_provider_tree(None, "a")
    client.error = None
    assert client.get_allocations_for_provider_tree(None, "a") == {"server": "a"}


def test_with_pci_devices_in_placement_it_always_asks() -> None:
    client = Client()
    nova_allocations.when_used(client, conf(pci=True))
    assert [client.get_allocations_for_provider_tree(None, "a") for _ in range(2)] == [{"server": "a"}] * 2
