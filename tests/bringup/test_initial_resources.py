"""What a cloud is given once: new ones DevStack's flavors, those that stand what is new beside their own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from keystoneauth1.exceptions import ConnectFailure

from hosts.conftest import replicated, views
from onestack.core.events import silent
from onestack.platform import connect, initial_resources
from onestack.platform.markers import Markers
from onestack.platform.site import Site
from onestack.platform.view import View
from onestack.spec import FLAVORS


def missing(*done: str) -> list[str]:
    return initial_resources.missing_flavors({f"furnished/{each}": "" for each in done})


def test_a_new_cloud_gets_all_flavors() -> None:
    assert missing("image") == list(FLAVORS)
    assert missing("image", f"flavors {', '.join(FLAVORS)}") == []


def test_a_cloud_of_before_keeps_its_own_and_gets_the_new_ones() -> None:
    assert missing("flavors", "image") == ["m1.nano", "m1.micro", "m1.xlarge"]
    assert missing("flavors", "flavors m1.nano, m1.micro, m1.xlarge") == []


def test_a_flavor_that_is_there_stays_as_it_is() -> None:
    made: list[dict[str, object]] = []
    there = [SimpleNamespace(name="m1.tiny")]
    compute = SimpleNamespace(flavors=lambda: there, create_flavor=lambda **wanted: made.append(wanted))
    initial_resources.flavors(cast(Any, SimpleNamespace(compute=compute)), ["m1.nano", "m1.tiny"])
    assert made == [{"name": "m1.nano", "vcpus": 1, "ram": 128, "disk": 1}]


class Written:
    """Markers in memory."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def write(self, name: str, value: str = "") -> None:
        self.known[name] = value


def lost_at_first(view: View, monkeypatch: pytest.MonkeyPatch) -> tuple[Written, int]:
    """Create the external network where the first request is lost; gives the markers, and how often it was tried."""
    attempts = 0

    def create(site: Site, admin: object) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise ConnectFailure("the address has moved")

    monkeypatch.setattr(initial_resources, "external_network", create)
    monkeypatch.setattr(connect, "connection", lambda site: None)
    markers, site = Written(), cast(Site, SimpleNamespace(view=view))
    steps = initial_resources.steps(site, cast(Markers, markers), Path("image"), silent)
    try:
        steps["external network"][1]()
    except ConnectFailure:
        assert markers.known == {}
    return markers, attempts


def test_with_several_control_hosts_a_step_whose_request_was_lost_runs_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    markers, attempts = lost_at_first(replicated()["c1"], monkeypatch)
    assert (list(markers.known), attempts) == (["furnished/external network"], 2)


def test_with_one_control_host_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost_at_first(views()["c1"], monkeypatch)[1] == 1
