"""When a volume that says that somebody is at work on it is taken to be left alone."""

from __future__ import annotations

from onestack.health.volumes.collect import FORGOTTEN, abandoned


def test_who_was_at_work_has_been_started_anew() -> None:
    assert abandoned("attaching", 99.0, begun=100.0, had=True, now=101.0)
    assert not abandoned("attaching", 100.0, begun=100.0, had=True, now=101.0)


def test_a_volume_reserved_for_a_server_that_never_came_to_have_it() -> None:
    later = 200.0 + FORGOTTEN
    assert not abandoned("reserved", 200.0, begun=100.0, had=False, now=later)
    assert abandoned("reserved", 200.0, begun=100.0, had=False, now=later + 1)
    assert not abandoned("reserved", 200.0, begun=100.0, had=True, now=later + 1)
    assert not abandoned("attaching", 200.0, begun=100.0, had=True, now=later + 1)
