"""Which member goes first; how long a failing group waits."""

from __future__ import annotations

from dataclasses import replace

from onestack.autoscaling.decision.members import LONGEST_PAUSE, Failures, Member, select_for_removal

PLAIN = Member("m", created=100)


def gone(*members: Member, number: int = 1) -> list[str]:
    return [member.id for member in select_for_removal(members, number)]


def test_the_order_in_which_members_go() -> None:
    sick = replace(PLAIN, id="sick", healthy=False)
    starting = replace(PLAIN, id="starting", serving=False)
    outdated = replace(PLAIN, id="outdated", outdated=True)
    full = [replace(PLAIN, id=f"full-{n}", zone="a", created=200 + n) for n in range(3)]
    oldest = replace(PLAIN, id="oldest", zone="b", created=1)
    assert gone(oldest, *full, outdated, starting, sick, number=4) == [
        "sick",
        "starting",
        "outdated",
        "full-0",
    ]
    assert gone(oldest, full[0], number=1) == ["oldest"]


def test_the_fullest_zone_is_looked_for_after_each() -> None:
    members = [
        replace(PLAIN, id=f"{zone}{n}", zone=zone, created=n)
        for zone, many in (("a", 4), ("b", 2))
        for n in range(many)
    ]
    assert gone(*members, number=4) == ["a0", "a1", "b0", "a2"]


def test_of_one_zone_the_fullest_host() -> None:
    members = [replace(PLAIN, id=f"m{n}", host="one" if n else "two", created=n) for n in range(3)]
    assert gone(*members) == ["m1"]


def test_protected_members_stay() -> None:
    assert gone(
        replace(PLAIN, id="kept", protected=True, healthy=False), replace(PLAIN, id="b"), number=2
    ) == ["b"]


def test_a_failing_group_waits_longer_each_time() -> None:
    failures = Failures()
    assert failures.wait(0) == 0
    pauses = []
    for _ in range(12):
        failures = failures.failed(1000, "no valid host")
        pauses.append(failures.pause)
    assert pauses[:4] == [10, 20, 40, 80]
    assert pauses[-1] == LONGEST_PAUSE
    assert failures.wait(1000 + LONGEST_PAUSE - 1) == 1
    assert failures.wait(1000 + LONGEST_PAUSE + 1) == 0
    assert failures.why == "no valid host"
