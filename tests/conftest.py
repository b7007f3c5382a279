"""What all tests share: real clouds come last, need root, and are taken away however the run ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from cloud import choices, guests, roots
from onestack import Cloud
from onestack.core.errors import OneStackError
from onestack.core.events import Event

STANDING = "ONESTACK_TEST_CLOUD"
"""Names a root whose cloud is used and left standing: for work on the tests themselves."""
STANDING_PRETENDING = "ONESTACK_TEST_PRETENDING_CLOUD"
"""The same for the cloud with the fake driver."""
CLOUD_TIMEOUT = 1500
"""Seconds for one test on a real cloud: the first one fetches and builds all that a cloud is made of."""
SAME_WISH = 5.0
"""Seconds in which further signals say what the first one said: it came to the whole group and to this process."""


PRETENDED = 5
"""How many hypervisors it pretends."""
PARTS = SHARED, OTHER, CLUSTER = "shared", "other", "cluster"
"""The tests in parts (tests/parts/beside.py). Two run beside each other: those without a cloud and those on the cloud
that tests share; and those on the machine as a whole, on clouds of their own, or that take long without one. The last
one runs alone: several hosts are enough for one machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=PARTS, help="only one part of the tests")


LENGTHY = (
    "tests/cluster/test_growing.py",
    "tests/cluster/test_a_company_grows.py",
    "tests/cluster/test_a_second_and_third_control_host.py",
    "tests/cluster/test_faults.py",
    "tests/cluster/test_managed_ceph.py",
    "tests/cluster/test_recover.py",
    "tests/cluster/test_a_guest_stays_or_comes_back.py",
    "tests/cluster/test_a_lost_gateway.py",
    "tests/cluster/test_the_leader_is_lost.py",
    "tests/cluster/test_a_lost_host_heals.py::test_a_reserve_that_does_not_hold_is_refused",
    "tests/cluster/test_a_lost_host_heals.py::test_nothing_is_evacuated_while_most_hosts_are_cut_off",
)
"""Minutes long: they run by `./onestack test --cluster`, and not among all tests."""


def part(item: pytest.Item) -> str | None:
    """The part that a test belongs to; None for one that no run of all tests has."""
    if item.nodeid.startswith(LENGTHY):
        return None
    if item.get_closest_marker("cluster"):
        return CLUSTER
    without = item.get_closest_marker("cloud") is None
    return SHARED if without or "cloud" in getattr(item, "fixturenames", ()) else OTHER


def pytest_configure(config: pytest.Config) -> None:
    # openstacksdk warns of its own future on every call.
    config.addinivalue_line("filterwarnings", "ignore:::openstack[.].*")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The fast tests first; then the newcomer's, whose first `up` fetches all that clouds need."""
    if (wanted := config.getoption("--part")) is not None:
        config.hook.pytest_deselected(items=[item for item in items if part(item) != wanted])
        items[:] = [item for item in items if part(item) == wanted]

    def place(item: pytest.Item) -> int:
        if item.get_closest_marker("cluster"):
            return 4
        if item.get_closest_marker("cloud") is None:
            return 0
        folder = Path(item.path).parent.name
        return {"newcomer": 1, "cloud": 2}.get(folder, 3)

    items.sort(key=place)
    for item in items:
        if place(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(CLOUD_TIMEOUT))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go half way: without root the tests on a real cloud cannot be made."""
    chosen = [
        item
        for item in session.items
        if item.get_closest_marker("cloud") or item.get_closest_marker("cluster")
    ]
    if chosen and os.geteuid() != 0 and not session.config.option.collectonly:
        pytest.exit(
            f"{len(chosen)} tests on real clouds and hosts need root; --fast leaves them out", returncode=1
        )


def pytest_sessionstart(session: pytest.Session) -> None:
    """A polite end (a CI that is cancelled) is a Ctrl-C: clouds are taken away."""
    heard = -SAME_WISH

    def stop(number: int, frame: object) -> None:
        nonlocal heard
        if (now := time.monotonic()) - heard < SAME_WISH:
            return
        heard = now
        raise KeyboardInterrupt(f"signal {number}")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


@pytest.fixture(scope="session")
def cloud_roots() -> Iterator[Path]:
    """The folder of this run's clouds; what is in it is destroyed in the end."""
    roots.take_away_old()
    with roots.of_this_run() as run:
        yield run


@pytest.fixture(scope="session")
def cloud(cloud_roots: Path, pytestconfig: pytest.Config) -> Cloud:
    """The cloud that the tests share, up and healthy. A test that stops it brings it up again."""
    assert pytestconfig.getoption("--part") != OTHER, "who asks for it late must name it among its fixtures"
    found = Cloud(os.environ.get(STANDING) or cloud_roots / "main")
    said: list[Event] = []
    try:
        found.up(emit=said.append)
    except OneStackError as error:
        steps = "\n".join(f"{each.step}: {each.state} {each.message}" for each in said)
        pytest.fail(f"up: {error.summary}\n{error.detail}\n{error.where}\n{steps}", pytrace=False)
    return found


@pytest.fixture(scope="session")
def pretending(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A cloud of the fake driver, for tests that need servers and no guests."""
    if root := os.environ.get(STANDING_PRETENDING):
        return Cloud(root)
    spec = tmp_path_factory.mktemp("pretending") / "pretending.yaml"
    spec.write_text(
        f"name: pretending\nplatform: {{exclude: [dashboard], compute: {{driver: fake, hosts: {PRETENDED}}}}}\n"
    )
    found = Cloud(cloud_roots / "fake")
    found.up(spec)
    return found


@pytest.fixture
def as_admin(cloud: Cloud) -> Callable[[Callable[[Connection], object]], object]:
    """Call a function with the administrator's connection, in the cloud's network."""

    def call(body: Callable[[Connection], object]) -> object:
        return cloud.run(lambda: body(cloud.connect()))

    return call


@pytest.fixture(scope="session")
def guest(cloud: Cloud) -> guests.Guest:
    """A server that answers at its floating IP, for as long as the session lasts."""
    return guests.start(cloud)


@pytest.fixture(scope="session")
def varied(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A cloud with two of each, for tests that need not the defaults."""
    spec = tmp_path_factory.mktemp("varied") / "varied.yaml"
    spec.write_text(choices.SPEC)
    found = Cloud(cloud_roots / "two")
    found.up(spec)
    return found


@pytest.fixture(scope="session")
def writer(varied: Cloud) -> guests.Guest:
    """A server in that cloud that answers at its floating IP."""
    return guests.start(varied)
