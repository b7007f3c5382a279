"""Goes on after the loss of a majority of the control hosts, or of the leader, with those that are left.

Run on the leader, or, where that is lost, on another control host, which becomes the leader (`succession`). What is
left is looked at first, and what will be done is shown, before anything is changed. Then the lost hosts are noted as
given up, and the cloud is of another generation (`CloudView.generation`): its clusters are other ones, begun from
what the remaining hosts have. The rest is an ordinary `up`, which also goes on where it was interrupted. A lost host
that is reached again by a later `up` becomes a member anew; its old databases, which nobody needs any more, are
replaced by copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from onestack.core.errors import BadInput
from onestack.core.events import Emit, step
from onestack.core.graph import on_each
from onestack.core.paths import Paths
from onestack.host.lock import held
from onestack.platform import site
from onestack.platform.hosts import cluster, inheritance, known, standing, succession
from onestack.platform.hosts.members import Member
from onestack.platform.hosts.work import Here, HostWork
from onestack.platform.site import Site

PURPOSE = "recover"
ACCEPT = "--accept-data-loss"
Approve = Callable[["Recovery"], None]
"""Sees what will be done; raises where it must not be."""


@dataclass(frozen=True)
class Recovery:
    """What was found, and what will be done. `proved`: whether the remaining hosts have all that was written."""

    lead: str
    lost: tuple[str, ...]
    remaining: tuple[str, ...]
    members: tuple[Member, ...]
    problems: Mapping[str, str]
    """Why lost hosts are not reached, by their names."""
    former: str
    """The leader that is lost; empty where this host leads the cloud already."""
    begins: str
    """The host whose MariaDB the cluster begins with, as far as it is known before it is asked."""
    proved: bool

    @property
    def steps(self) -> list[str]:
        """What will be done, in words."""
        others = [each for each in self.remaining if each != self.begins]
        copies = f"; {', '.join(others)} copy it" if others else ""
        leads = f"{self.lead}: leads the cloud in place of {self.former}, what exists once in a cloud starts there;"
        leads += f" images and volumes in files, metrics and logs of {self.former} are not there"
        return [
            *([leads] if self.former else []),
            f"{', '.join(self.lost)}: given up as members of the clusters, and kept out by the firewall",
            f"galera: begins a new cluster with the data of {self.begins}{copies}",
            f"ovn-databases: both become databases of {self.lead} alone, and the first members of new clusters",
            "rabbitmq: begins a new cluster; OpenStack's services make their queues anew, and requests that were"
            " under way end with errors",
            "all else: as `onestack up --leave-unreachable` does it",
        ]

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**asdict(self), "steps": self.steps}


def decide(
    controls: Sequence[str],
    lead: str,
    problems: Mapping[str, str],
    members: Sequence[Member],
    former: str = "",
) -> Recovery:
    """What will be done. `controls`: the control hosts that have members; `lead`: this host; `former`: the leader, if
    that is another one; `problems`: why hosts are not reached.

    Raises BadInput where that other leader is reached, or, on the leader, a majority: `up` forms the clusters again,
    with the newest data. Pure.
    """
    lost = tuple(each for each in controls if each in problems)
    remaining = tuple(each for each in controls if each not in problems)
    majority = len(remaining) > len(controls) // 2
    if former and former not in problems:
        raise BadInput(
            f"{former} leads the cloud, and is reached",
            hint=f"run the command there; if {lead} is to lead the cloud, switch {former} off first",
        )
    if majority and not former:
        raise BadInput(
            f"{len(remaining)} of {len(controls)} control hosts are reached, a majority: nothing has to be given up",
            hint="`onestack up` brings the clusters back with the newest data"
            + (f"; --leave-unreachable goes on without {', '.join(lost)}" if lost else ""),
        )
    databases = {each.host: each for each in members if each.service == "galera" and each.host in remaining}
    begins = max(
        remaining,
        key=lambda name: (
            (found.last, found.newness, name == lead)
            if (found := databases.get(name))
            else (False, -2, name == lead)
        ),
    )
    # What was acknowledged, a majority has.
    proved = majority or (begins in databases and databases[begins].last)
    return Recovery(lead, lost, remaining, tuple(members), dict(problems), former, begins, proved)


def require_accepted(found: Recovery, accepted: bool) -> None:
    """Raises BadInput where the lost hosts may have newer data and that was not accepted by an option."""
    if found.proved or accepted:
        return
    lost, left = ", ".join(found.lost), ", ".join(found.remaining)
    raise BadInput(
        f"{lost} may have newer data than {left}: what only they have would be lost",
        detail="\n".join(f"{each.service} on {each.host}: {each.words}" for each in found.members),
        hint="bring one of them back and run `onestack up`; or, if they are lost for good and switched off,"
        f" {ACCEPT}",
    )


class Recovering:
    """Recovery of one cloud, on its leader. `up`: brings it up without the hosts that are not reached."""

    def __init__(self, paths: Paths, up: Callable[..., Site]) -> None:
        self._paths = paths
        self._up = up

    def look(self, emit: Emit) -> Recovery:
        """What is left and what would be done. Changes nothing. Raises BadInput."""
        here = site.load(self._paths)
        if not here.view.replicated:
            raise BadInput("this cloud has one control host", hint="`onestack up` brings it back")
        spec = None if here.leads else succession.spec(here)
        with cluster.reachable(self._paths, spec) as (others, failed), step("look at what is left", emit):
            return self._decide(here, others, failed)

    def recover(self, emit: Emit, approve: Approve, *, accepted: bool = False, wait: float = 0.0) -> Recovery:
        """Go on without the lost control hosts. `accepted`: also where they may have newer data. `wait`: as in `up`.
        Raises BadInput, PermanentError."""
        found = self.look(emit)
        require_accepted(found, accepted)
        approve(found)
        with held(self._paths.lock, f"onestack {PURPOSE}", seconds=wait):
            if found.former:
                succession.take(site.load(self._paths), found.lost)
            else:
                self._give_up(found.lost)
        now = self._up(emit=emit, wait=wait, leave_unreachable=True)
        if found.former:
            inheritance.take_up(now, found.former, emit)
        return found

    def _decide(
        self, here: Site, others: Sequence[HostWork], failed: Mapping[str, BaseException]
    ) -> Recovery:
        controls = [each.name for each in here.view.controls]
        former = "" if here.leads else here.lead
        members: list[Member] = []

        def look(host: HostWork) -> None:
            if host.name in controls:
                members.extend(host.members())

        problems = {name: str(error) for name, error in failed.items() if name in controls}
        if former in problems and standing.answers(here, former):
            raise BadInput(
                f"{former} leads the cloud, and answers, though not by ssh: {problems[former]}",
                hint=f"run the command there; if {here.here.name} is to lead the cloud, switch {former} off first",
            )
        if not former or former in problems:
            on_each([Here(here), *others], look)
        members.sort(key=lambda each: (each.service, each.host))
        return decide(controls, here.here.name, problems, members, former)

    def _give_up(self, lost: Sequence[str]) -> None:
        """Note that hosts are given up: one write, after which `up` goes on whatever happens."""
        kept = known.load(self._paths)
        assert kept is not None
        hosts = tuple(replace(each, given_up=True) if each.name in lost else each for each in kept.hosts)
        known.save(self._paths, replace(kept, hosts=hosts, generation=kept.generation + 1))
