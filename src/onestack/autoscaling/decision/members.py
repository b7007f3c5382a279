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


def select_for_removal(members: Iterable[Member], number: int) -> list[Member]:
    """The `number` members to remove, in this order of preference: unhealthy, not serving yet, outdated, in the zone
    with most members, on the host with most members, oldest. Protected members are never removed, so there may be
    fewer than `number`."""
    remaining = list(members)
    selected: list[Member] = []
    for _ in range(number):
        zones = Counter(member.zone for member in remaining)
        hosts = Counter(member.host for member in remaining)
        candidates = [member for member in remaining if not member.protected]
        if not candidates:
            break
        next_member = min(
            candidates,
            key=lambda member: (
                member.healthy,
                member.serving,
                not member.outdated,
                -zones[member.zone],
                -hosts[member.host],
                member.created,
                member.id,
            ),
        )
        remaining.remove(next_member)
        selected.append(next_member)
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
