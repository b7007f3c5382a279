"""What many wait for is asked for once for all of them, and the more seldom the more the service has to do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.workloads.kind.base import BROKEN_SECONDS
from onestack.workloads.openstack.shared_lists import LONGEST_PAUSE, PAUSE, SharedLists
from onestack.workloads.plan.values import Address
from onestack.workloads.resources.server import Servers

WEB = Address("server", ("acme", "web"))
LEAVES_IN = 30.0
"""Seconds after which the server that is being made leaves the list."""


class Nova:
    """Its list of servers and its view of one, as far as this goes; answers take `takes` seconds."""

    takes = 0.01
    leaves = LEAVES_IN
    ends_as = "ACTIVE"

    def __init__(self, clock: list[float]) -> None:
        self._clock = clock
        self.asked: Counter[str] = Counter()

    def rest(self, service: str, project: str | None = None) -> Nova:
        return self

    def _status(self) -> str:
        return "BUILD" if self._clock[0] < self.leaves else self.ends_as

    def all(self, path: str, key: str, **params: Any) -> list[dict[str, str]]:
        self.asked[
            "+".join(params["status"]) if isinstance(params["status"], tuple) else params["status"]
        ] += 1
        self._clock[0] += self.takes
        return [{"id": "1"}] if self._status() in params["status"] else []

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        self.asked[path] += 1
        return {
            "server": {"id": "1", "status": self._status(), "fault": {"message": "No valid host was found."}}
        }


class Session:
    """One that waits. Others have the same lists."""

    def __init__(self, nova: Nova, waited: SharedLists) -> None:
        self.rest, self.shared = nova.rest, waited.list


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    return now


@pytest.fixture
def nova(clock: list[float]) -> Nova:
    return Nova(clock)


@pytest.fixture
def wait(nova: Nova) -> Callable[[], None]:
    waited = SharedLists(nova)  # type: ignore[arg-type]
    return lambda: Servers().wait_ready(WEB, "1", Session(nova, waited))  # type: ignore[arg-type]


def test_a_server_that_leaves_the_list_is_done_and_not_looked_at_itself(
    nova: Nova, wait: Callable[[], None], clock: list[float]
) -> None:
    wait()
    assert LEAVES_IN <= clock[0] < LEAVES_IN + 2
    assert set(nova.asked) == {"BUILD+ERROR", "ERROR"}
    assert nova.asked["ERROR"] <= LEAVES_IN / BROKEN_SECONDS + 1


def test_a_server_in_error_is_said_soon_with_novas_reason(
    nova: Nova, wait: Callable[[], None], clock: list[float]
) -> None:
    nova.ends_as = "ERROR"
    with pytest.raises(PermanentError, match=r"server acme/web cannot be used: No valid host was found\."):
        wait()
    assert clock[0] < LEAVES_IN + BROKEN_SECONDS + 2


def test_a_list_from_before_says_nothing_about_a_new_server(
    nova: Nova, wait: Callable[[], None], clock: list[float]
) -> None:
    wait()
    nova.leaves = clock[0] + LEAVES_IN
    wait()
    assert clock[0] >= nova.leaves


@pytest.mark.parametrize(
    ("takes", "least", "pause"),
    [(0.01, 0.0, PAUSE), (0.3, 0.0, 1.5), (5.0, 0.0, LONGEST_PAUSE), (0.01, 3.0, 3.0)],
)
def test_a_busy_service_is_asked_more_seldom(
    nova: Nova, clock: list[float], takes: float, least: float, pause: float
) -> None:
    nova.takes = takes
    listed = SharedLists(nova).list("compute", "/servers", "servers", least, status="BUILD")  # type: ignore[arg-type]
    listed.ids()
    clock[0] = pause - 0.01
    listed.ids()
    assert nova.asked["BUILD"] == 1
    clock[0] = pause + 0.01
    listed.ids()
    assert nova.asked["BUILD"] == 2
