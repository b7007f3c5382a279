"""Tests on a cloud kill several processes at once: that one ends because another one ended must still show."""

from __future__ import annotations

from cloud import health
from onestack.platform import catalogue, graph, watchers
from onestack.platform.view import View


def test_none_of_the_processes_that_are_killed_together_needs_another(view: View) -> None:
    processes = catalogue.processes(view)
    needs = {one.name: {need.name for need in one.needs} for one in (*processes, *catalogue.steps(view))}
    needs[graph.DATABASES] = {"mariadb"}

    def all_needs(name: str) -> set[str]:
        return {each for need in needs.get(name, ()) for each in (need, *all_needs(need))}

    assert all_needs("neutron") >= {"mariadb", "ovsdb", "ovs-vswitchd"}
    killed = [name for names in health.TOGETHER for name in names]
    assert sorted(killed) == sorted([*(one.name for one in processes), watchers.KEEPER])
    assert [names for names in health.TOGETHER if any(all_needs(name) & {*names} for name in names)] == []
