"""Neutron gives its sign of life once in a while, whatever it read from its database and however long ago."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from onestack_runtime import neutron_ring

INTERVAL = 15
BEGUN = datetime(2026, 1, 1)


class Ring:
    """Neutron's HashRingManager, as far as this goes, and the handler of events that asks it."""

    read: datetime | None = BEGUN

    def __init__(self) -> None:
        self.signs: list[float] = []

    def get_node(self, key: str) -> tuple[str, datetime | None]:
        return "me", self.read

    def event(self, now: datetime) -> None:
        _, touched = self.get_node("row")
        if not touched or now - timedelta(seconds=INTERVAL) >= touched:
            self.signs.append((now - BEGUN).total_seconds())


@pytest.fixture
def clock() -> list[datetime]:
    return [BEGUN]


@pytest.fixture
def ring(clock: list[datetime]) -> Ring:
    class Own(Ring):
        pass

    neutron_ring.touch_seldom(Own, INTERVAL, lambda: clock[0])
    return Own()


def events(ring: Ring, clock: list[datetime], seconds: int) -> None:
    for tenth in range(seconds * 10):
        clock[0] = BEGUN + timedelta(seconds=tenth / 10)
        ring.event(clock[0])


def test_many_events_give_one_sign_in_each_interval(ring: Ring, clock: list[datetime]) -> None:
    events(ring, clock, 60)
    assert ring.signs == [15.0, 30.0, 45.0]


def test_none_is_given_while_what_was_read_is_new(ring: Ring, clock: list[datetime]) -> None:
    events(ring, clock, INTERVAL)
    assert ring.signs == []


def test_one_that_was_never_heard_of_gives_its_first(ring: Ring, clock: list[datetime]) -> None:
    ring.read = None
    events(ring, clock, INTERVAL)
    assert ring.signs == [0.0]
