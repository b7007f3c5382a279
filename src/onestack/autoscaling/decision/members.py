"""Which members are removed first, and how long a group waits after failed starts (exponential backoff)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Seconds before the second try, doubled for each further failure, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a group. `created`: its time of creation, by any clock that is the same for all."""

    id: str
    created: float
    zone: str = ""
    host: str = ""
    healthy: bool = True
    outdated: bool = False
    serving: bool = True
    protected: bool = False


def first_to_go(members: Iterable[Member], number: int) -> list[Member]:
    """The `number` members to remove, in this order of preference: unhealthy, not serving yet, outdated, in the zone
    with most members, on the host with most members, oldest. Protected members are never removed, so there may be
    fewer than `number`."""
    staying = list(members)
    selected: list[Member] = []
    for _ in range(number):
        zones, hosts = Counter(one.zone for one in staying), Counter(one.host for one in staying)
        candidates = [one for one in staying if not one.protected]
        if not candidates:
            break
        first = min(
            candidates,
            key=lambda one: (
                one.healthy,
                one.serving,
                not one.outdated,
                -zones[one.zone],
                -hosts[one.host],
                one.created,
                one.id,
            ),
        )
        staying.remove(first)
        selected.append(first)
    return selected


@dataclass(frozen=True, slots=True)
class Failures:
    """A group's consecutive failed starts. `since`: the time of the last one, monotonic seconds; `why`: its error."""

    number: int = 0
    since: float = 0.0
    why: str = ""

    def failed(self, now: float, why: str) -> Failures:
        return Failures(self.number + 1, now, why)

    @property
    def pause(self) -> float:
        """Seconds from the last failure to the next try."""
        return min(FIRST_PAUSE * 2.0 ** min(self.number - 1, 30), LONGEST_PAUSE) if self.number else 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next try; 0: at once."""
        return max(self.since + self.pause - now, 0.0) if self.number else 0.0
