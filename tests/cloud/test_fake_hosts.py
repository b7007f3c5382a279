"""With Nova's fake driver a cloud pretends to have several hypervisors, and servers spread over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from cloud import health
from onestack import Cloud
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.platform.parts import database

PRETENDED = 5
pytestmark = pytest.mark.cloud

SERVERS = 9
"""One less than a project may have by default."""


def statements(cloud: Cloud, user: str, body: Callable[[], object]) -> list[str]:
    """What a service asked its database while `body` ran."""

    def ask(sql: str) -> str:
        return cloud.site.inside(database.client(), text_in=sql)

    ask("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
    try:
        body()
    finally:
        ask("SET GLOBAL general_log = OFF; SET GLOBAL log_output = 'FILE'")
    return ask(
        "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
        f"WHERE command_type = 'Query' AND user_host LIKE '{user}[%'"
    ).splitlines()


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
        neighbours = list(admin.compute.servers())
        hosts = Counter(server.hypervisor_hostname for server in neighbours)

        def one_more() -> None:
            more = admin.compute.create_server(
                name="one-more", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
            )
            admin.compute.wait_for_server(more, wait=60, interval=0.5)
            asked_for.append(more.id)

        asked_for: list[str] = []
        asked = "\n".join(statements(pretending, "placement", one_more))
        # Or the time of making a server would grow with the number of those that are there.
        assert asked_for[0] in asked
        assert not [each.id for each in neighbours if each.id in asked]
        for server in admin.compute.servers():
            admin.compute.delete_server(server)
        until("them to be gone", lambda: (not list(admin.compute.servers()), "some"), seconds=120, every=0.5)
        return hosts

    placed = pretending.run(work)
    assert sum(placed.values()) == SERVERS
    assert len(placed) == PRETENDED
