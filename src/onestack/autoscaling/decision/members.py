"""Which members go first, and when a group that keeps failing may try again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Seconds before the second try; doubled for each failure after that, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a group. `born`: when it was made; any clock, the same for all."""

    id: str
    born: float
    zone: str = ""
    host: str = ""
    healthy: bool = True
    outdated: bool = False
    serving: bool = True
    protected: bool = False


def first_to_go(members: Iterable[Member], number: int) -> list[Member]:
    """Those that go, in this order: not healthy, not serving yet, outdated, in the fullest zone, on the fullest
    host, the oldest. Protected ones never: there may be fewer than `number`."""
    staying = list(members)
    gone: list[Member] = []
    for _ in range(number):
        zones, hosts = Counter(one.zone for one in staying), Counter(one.host for one in staying)
        able = [one for one in staying if not one.protected]
        if not able:
            break
        found = min(
            able,
            key=lambda one: (
                one.healthy,
                one.serving,
                not one.outdated,
                -zones[one.zone],
                -hosts[one.host],
                one.born,
                one.id,
            ),
        )
        staying.remove(found)
        gone.append(found)
    return gone


@dataclass(frozen=True, slots=True)
class Failures:
    """A group's failed starts in a row. `since`: of the last one, monotonic seconds; `why`: its error."""

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
        """Seconds from now until a try may be made; 0: now."""
        return max(self.since + self.pause - now, 0.0) if self.number else 0.0
