"""The leader has the members of an infrastructure service form one cluster, begun by the one that is chosen."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hosts.conftest import replicated
from onestack.core.errors import PermanentError
from onestack.core.events import Emit, Event, silent
from onestack.platform import catalogue, graph
from onestack.platform.shape import Form

NAMES = ["c1", "c2", "c3"]


class Fake:
    """A host whose member has a state."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self._state = state
        self.begun: list[str] = []

    def state(self, service: str) -> str:
        return self._state

    def begin(self, service: str, emit: Emit) -> None:
        self.begun.append(service)


def form(chosen: str | None) -> tuple[Form, list[Mapping[str, str]]]:
    seen: list[Mapping[str, str]] = []

    def choose(states: Mapping[str, str], lead: str) -> str | None:
        seen.append({**states, "lead": lead})
        return chosen

    return Form(lambda site, node: "", choose, lambda site, node, emit: None), seen


@pytest.mark.parametrize("chosen", ["c2", None])
def test_who_is_chosen_begins_and_no_other(chosen: str | None) -> None:
    hosts = [Fake("c1", "a"), Fake("c2", "b"), Fake("c3", "")]
    declared, seen = form(chosen)
    said: list[Event] = []
    graph.form_cluster("database", declared, hosts, "c1", said.append, NAMES)  # type: ignore[arg-type]
    assert seen == [{"c1": "a", "c2": "b", "c3": "", "lead": "c1"}]
    assert [each.name for each in hosts if each.begun] == ([chosen] if chosen else [])
    assert [each.message for each in said if each.state == "finished"] == (
        [f"begun on {chosen}"] if chosen else []
    )


def test_without_a_majority_nothing_is_begun() -> None:
    hosts = [Fake("c1", "older"), Fake("c2", "newer")]
    for members, begun in ((NAMES, True), ([*NAMES, "c4", "c5"], False)):
        declared, _ = form("c2")
        try:
            graph.form_cluster("database", declared, hosts, "c1", silent, members)  # type: ignore[arg-type]
        except PermanentError as error:
            assert not begun
            assert "2 of 5 hosts are reached" in error.summary
            assert error.detail == "what they have: c1 (older), c2 (newer)"
        assert bool(hosts[1].begun) is begun
        hosts[1].begun.clear()
    declared, _ = form(None)
    graph.form_cluster("database", declared, hosts[:1], "c1", silent, NAMES)  # type: ignore[arg-type]


def test_what_forms_a_cluster_is_found_by_its_name() -> None:
    formed = [each.name for each in catalogue.infrastructure(replicated()["c1"]) if each.form]
    assert formed == ["galera", "ovn-databases"]
    assert all(catalogue.form(name).needs is not None for name in formed)
    with pytest.raises(LookupError):
        catalogue.form("rabbitmq")
