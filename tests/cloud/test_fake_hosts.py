"""With Nova's fake driver a cloud pretends to have several hypervisors, and servers spread over them."""

from __future__ import annotations

from collections import Counter

import pytest

from cloud import health
from onestack import Cloud
from onestack.core.errors import PermanentError
from onestack.core.wait import until

PRETENDED = 5
pytestmark = pytest.mark.cloud

SERVERS = 10


def test_servers_spread_over_the_pretended_hosts(pretending: Cloud) -> None:
    assert health.wait_healthy(pretending).hypervisor == "fake"

    def work() -> Counter[str]:
        admin = pretending.connect()
        assert len(list(admin.compute.hypervisors())) == PRETENDED
        network = admin.network.create_network(name="fake")
        admin.network.create_subnet(name="fake", network_id=network.id, ip_version=4, cidr="10.79.0.0/24")
        image = admin.image.find_image("tiny", ignore_missing=False)
        flavor = admin.compute.find_flavor("m1.tiny", ignore_missing=False)
        for number in range(SERVERS):
            admin.compute.create_server(
                name=f"fake-{number}", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
            )

        def look() -> tuple[bool, str]:
            seen = Counter(server.status for server in admin.compute.servers())
            if seen["ERROR"]:
                raise PermanentError(f"servers in ERROR: {dict(seen)}")
            return seen["ACTIVE"] == SERVERS, str(dict(seen))

        until(f"{SERVERS} servers to be ACTIVE", look, seconds=180, every=0.5)
        hosts = Counter(server.hypervisor_hostname for server in admin.compute.servers())
        for server in admin.compute.servers():
            admin.compute.delete_server(server)
        until("them to be gone", lambda: (not list(admin.compute.servers()), "some"), seconds=120, every=0.5)
        return hosts

    placed = pretending.run(work)
    assert sum(placed.values()) == SERVERS
    assert len(placed) == PRETENDED
