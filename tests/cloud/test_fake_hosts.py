"""With Nova's fake driver a cloud pretends to have several hypervisors, and servers spread over them."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from cloud import health
from onestack import Cloud
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.platform.infrastructure import mariadb

PRETENDED = 5
pytestmark = pytest.mark.cloud

SERVERS = 9
"""One less than a project may have by default."""


def statements(cloud: Cloud, user: str, body: Callable[[], object]) -> list[str]:
    """What a service asked its database while `body` ran."""

    def ask(sql: str) -> str:
        return cloud.site.leader.inside(mariadb.client(), text_in=sql)

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
        flavor = admin.compute.find_flavor("m1.nano", ignore_missing=False)
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


def test_ports_stay_active_when_neutron_comes_back(pretending: Cloud) -> None:
    """OVN tells a Neutron that starts of all ports, and of those of pretended hosts that they are not up."""

    def work() -> list[str]:
        admin = pretending.connect()
        network = admin.network.create_network(name="told")
        subnet = admin.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.78.0.0/24")
        image = admin.image.find_image("tiny", ignore_missing=False)
        flavor = admin.compute.find_flavor("m1.nano", ignore_missing=False)
        server = admin.compute.create_server(
            name="told", image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        admin.compute.wait_for_server(server, wait=60, interval=0.5)
        (port,) = admin.network.ports(device_id=server.id)
        states = [port.status]
        before = health.pids(pretending)["neutron"]
        os.kill(before, signal.SIGKILL)
        health.wait_back(pretending, "neutron", before)
        health.wait_healthy(pretending)
        router = admin.network.create_router(name="told")
        inner = admin.network.add_interface_to_router(router, subnet=subnet.id)["port_id"]

        def look() -> tuple[bool, str]:
            status = admin.network.get_port(inner).status
            return status == "ACTIVE", status

        # What OVN tells is heard in turn: who hears of this one has heard of the others.
        until("the router's port to be ACTIVE", look, seconds=60, every=0.2)
        states.append(admin.network.get_port(port.id).status)
        admin.compute.delete_server(server)
        admin.compute.wait_for_delete(server, wait=60)
        admin.network.remove_interface_from_router(router, subnet=subnet.id)
        admin.network.delete_router(router)
        admin.network.delete_network(network)
        return states

    assert pretending.run(work) == ["ACTIVE", "ACTIVE"]
