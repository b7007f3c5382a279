"""Neutron does nothing about a new port that OVN says is down, where that is no news."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import neutron_news

HOST_KEY = "neutron:host_id"
UNBOUND, REAL, PRETENDED = "", "vm", "fake-1"


@pytest.fixture
def heard() -> Any:
    """A driver's event for new ports: which of them it was told of, given what the database has of each."""

    def told(up: list[bool], ids: dict[str, str], *known: tuple[str, str]) -> bool:
        names: list[str] = []

        class Event:
            def run(self, event: str, row: Any, old: Any) -> None:
                names.append(row.name)

        def ask(port_id: str) -> neutron_news.State:
            assert port_id == "port"
            return known

        neutron_news.leave_out_old(Event, ask, PRETENDED.__eq__, HOST_KEY)
        Event().run("create", SimpleNamespace(name="port", up=up, external_ids=ids), None)
        return names == ["port"]

    return told


@pytest.mark.parametrize("up", [[], [False]])
@pytest.mark.parametrize(
    "known",
    [
        [("DOWN", UNBOUND)],
        [("ACTIVE", PRETENDED)],
        [("DOWN", PRETENDED)],
    ],
)
def test_no_news(heard: Any, up: list[bool], known: list[Any]) -> None:
    assert not heard(up, {}, *known)


@pytest.mark.parametrize(
    ("up", "ids", "known"),
    [
        ([True], {}, [("DOWN", UNBOUND)]),
        ([True], {}, [("ACTIVE", PRETENDED)]),
        ([False], {HOST_KEY: "vm"}, [("DOWN", UNBOUND)]),
        ([False], {}, [("ACTIVE", UNBOUND)]),
        ([False], {}, [("DOWN", REAL)]),
        ([False], {}, [("ACTIVE", REAL)]),
        ([False], {}, [("DOWN", UNBOUND), ("DOWN", REAL)]),
        ([False], {}, []),
    ],
)
def test_news(heard: Any, up: list[bool], ids: dict[str, str], known: list[Any]) -> None:
    assert heard(up, ids, *known)
