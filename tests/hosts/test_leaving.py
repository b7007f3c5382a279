"""A control host leaves: only where the others have a majority, and its members before it is forgotten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from hosts.conftest import replicated
from onestack.core.errors import PermanentError
from onestack.platform import catalogue
from onestack.platform.hosts import leaving


def cloud(monkeypatch: pytest.MonkeyPatch, *services: Any) -> Any:
    monkeypatch.setattr(catalogue, "infrastructure", lambda view: services)
    hosts = [SimpleNamespace(name=name) for name in ("c1", "c2", "c3")]
    return SimpleNamespace(view=None, here="c1", hosts=hosts)


def service(members: int, size: int = 3) -> Any:
    return SimpleNamespace(name="galera", members=lambda site, node: (members, size))


@pytest.mark.parametrize(
    ("members", "size", "runs", "enough"),
    [
        (3, 3, True, True),
        (2, 3, False, True),
        (2, 3, True, False),  # another one is away: without this one, one of three would be left
        (0, 3, False, False),
        (4, 5, True, True),
        (3, 5, True, False),
    ],
)
def test_the_others_need_a_majority(
    monkeypatch: pytest.MonkeyPatch, members: int, size: int, runs: bool, enough: bool
) -> None:
    found = cloud(monkeypatch, service(members, size), SimpleNamespace(name="ovn", members=None))
    if enough:
        leaving.require_majority(found, "c2", runs=runs)
        return
    with pytest.raises(PermanentError, match=f"galera has {members} of {size} members: without c2"):
        leaving.require_majority(found, "c2", runs=runs)


def test_each_cluster_is_told_who_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str]] = []
    bus = SimpleNamespace(name="rabbitmq", withdraw=lambda site, node, gone: told.append((node, gone.name)))
    found = cloud(monkeypatch, SimpleNamespace(name="galera", withdraw=None), bus)
    assert leaving.withdraw(found, "c2") == ["rabbitmq"]
    assert told == [("c1", "c2")]


def test_whose_members_must_be_told() -> None:
    asked = {each.name for each in catalogue.infrastructure(replicated()["c1"]) if each.withdraw}
    assert asked == {"rabbitmq", "ovn-databases"}


@pytest.mark.parametrize("name", ["c2", "c3"])
def test_only_that_host_is_ended(name: str) -> None:
    ended: list[str] = []

    def host(called: str) -> Any:
        return SimpleNamespace(name=called, destroy=lambda emit, purge: ended.append(called))

    leaving.end([host("c2"), host("c3")], name, lambda event: None)
    assert ended == [name]
