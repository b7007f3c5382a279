"""When a volume that says that somebody is at work on it is taken to be left alone."""

from __future__ import annotations

from onestack.health.volumes.collect import RESERVED_SECONDS, abandoned


def test_who_was_at_work_has_been_started_anew() -> None:
    assert abandoned("attaching", 99.0, started=100.0, has_server=True, now=101.0)
    assert not abandoned("attaching", 100.0, started=100.0, has_server=True, now=101.0)


def test_a_volume_reserved_for_a_server_that_never_came_to_have_it() -> None:
    later = 200.0 + RESERVED_SECONDS
    assert not abandoned("reserved", 200.0, started=100.0, has_server=False, now=later)
    assert abandoned("reserved", 200.0, started=100.0, has_server=False, now=later + 1)
    assert not abandoned("reserved", 200.0, started=100.0, has_server=True, now=later + 1)
    assert not abandoned("attaching", 200.0, started=100.0, has_server=True, now=later + 1)
