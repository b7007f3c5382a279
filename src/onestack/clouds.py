"""A file over several clouds: one plan, applied cloud by cloud. A cloud that is away fails its own part only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestack.core.errors import BadInput, OneStackError
from onestack.core.events import Emit, Event, silent
from onestack.spec import Spec, load, loads
from onestack.workloads import parts
from onestack.workloads.apply import Outcome
from onestack.workloads.approval import Approve, approved, plan_again, unasked
from onestack.workloads.other_cloud import OtherCloud
from onestack.workloads.plan import Plan
from onestack.workloads.plan.several import SeveralPlans, together

if TYPE_CHECKING:
    from onestack.cloud import Cloud

Part = tuple["Cloud | OtherCloud", Spec]


class Clouds:
    """All clouds of a file, with the calls of `Cloud` for what tenants run."""

    def __init__(self, local: Callable[[], Cloud], named: Callable[[str], OtherCloud] | None = None) -> None:
        """`local`: this machine's cloud. `named`: that of an entry of clouds.yaml. They are called if the file has
        such a cloud; BadInput of theirs stops everything, any other error leaves out the cloud."""
        self._local = local
        self._named = named or OtherCloud

    def plan(
        self,
        spec: Spec | str | Path,
        *,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
    ) -> SeveralPlans:
        """What would change, in all clouds that answer. Raises BadInput, BadSpec; nothing is planned then."""
        return self._planned(
            spec,
            lambda cloud, part, said: cloud.plan(part, prune=prune, adopt=adopt, force=force, emit=said),
            emit,
        )

    def drift(self, spec: Spec | str | Path, *, emit: Emit = silent) -> SeveralPlans:
        """What somebody changed by hand, as the plan that would undo it."""
        return self.plan(spec, force=True, emit=emit)

    def removal(self, spec: Spec | str | Path, *, emit: Emit = silent) -> SeveralPlans:
        """The plan that deletes all resources that the spec created."""
        return self._planned(spec, lambda cloud, part, said: cloud.removal(part, emit=said), emit)

    def apply(
        self,
        plan: Plan | None = None,
        *,
        spec: Spec | str | Path,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
        approve: Approve = unasked,
    ) -> Outcome:
        """Do a plan, or what is needed now if `approve` lets it. Failures, and why clouds were left out, are in the
        outcome. Raises BadInput, BadSpec."""
        if plan is None:
            plan = approved(
                lambda: self.plan(spec, prune=prune, adopt=adopt, force=force, emit=emit), approve
            )
        assert isinstance(plan, SeveralPlans)
        away = dict(plan.away)
        outcomes: dict[str, Outcome] = {}
        for name, (cloud, part) in self._each(spec, away, besides=plan.away).items():
            try:
                outcomes[name] = cloud.apply(plan.parts[name], spec=part, emit=_prefixed(name, emit))
            except OneStackError as error:
                away[name] = error
        return _outcome(outcomes, away)

    def apply_written(self, written: dict[str, Any], *, emit: Emit = silent) -> Outcome:
        """Do a plan that was written down. Raises BadInput when it is no longer what would be done."""
        made = written["made_from"]["spec"]
        spec = loads(made["text"], made["file"])
        plan = plan_again(written, lambda **words: self.plan(spec, **words), emit)
        return self.apply(plan, spec=spec, emit=emit)

    def _planned(
        self, spec: Spec | str | Path, make: Callable[[Cloud | OtherCloud, Spec, Emit], Plan], emit: Emit
    ) -> SeveralPlans:
        read = spec if isinstance(spec, Spec) else load(spec)
        away: dict[str, OneStackError] = {}
        plans: dict[str, Plan] = {}
        for name, (cloud, part) in self._each(read, away).items():
            try:
                plans[name] = make(cloud, part, _prefixed(name, emit))
            except BadInput:
                raise
            except OneStackError as error:
                away[name] = error
        return together(plans, away, read.name)

    def _each(
        self, spec: Spec | str | Path, away: dict[str, OneStackError], besides: Collection[str] = ()
    ) -> dict[str, Part]:
        """The clouds with their parts of the file. `away`: gets the errors of those that cannot be had."""
        read = spec if isinstance(spec, Spec) else load(spec)
        found: dict[str, Part] = {}
        for name, part in parts.split(read).items():
            if name in besides:
                continue
            entry = read.clouds[name].cloud
            try:
                found[name] = (self._local() if entry is None else self._named(entry), part)
            except BadInput:
                raise
            except OneStackError as error:
                away[name] = error
        return found


def _prefixed(name: str, emit: Emit) -> Emit:
    def said(event: Event) -> None:
        emit(replace(event, step=f"{name}: {event.step}"))

    return said


def _outcome(outcomes: Mapping[str, Outcome], away: Mapping[str, OneStackError]) -> Outcome:
    every = outcomes.values()
    return Outcome(
        done=sum(each.done for each in every),
        seconds=sum(each.seconds for each in every),
        failures=[replace(one, cloud=name) for name, each in outcomes.items() for one in each.failures],
        undone=[f"{name}: {one}" for name, each in outcomes.items() for one in each.undone],
        added=sum(each.added for each in every),
        changed=sum(each.changed for each in every),
        destroyed=sum(each.destroyed for each in every),
        away=away,
    )
