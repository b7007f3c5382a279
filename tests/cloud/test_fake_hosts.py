"""With Nova's fake driver a cloud pretends to have several hypervisors, and servers spread over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import health, roots
from onestack import Cloud
from onestack.core.errors import PermanentError
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

HOSTS = 5
SERVERS = 10


@pytest.fixture(scope="module")
def fake(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    spec = tmp_path_factory.mktemp("fake") / "fake.yaml"
    spec.write_text(f"name: fake\nplatform: {{compute: {{driver: fake, hosts: {HOSTS}}}}}\n")
    found = Cloud(cloud_roots / "fake")
    found.up(spec)
    yield found
    roots.take_away(found.paths.root)


def test_servers_spread_over_the_pretended_hosts(fake: Cloud) -> None:
    assert health.wait_healthy(fake).hypervisor == "fake"

    def work() -> Counter[str]:
        admin = fake.connect()
        assert len(list(admin.compute.hypervisors())) == HOSTS
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

    placed = fake.run(work)
    assert sum(placed.values()) == SERVERS
    assert len(placed) == HOSTS
