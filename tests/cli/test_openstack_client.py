"""`onestack exec openstack …` speaks to every service that a cloud has by default."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest


@pytest.mark.parametrize(
    ("api", "command"),
    [
        ("compute.v2", "server_create"),
        ("network.v2", "network_create"),
        ("volume.v3", "volume_create"),
        ("load_balancer.v2", "loadbalancer_create"),
    ],
)
def test_the_client_has_the_command(api: str, command: str) -> None:
    assert command in {point.name for point in entry_points(group=f"openstack.{api}")}
