"""What a tenant does at the dashboard, with a real browser: from logging in to logging out."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from openstack.connection import Connection
from playwright.sync_api import expect

from browser.pages import BUILD_SECONDS, Dashboard
from browser.tenants import Tenant
from cloud import health
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

Window = Callable[[], Dashboard]
SERVER = "shop"
SERVERS = (SERVER, "bakery")
PAINTED = """canvas => {
    const seen = new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
    return seen.size > 2;
}"""
"""Whether a canvas shows more than one colour."""


@pytest.fixture(scope="module")
def removed(cloud: Cloud, tenant: Tenant) -> Iterator[None]:
    """What the tests leave is removed: those that come after count servers."""
    yield

    def remove() -> None:
        mine = tenant.connect(cloud)
        for balancer in list(mine.load_balancer.load_balancers()):
            mine.load_balancer.delete_load_balancer(balancer, cascade=True)
        for server in list(mine.compute.servers()):
            mine.compute.delete_server(server)
        for server in list(mine.compute.servers()):
            mine.compute.wait_for_delete(server, wait=120)
        for ip in mine.network.ips():
            mine.network.delete_ip(ip)
        for volume in list(mine.block_storage.volumes()):
            mine.block_storage.delete_volume(volume)

    cloud.run(remove)


@pytest.fixture
def servers(cloud: Cloud, tenant: Tenant, removed: None) -> tuple[str, ...]:
    """Two servers that run: those that are not there are made without the dashboard."""

    def make() -> None:
        mine = tenant.connect(cloud)
        image, flavor = mine.image.find_image("tiny"), mine.compute.find_flavor("m1.nano")
        network = mine.network.find_network(f"{tenant.name}-net")
        there = {server.name for server in mine.compute.servers()}
        for name in {*SERVERS} - there:
            mine.compute.create_server(
                name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
            )
        for server in mine.compute.servers():
            mine.compute.wait_for_server(server, wait=240)

    cloud.run(make)
    return SERVERS


def test_the_root_of_the_front_leads_to_the_login_page(window: Window) -> None:
    one = window()
    one.page.goto(one.gateway)
    expect(one.page).to_have_title(re.compile("^Login"))
    expect(one.page.locator("#id_domain")).to_be_visible()
    one.picture("login")


def test_a_wrong_password_is_refused(window: Window, tenant: Tenant) -> None:
    one = window()
    one.log_in(tenant, password="not the password")
    expect(one.page.locator("body")).to_contain_text("Invalid credentials")
    expect(one.page.locator("#loginBtn")).to_be_visible()
    one.go("project/instances/")
    expect(one.page.locator("#loginBtn")).to_be_visible()


def test_a_user_of_another_domain_logs_in(window: Window, other: Tenant) -> None:
    one = window()
    one.log_in(other)
    one.expect_logged_in(other)
    expect(one.page.locator(".context-overview")).to_contain_text(other.domain)


def test_a_server_from_launch_to_its_console(
    cloud: Cloud, window: Window, tenant: Tenant, removed: None
) -> None:
    one = window()
    one.log_in(tenant)
    one.expect_logged_in(tenant)
    one.picture("overview")
    one.launch(SERVER, "tiny", "m1.nano", f"{tenant.name}-net")
    one.expect_in_row(SERVER, "Active")
    address = one.give_floating_ip(SERVER)
    one.expect_in_row(SERVER, address)
    one.picture("instances")
    _expect_answer(cloud, address)
    server, console = one.console(SERVER)
    expect(console.locator("#status")).to_contain_text("Connected", timeout=BUILD_SECONDS)
    screen = console.locator("canvas").first
    until(
        "the guest's screen to show", lambda: (screen.evaluate(PAINTED), "one colour"), seconds=120, every=0.5
    )
    one.picture("console")
    one.log_out()
    one.go(f"project/instances/{server}/")
    expect(one.page.locator("#loginBtn")).to_be_visible()


def test_a_volume_is_created_and_attached(
    cloud: Cloud, window: Window, tenant: Tenant, servers: tuple[str, ...]
) -> None:
    one = window()
    one.log_in(tenant)
    one.expect_logged_in(tenant)
    one.create_volume("till")
    one.expect_in_row("till", "Available")
    one.attach_volume(SERVER, "till")
    one.go("project/volumes/")
    one.expect_in_row("till", f"on {SERVER}")
    one.expect_in_row("till", "In-use")
    one.picture("volumes")
    volume = cloud.run(lambda: next(iter(tenant.connect(cloud).block_storage.volumes(name="till"))))
    assert (volume.status, len(volume.attachments)) == ("in-use", 1)


def test_a_balancer_with_two_members_answers(
    cloud: Cloud, window: Window, tenant: Tenant, servers: tuple[str, ...]
) -> None:
    one = window()
    one.log_in(tenant)
    one.expect_logged_in(tenant)
    one.create_balancer("market", f"{tenant.name}-net", servers)
    one.expect_in_row("market", "Online")
    one.picture("balancers")
    members = cloud.run(lambda: _members(tenant.connect(cloud)))
    assert sorted(members) == [("ONLINE", 80), ("ONLINE", 80)]


def _members(mine: Connection) -> list[tuple[str, int]]:
    """The members' statuses and ports, once both serve. The page makes one object after another."""

    def seen() -> list[tuple[str, int]]:
        api = mine.load_balancer
        members = [each for pool in api.pools() for each in api.members(pool)]
        return [(each.operating_status, each.protocol_port) for each in members]

    def look() -> tuple[bool, str]:
        now = seen()
        return [status for status, _ in now] == ["ONLINE", "ONLINE"], str(now)

    until("both members to be ONLINE", look, seconds=120, every=1)
    return seen()


def test_a_tenant_cannot_see_anothers_server_by_its_address(
    cloud: Cloud, window: Window, tenant: Tenant, other: Tenant, removed: None
) -> None:
    server = cloud.run(lambda: next(iter(tenant.connect(cloud).compute.servers(name=SERVER))))
    mine, theirs = window(), window()
    mine.log_in(tenant)
    mine.expect_logged_in(tenant)
    mine.go(f"project/instances/{server.id}/")
    expect(mine.page.locator("body")).to_contain_text(SERVER)
    theirs.log_in(other)
    theirs.expect_logged_in(other)
    theirs.go(f"project/instances/{server.id}/")
    expect(theirs.page.locator("body")).to_contain_text("Unable to retrieve details for instance")
    expect(theirs.page.locator("body")).not_to_contain_text(SERVER)


def test_a_session_survives_a_restart(cloud: Cloud, window: Window, tenant: Tenant) -> None:
    one = window()
    one.log_in(tenant)
    one.expect_logged_in(tenant)
    before = health.pids(cloud)["horizon"]
    os.kill(before, signal.SIGKILL)
    health.wait_back(cloud, "horizon", before)
    one.go("project/instances/")
    one.expect_logged_in(tenant)
    expect(one.page.locator("#loginBtn")).to_have_count(0)


def _expect_answer(cloud: Cloud, address: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def look() -> tuple[bool, str]:
        try:
            with direct.open(f"http://{address}/", timeout=5) as answer:
                page = answer.read().decode()
        except OSError as error:
            return False, str(error)
        return f"hostname={SERVER}" in page, page

    cloud.run(lambda: until(f"{SERVER} to answer at {address}", look, seconds=180, every=0.5))
