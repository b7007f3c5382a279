"""Whether the machine works, by what its agent says of its processors."""

from __future__ import annotations

from collections import deque

from long.driving.machine import is_at_work


def beats(share: float, seconds: int = 120) -> deque[tuple[float, float]]:
    """What the agent says every 5 s while this share of one processor is used."""
    return deque((float(now), now * share) for now in range(0, seconds, 5))


def test_a_machine_at_work() -> None:
    assert is_at_work(beats(1.5))


def test_an_idle_one_after_work_long_ago() -> None:
    worked = beats(2.0)
    last, total = worked[-1]
    assert is_at_work(worked)
    for now in range(5, 120, 5):
        worked.append((last + now, total + now * 0.1))
        at_work = is_at_work(worked)
    assert not at_work


def test_one_beat_says_nothing() -> None:
    assert not is_at_work(deque([(0.0, 500.0)]))
