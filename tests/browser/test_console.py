"""The operator's console on a real cloud, in a real browser: by mouse, keyboard, on a phone, with services down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from browser.operator import Console, Window, running
from cloud import health
from onestack import Cloud
from onestack.console import audit, tasks
from onestack.core.wait import until
from onestack.spec import loads

pytestmark = pytest.mark.cloud
Open = Callable[[], Window]
SCREENS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (390, "dark"),
    (390, "light"),
    (1400, "dark"),
    (1400, "light"),
)
SPEC = """\
name: console-test
tenants:
  - name: operated
    networks: [{name: back, subnets: [{cidr: 10.93.0.0/24}]}]
    servers: [{name: alone, image: tiny, flavor: m1.nano, networks: [{network: back}]}]
    scaling_groups:
      - name: many
        min: 1
        max: 2
        server: {image: tiny, flavor: m1.nano, network: back}
        policies: [{type: target, metric: cpu, target: 60%}]
"""
UPLOADED = "name: console-upload\ntenants:\n  - name: uploaded\n    networks:\n" + "".join(
    f"      - {{name: n{number}, subnets: [{{cidr: 10.94.{number}.0/24}}]}}\n" for number in range(20)
)


@pytest.fixture(scope="module")
def furnished(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud with a server and a scaling group that has made a decision."""
    spec = loads(SPEC)
    assert cloud.apply(spec=spec).ok

    def look() -> tuple[bool, str]:
        (group,) = (each for each in cloud.scaling_groups.groups() if each.tenant == "operated")
        return bool(group.status.get("decision")), str(group.status)

    until("a decision about the group", look, seconds=120, every=1.0)
    yield cloud
    outcome = cloud.apply(cloud.removal(spec), spec=spec)
    assert outcome.ok, outcome.failures


@pytest.fixture
def console(cloud: Cloud) -> Iterator[Console]:
    with running(cloud) as found:
        yield found


@pytest.fixture
def window(browser: Browser, console: Console, pictures: Path) -> Iterator[Open]:
    """Opens one window of somebody who logs in by the console's link."""
    opened: list[Window] = []

    def open_one() -> Window:
        opened.append(Window(browser, console, pictures))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def _server(cloud: Cloud) -> str:
    return str(next(cloud.connect().compute.servers(all_projects=True, name="alone")).id)


def test_pages_show_the_cloud(furnished: Cloud, window: Open) -> None:
    one = window()
    server = _server(furnished)
    expected = {
        "/": {"health": ("healthy", "OpenStack", "backup"), "capacity": ("vCPUs", "operated"), "hosts": ("free",)},
        "/services?service=keystone": {"processes": ("mariadb",), "agents": ("nova-compute",), "log": ("keystone",)},
        "/hosts": {"hosts": ("Processors",), "room": ("memory",), "guests": ("alone", "ACTIVE")},
        "/topology?tenant=operated&zoom=150": {"topology": ("The networks of operated", "10.93.0.0/24", "alone")},
        "/scaling": {"groups": ("operated/many", "target cpu", "1 wanted, of 1 to 2")},
        f"/why?kind=server&word={server}": {"why": ("alone",), "subjects": ("alone",)},
        "/plan": {},
        "/tasks": {},
        "/restart?name=glance": {},
    }  # fmt: skip
    wrong: dict[tuple[str, int, str], list[str]] = {}
    for path, parts in expected.items():
        one.go(path)
        for name, texts in parts.items():
            one.expect_in(name, *texts)
        title = path.strip("/").partition("?")[0] or "overview"
        for width, scheme in SCREENS:
            one.show_as(width, scheme)
            one.picture(f"{title}-{width}-{scheme}")
            wrong |= {(path, width, scheme): found} if (found := one.faults()) else {}
    assert not wrong


def test_everything_can_be_done_by_keyboard(furnished: Cloud, window: Open) -> None:
    one = window()
    keys, focus = one.page.keyboard, one.page.locator("*:focus")
    one.go("/")
    keys.press("Tab")
    expect(focus).to_have_text("Skip to content")
    keys.press("Enter")
    expect(one.page.locator("main")).to_be_focused()
    one.page.get_by_role("link", name="Services").focus()
    keys.press("Enter")
    expect(one.page.get_by_role("heading", level=1)).to_have_text("Services")
    link = one.page.get_by_role("link", name="Log of glance")
    link.focus()
    # What is read again leaves the focus where it is.
    with one.page.expect_response("**/part/processes"):
        pass
    expect(link).to_be_focused()
    keys.press("Enter")
    expect(one.page.get_by_role("textbox", name="Process")).to_have_value("glance")
    one.page.get_by_label("Find").focus()
    keys.type("no line has this")
    keys.press("Enter")
    one.expect_in("log", "No line has that")


def test_a_link_is_for_one_login(window: Open, browser: Browser, console: Console) -> None:
    window()
    stranger = browser.new_page()
    stranger.goto(console.link)
    expect(stranger.locator("main")).to_contain_text("This link was used")
    stranger.goto(f"{console.address}/services")
    expect(stranger.locator("main")).to_contain_text("You are not logged in")
    stranger.context.close()


def test_it_says_what_is_down_and_why(cloud: Cloud, window: Open) -> None:
    one = window()
    supervisor = cloud.site.leader.supervisor
    down = ("keystone", "neutron", "mariadb")
    try:
        for number, name in enumerate(down, 1):
            supervisor.stop(name)
            one.go("/")
            one.expect_in("health", "degraded", *(f"{each} does not run" for each in down[:number]))
            one.picture(f"down-{name}")
        one.expect_in("capacity", "MariaDB does not answer")
        one.go("/hosts")
        one.expect_in("hosts", "do not answer: ")
        one.expect_in("guests", "Guests cannot be shown")
        one.go("/services?service=mariadb")
        one.expect_in("agents", "cannot be shown")
        one.expect_in("log", "mariadb")
        assert not [each for each in one.complaints if "status of 5" in each]
    finally:
        cloud.up()
        health.wait_healthy(cloud)
    one.go("/")
    one.expect_in("health", "healthy")


def test_a_restart_is_confirmed_done_and_recorded(cloud: Cloud, window: Open) -> None:
    before = health.pids(cloud)["glance"]
    one = window()
    one.go("/services")
    one.page.get_by_role("link", name="Restart glance").click()
    assert health.pids(cloud)["glance"] == before
    one.page.get_by_role("button", name="Restart glance").click()
    one.expect_in("task", "State: done", "glance answers")
    expect(one.page.locator("#strip")).to_contain_text("Restart glance")
    assert health.pids(cloud)["glance"] not in (before, 0)
    last = list(audit.read(cloud.paths, 9))[-1]
    assert (last["kind"], last["about"], last["who"]) == ("restart", "glance", "ada")


def test_an_apply_goes_on_without_the_console(
    cloud: Cloud, window: Open, console: Console, browser: Browser, pictures: Path
) -> None:
    one = window()
    one.go("/plan")
    one.page.get_by_label("Plan: what would change").check()
    one.page.get_by_role("textbox", name="Text").fill(UPLOADED)
    one.page.get_by_role("button", name="Show").click()
    one.expect_in("plan", "41 to add, 0 to change, 0 to destroy")
    assert not one.faults()
    one.picture("plan")
    one.page.get_by_label("I have read these changes").check()
    one.page.get_by_role("button", name="Apply exactly this").click()
    one.page.wait_for_url("**/tasks/*")
    ident = one.page.url.rpartition("/")[2]
    console.kill()
    task = tasks.read(cloud.paths, ident)
    assert task is not None
    assert (task.state, task.who) == ("running", "ada")
    try:
        with running(cloud) as again:
            another = Window(browser, again, pictures)
            another.go(f"/tasks/{ident}")
            another.expect_in("task", "State: done", "41 added, 0 changed, 0 destroyed", "network")
            another.go("/tasks")
            expect(another.page.locator("main")).to_contain_text("Apply a plan")
            another.picture("tasks")
            assert not another.faults()
            another.close()
    finally:
        spec = loads(UPLOADED)
        assert cloud.apply(cloud.removal(spec), spec=spec).ok
