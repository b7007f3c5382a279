"""What all tests share: real clouds come last, need root, and are taken away however the run ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openstack.connection import Connection

from cloud import guests, roots
from onestack import Cloud
from onestack.core.errors import OneStackError
from onestack.core.events import Event

STANDING = "ONESTACK_TEST_CLOUD"
"""Names a root whose cloud is used and left standing: for work on the tests themselves."""
STANDING_PRETENDING = "ONESTACK_TEST_PRETENDING_CLOUD"
"""The same for the cloud with pretended hypervisors."""
CLOUD_TIMEOUT = 1500
"""Seconds for one test on a real cloud: the first one fetches and builds all that a cloud is made of."""


PRETENDED = 5
"""How many hypervisors it pretends."""


def pytest_configure(config: pytest.Config) -> None:
    # openstacksdk warns of its own future on every call.
    config.addinivalue_line("filterwarnings", "ignore:::openstack[.].*")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast tests first; then the newcomer's, whose first `up` fetches all that clouds need."""

    def place(item: pytest.Item) -> int:
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
    chosen = [item for item in session.items if item.get_closest_marker("cloud")]
    if chosen and os.geteuid() != 0 and not session.config.option.collectonly:
        pytest.exit(f"{len(chosen)} tests on a real cloud need root; --fast leaves them out", returncode=1)


def pytest_sessionstart(session: pytest.Session) -> None:
    """A polite end (a CI that is cancelled) is a Ctrl-C: clouds are taken away."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)


@pytest.fixture(scope="session")
def cloud_roots() -> Iterator[Path]:
    """The folder of this run's clouds; what is in it is destroyed in the end."""
    roots.take_away_old()
    with roots.of_this_run() as run:
        yield run


@pytest.fixture(scope="session")
def cloud(cloud_roots: Path) -> Cloud:
    """The cloud that the tests share, up and healthy. A test that stops it brings it up again."""
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
    """A cloud of pretended hypervisors, for tests that need servers and no guests."""
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
