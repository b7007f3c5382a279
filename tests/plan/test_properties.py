"""What holds for every spec: applied once it is there, from any state the next is reached, in a right order."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from model_cloud import FURNISHED, ModelCloud
from specs import specs

from onestack.spec import Spec
from onestack.workloads import apply
from onestack.workloads.plan import Plan, make
from onestack.workloads.wanted import wanted

# Shrinking costs minutes; a failing spec is small enough as it is.
quick = settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def plan(spec: Spec, cloud: ModelCloud, *, prune: bool = True) -> Plan:
    return make(wanted(spec), cloud.observe(()), cloud.kinds, owner=cloud.owner, prune=prune)


def run(spec: Spec, cloud: ModelCloud) -> None:
    outcome = apply.run(plan(spec, cloud), cloud)
    assert outcome.ok, [f"{one.address}: {one.error}" for one in outcome.failures]
    assert not outcome.undone


@given(specs())
@quick
def test_what_was_applied_needs_no_change(spec: Spec) -> None:
    cloud = ModelCloud(spec.name)
    run(spec, cloud)
    again = plan(spec, cloud)
    assert again.empty, [f"{one.action} {one.address} {one.fields} {one.why}" for one in again.changes]
    assert {one.address for one in wanted(spec)} <= set(cloud.there)


@given(specs(), specs())
@quick
def test_from_one_spec_to_another_without_breaking_what_depends(first: Spec, second: Spec) -> None:
    cloud = ModelCloud(first.name)
    run(first, cloud)
    run(second, cloud)
    assert plan(second, cloud).empty
    ours = {address for address, there in cloud.there.items() if there.owner == cloud.owner}
    assert ours == {one.address for one in wanted(second)}


@given(specs())
@quick
def test_everything_goes_and_nothing_else(spec: Spec) -> None:
    cloud = ModelCloud(spec.name)
    run(spec, cloud)
    removal = make((), cloud.observe(()), cloud.kinds, owner=cloud.owner, prune=True)
    assert apply.run(removal, cloud).ok
    assert set(cloud.there) == set(FURNISHED)
