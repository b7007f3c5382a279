"""What is under way in a balancer, and what its objects become, whatever happens to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime.drivers.balancer import graph


def thing(name: str, status: str = "ACTIVE", *, enabled: bool = True, **more: Any) -> Any:
    return SimpleNamespace(
        id=name, provisioning_status=status, operating_status="ONLINE", enabled=enabled, **more
    )


def balancer(**status: str) -> Any:
    """One listener with a policy of one rule, a pool with monitor and two members, another pool."""

    def of(name: str, **more: Any) -> Any:
        return thing(name, status.get(name, "ACTIVE"), **more)

    rule = of("rule")
    other = of("other", members=[], health_monitor=None)
    policy = of("policy", l7rules=[rule], redirect_pool=other, action="REDIRECT_TO_POOL")
    pool = of("pool", members=[of("m1"), of("m2")], health_monitor=of("monitor"))
    listener = of("listener", l7policies=[policy], default_pool=pool, pools=[pool, other])
    return of("lb", listeners=[listener], pools=[pool, other])


def told(update: graph.Update) -> dict[str, str]:
    return {each["id"]: each["provisioning_status"] for statuses in update.values() for each in statuses}


def test_what_was_under_way_becomes_active_and_nothing_else_is_touched() -> None:
    lb = balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE", pool="PENDING_UPDATE", m1="PENDING_CREATE")
    assert told(graph.outcome(lb)) == {
        "lb": "ACTIVE", "listener": "ACTIVE", "pool": "ACTIVE", "m1": "ACTIVE"}  # fmt: skip


def test_what_goes_takes_along_what_hangs_from_it() -> None:
    lb = balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE", pool="PENDING_DELETE")
    assert told(graph.outcome(lb)) == {
        "lb": "ACTIVE", "listener": "ACTIVE", "pool": "DELETED", "monitor": "DELETED",
        "m1": "DELETED", "m2": "DELETED"}  # fmt: skip
    lb = balancer(lb="PENDING_UPDATE", listener="PENDING_DELETE")
    assert told(graph.outcome(lb)) == {
        "lb": "ACTIVE", "listener": "DELETED", "policy": "DELETED", "rule": "DELETED"}  # fmt: skip


def test_children_are_deleted_before_what_they_hang_from() -> None:
    kinds = list(graph.deleted(balancer(lb="PENDING_DELETE")))
    assert (
        kinds.index("members")
        < kinds.index("pools")
        < kinds.index("listeners")
        < kinds.index("loadbalancers")
    )
    assert kinds.index("l7rules") < kinds.index("l7policies") < kinds.index("listeners")
    assert set(told(graph.deleted(balancer())).values()) == {"DELETED"}


@pytest.mark.parametrize("name", ["lb", "listener", "pool", "m1", "monitor", "policy", "rule", "other"])
@pytest.mark.parametrize("status", ["PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE"])
def test_nothing_stays_pending_whether_it_went_well_or_not(name: str, status: str) -> None:
    for update in (graph.outcome, graph.given_up):
        lb = balancer(**{"lb": "PENDING_UPDATE", name: status})
        said = told(update(lb))
        assert not said[name].startswith("PENDING_")
        assert not said["lb"].startswith("PENDING_")


def test_the_deepest_change_is_to_blame() -> None:
    lb = balancer(
        lb="PENDING_UPDATE", listener="PENDING_UPDATE", policy="PENDING_UPDATE", rule="PENDING_CREATE"
    )
    assert graph.culprits(lb) == {"rule"}
    marked = graph.with_errors(graph.outcome(lb), frozenset({"rule"}))
    assert told(marked) == {"lb": "ACTIVE", "listener": "ACTIVE", "policy": "ACTIVE", "rule": "ERROR"}
    assert graph.culprits(balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE")) == {"listener"}
    assert graph.culprits(balancer()) == set()


def test_only_changes_of_the_vip_or_of_listeners_ask_neutron() -> None:
    assert graph.concerns_network(balancer(lb="PENDING_CREATE"))
    assert graph.concerns_network(balancer(lb="PENDING_UPDATE"))
    assert graph.concerns_network(balancer(lb="PENDING_UPDATE", listener="PENDING_CREATE"))
    assert graph.concerns_network(balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE"))
    assert graph.concerns_network(
        balancer(lb="PENDING_UPDATE", listener="PENDING_DELETE", rule="PENDING_DELETE")
    )
    assert not graph.concerns_network(
        balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE", pool="PENDING_UPDATE", m1="PENDING_UPDATE")
    )
    assert not graph.concerns_network(balancer())


def test_what_goes_or_failed_is_not_rendered() -> None:
    lb = balancer(m1="PENDING_DELETE", m2="ERROR", monitor="PENDING_DELETE", other="PENDING_DELETE")
    graph.prune(lb)
    (pool,) = lb.pools
    assert pool.members == []
    assert pool.health_monitor is None
    assert lb.listeners[0].l7policies == [], "a policy without the pool it leads to would lead nowhere"
    assert [each.id for each in lb.listeners[0].pools] == ["pool"]


def test_a_failover_tries_again_what_once_failed() -> None:
    lb = balancer(m2="ERROR", rule="ERROR")
    graph.prune(lb, retry=True)
    assert [each.id for each in lb.pools[0].members] == ["m1", "m2"]
    assert lb.listeners[0].l7policies[0].l7rules


def test_what_is_off_is_offline() -> None:
    lb = balancer(lb="PENDING_UPDATE", listener="PENDING_UPDATE")
    lb.listeners[0].enabled = False
    said = {each["id"]: each.get("operating_status") for each in graph.outcome(lb)["listeners"]}
    assert said == {"listener": "OFFLINE"}
