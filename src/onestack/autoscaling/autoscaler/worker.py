"""The control loop of one group: collect its members, decide on a size, act."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from onestack.autoscaling import record
from onestack.autoscaling.autoscaler.act import Executor
from onestack.autoscaling.autoscaler.collect import MemberCollector
from onestack.autoscaling.autoscaler.journal import Journal
from onestack.autoscaling.autoscaler.signals import signals
from onestack.autoscaling.decision import Decision, Memory, from_spec, step
from onestack.autoscaling.decision.decide import combine
from onestack.autoscaling.decision.members import Failures
from onestack.autoscaling.decision.roster import AT_ONCE, Action, Roster, has_served, plan
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.reading import Record
from onestack.observe.observation import Observation
from onestack.platform.site import Site
from onestack.workloads.openstack.rest import Rest
from onestack.workloads.resources.scaling_group import patch

ROLL_BACK_AFTER = 2
"""After this many consecutive failed members of a new template, the previous template is used again."""


@dataclass
class GroupState:
    """The state of a group, for `scale why` and the status."""

    name: str
    project: str
    min: int = 0
    max: int = 0
    desired: int = 0
    suspended: bool = False
    phase: str = ""
    members: dict[str, int] = field(default_factory=dict)
    decision: str = ""
    problems: list[str] = field(default_factory=list)
    busy: bool = False

    def as_dict(self) -> dict[str, Any]:
        return dict(vars(self))


class Worker:
    """Controls one group. `rest`: a service's API within its project; `ask`: executes a PromQL query."""

    def __init__(
        self, site: Site, rest: Callable[[str], Rest], journal: Journal, ask: Callable[[str], float | None]
    ) -> None:
        self._rest = rest
        self._journal = journal
        self._ask = ask
        self._collector = MemberCollector(site)
        self._network = site.leader.network
        # With software emulation, a booting guest keeps one processor busy. At most half of the processors are used
        # for that: the others are left for members that serve, and the first new members boot sooner.
        self._at_once = max(1, (os.cpu_count() or 1) // 2) if site.view.here.virt_type == "qemu" else AT_ONCE
        self._memory = Memory()
        self._failures = Failures()
        self._refused = ""
        self.state = GroupState("", "")

    def tick(self, group: Record, servers: Sequence[Mapping[str, Any]], observed: Observation) -> GroupState:
        """One cycle: collect, decide if a decision is due, act. Raises `kind.faults`' errors."""
        now = time.monotonic()
        pool = self._collector.pool(group, self._rest("load-balancer"), now) if group.pool else None
        states = self._collector.states(group, servers, pool, observed, now)
        settings = group.settings
        problems: list[str] = []
        roster = plan(settings, states, group.desired, group.digest)
        decision = self._decide(group, roster, observed, now, problems)
        desired = group.desired if decision is None or not decision.done else decision.to
        if desired != group.desired or group.asked:
            patch(self._rest("image"), group.id, {record.DESIRED: str(desired), record.ASKED: ""})
            group = replace(group, desired=desired)
        self._note_failures(roster, group, now)
        group = self._roll_back(group, roster)
        waits = self._failures.wait(now)
        roster = plan(settings, states, desired, group.digest, may_start=waits <= 0, at_once=self._at_once)
        if group.suspended:
            # Removals in progress continue; nothing else is done.
            roster = replace(roster, actions=tuple(a for a in roster.actions if a.verb in ("part", "delete")))
        if roster.actions:
            self._act(group, roster, pool, now)
        if self._failures.number:
            problems.append(
                f"{self._failures.why}; {self._failures.number} failed, next try in {waits:.0f} s"
            )
        counts: dict[str, int] = {}
        for _, phase in roster.phases:
            counts[phase] = counts.get(phase, 0) + 1
        text = str(decision) if decision else self.state.decision
        self.state = GroupState(
            group.name, group.project, settings.min, settings.max, desired, group.suspended, group.phase,
            counts, text, problems, roster.busy,
        )  # fmt: skip
        return self.state

    # Deciding.

    def _decide(
        self, group: Record, roster: Roster, observed: Observation, now: float, problems: list[str]
    ) -> Decision | None:
        serving, warming = roster.of("serving"), roster.of("starting", "warming")
        if group.asked == record.ASKED_SIZE:
            self._memory.add_recommendation(now, group.desired)
        if not self._memory.due(now) and not group.asked:
            return None
        found, wrong = signals(group, serving, warming, observed, self._ask)
        problems += wrong
        present = min(len(serving), group.desired)
        observation = GroupObservation(now, time.time(), present, group.desired - present, found)
        wanted = replace(from_spec.group(group.settings), suspended=group.suspended)
        if group.asked.startswith(record.ASKED_POLICY):
            decision = self._apply_requested_policy(
                wanted, observation, group.asked.removeprefix(record.ASKED_POLICY)
            )
        else:
            made = step(wanted, self._memory, observation)
            if made is None:
                return None
            decision = made
        self._journal.decision(decision.as_dict(), now)
        return decision

    def _apply_requested_policy(self, wanted: Any, observation: GroupObservation, policy: str) -> Decision:
        """Apply one policy's recommendation at once, as requested by `scale --policy`."""
        recommendations = tuple(
            each.recommend(observation, self._memory.histories.get(each.metric))
            for each in wanted.policies
            if each.name == policy
        )
        to = min(max(combine(recommendations, observation.size), wanted.min), wanted.max)
        made = Decision(
            wanted.name, observation, recommendations, to, to, (f"requested: policy {policy}",), True
        )
        self._memory.add_decision(wanted, made)
        return made

    # Acting.

    def _act(self, group: Record, roster: Roster, pool: Any, now: float) -> None:
        states = [state for state, _ in roster.phases]
        outcomes = Executor(group, self._rest, pool, self._network).execute(roster.actions, states)
        refused = ""
        for action, name, wrong in outcomes:
            self._journal.write("action", _journal_entry(action, name, wrong))
            if wrong and action.verb == "create":
                refused = wrong
        if refused:
            self._failures = self._failures.failed(now, refused)

    def _note_failures(self, roster: Roster, group: Record, now: float) -> None:
        """A member that never served counts as a failed start; one that serves ends a series of failures."""
        settings = group.settings
        early = {
            state.id
            for state, _ in roster.phases
            if not has_served(state, settings.warm_up + settings.health.grace)
        }
        gone = [a for a in roster.actions if a.failed and a.verb == "delete" and a.id in early]
        if gone:
            self._failures = self._failures.failed(now, f"{gone[-1].name}: {gone[-1].why}")
        good = [f for f in roster.of("serving", "warming") if f.digest == group.digest]
        well = len(good) >= group.desired and not roster.of("failed", "starting")
        if self._failures.number and well and now - self._failures.since > self._failures.pause:
            self._failures = Failures()

    def _roll_back(self, group: Record, roster: Roster) -> Record:
        """Return to the previous template if members of this one do not become healthy."""
        if not group.settings.update.rollback or group.previous is None:
            return group
        before = group.previous["template"]
        if self._failures.number < ROLL_BACK_AFTER or record.digest(before) == group.digest:
            return group
        active = roster.of("serving", "warming")
        if any(f.digest == group.digest for f in active) or not any(
            f.digest == record.digest(before) for f in active
        ):
            return group
        settings = group.settings.model_dump(mode="json", by_alias=True)
        text = record.text(before, group.placed, settings)
        patch(self._rest("image"), group.id, {record.DEFINITION: text, record.PHASE: record.ROLLED_BACK})
        self._journal.write("rolled back", {"why": self._failures.why})
        self._failures = Failures()
        return replace(group, template=before, phase=record.ROLLED_BACK)


def _journal_entry(action: Action, name: str, wrong: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"verb": action.verb, "member": name, "why": action.why}
    if action.verb == "create":
        entry["why"] = "for the warm pool" if action.warm else action.why
    return {**entry, **({"failed": wrong} if wrong else {})}
