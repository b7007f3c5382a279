"""Which hosts are lost, as a healer sees it. Pure.

A host's silence is the time for which its lease did not change while the healer read it again and again; where the
healer did not read for a while (etcd was away, or the healer itself was stopped), it begins to count anew. All times
are the healer's own, in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from onestack.health.healing.lease import ACT, ACT_BY_FENCE, SUSPECT, restrained
from onestack.platform.infrastructure.lease import FENCED, LEFT, SERVING
from onestack.platform.keyvalue import Kept

GAP = 3.0
"""Seconds between two readings after which all silence is counted anew."""
HEALED = (SERVING, FENCED, "fencing")
"""States of hosts whose guests may be moved: not of one that was stopped in order, or may run none yet."""


@dataclass(frozen=True)
class Record:
    """What a host's agent last wrote. `compute`: which nova-compute runs, empty if none. `ready`: it answers.
    `rules`: by which it ends its guests without a lease; empty if it does not. `ended`: guests that are to
    be started again."""

    state: str
    compute: str = ""
    ready: bool = False
    rules: str = ""
    ended: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Record:
        try:
            found: dict[str, Any] = json.loads(text)
            compute, rules = str(found.get("compute", "")), str(found.get("rules", ""))
            ended = tuple(str(each) for each in found.get("ended", ()))
            return cls(str(found["state"]), compute, bool(found.get("ready")), rules, ended)
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls("unknown")


@dataclass
class Seen:
    """A host's lease. `since`: since when it has this revision, or is read without a break. `changed`: when it was
    seen to change; None: it never was."""

    revision: int
    since: float
    record: Record
    changed: float | None = None


@dataclass(frozen=True)
class Judgement:
    """`suspects`: hosts that look lost. `restrained`: so many that nothing may be done. `lost`: those that may be
    healed now; `by_fence`: those that a fence agent may be asked to switch off."""

    suspects: tuple[str, ...] = ()
    restrained: bool = False
    lost: tuple[str, ...] = ()
    by_fence: tuple[str, ...] = ()


@dataclass
class Watch:
    """What one healer saw. `names`: the compute hosts. `share`: of them that may look lost."""

    names: Collection[str]
    share: float
    seen: dict[str, Seen] = field(default_factory=dict)
    read: float | None = None
    calm: float = 0.0
    """Since when not too many hosts look lost."""

    def observe(self, now: float, leases: Mapping[str, Kept]) -> None:
        """Take in what was read at `now`; `leases`: by host."""
        broken = self.read is None or now - self.read > GAP
        if broken:
            self.calm = now
        for name in self.names:
            lease, before = leases.get(name), self.seen.get(name)
            if lease is None:
                self.seen.pop(name, None)
            elif before is None or before.revision != lease.revision:
                changed = now if before else None
                self.seen[name] = Seen(lease.revision, now, Record.of(lease.value), changed)
            elif broken:
                before.since = now
        self.read = now

    def silence(self, name: str, now: float) -> float | None:
        """Seconds since a host's lease changed; None for one that never had any."""
        found = self.seen.get(name)
        return now - found.since if found else None

    def is_fresh(self, name: str, now: float) -> bool:
        """Whether a host renews its lease: it was seen to, a short time ago."""
        found = self.seen.get(name)
        return found is not None and found.changed is not None and now - found.changed < SUSPECT

    def judge(self, now: float, marked: Collection[str]) -> Judgement:
        """`marked`: hosts that are fenced already; they neither count nor are healed again."""
        counted = [name for name in self.names if name not in marked]
        silent = {
            name: self.silence(name, now) or 0.0
            for name in counted
            if name in self.seen and self.seen[name].record.state != LEFT
        }
        suspects = tuple(sorted(name for name, seconds in silent.items() if seconds >= SUSPECT))
        if restrained(len(suspects), len(counted), self.share) and suspects:
            self.calm = now
            return Judgement(suspects, True)
        calm = now - self.calm

        def after(seconds: float) -> tuple[str, ...]:
            return tuple(
                name
                for name in suspects
                if min(silent[name], calm) >= seconds and self.seen[name].record.state in HEALED
            )

        return Judgement(suspects, False, after(ACT), after(ACT_BY_FENCE))
