"""Ports whose interface is gone leave the bridges before ovs-vswitchd starts; while it runs nothing is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from onestack.core.events import silent
from onestack.host import network
from onestack.platform.infrastructure import ovn
from onestack.platform.site import Site


@dataclasses.dataclass
class Switch:
    """A node whose OVS knows some interfaces; what was run in it."""

    known: str
    pid: int | None = None
    ran: list[list[str]] = dataclasses.field(default_factory=list)

    @property
    def supervisor(self) -> Any:
        return SimpleNamespace(program=lambda name: SimpleNamespace(pid=self.pid))

    def enter(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def inside(self, argv: Sequence[str]) -> str:
        self.ran.append(list(argv))
        return self.known if list(argv) == ovn.ports_without_type() else ""


Wired = Callable[..., Switch]


@pytest.fixture
def wired(monkeypatch: pytest.MonkeyPatch) -> Wired:
    monkeypatch.setattr(network, "interfaces", lambda enter: ["lo", "eth1"])
    return Switch


def forget(switch: Switch) -> None:
    ovn.forget_gone_ports(switch)  # type: ignore[arg-type]


def test_what_a_boot_took_away_is_forgotten(wired: Wired) -> None:
    switch = wired("eth1\n\nonestack-brex\n\ntap1234\n")
    forget(switch)
    (argv,) = switch.ran[1:]
    assert argv[-8:] == [
        "--",
        "--if-exists",
        "del-port",
        "onestack-brex",
        "--",
        "--if-exists",
        "del-port",
        "tap1234",
    ]
    assert "--no-wait" in argv, "nobody is there to wait for"


def test_what_is_there_stays(wired: Wired) -> None:
    switch = wired("eth1\n")
    forget(switch)
    assert switch.ran == [ovn.ports_without_type()]


def test_a_switch_that_runs_is_left_alone(wired: Wired) -> None:
    switch = wired("tap1234\n", pid=7)
    forget(switch)
    assert switch.ran == []


def test_it_comes_before_the_switch_is_started(make: Callable[..., Site]) -> None:
    ran: list[str] = []
    site = make()
    node = SimpleNamespace(inside=lambda argv: ran.append("settings"))
    fake = SimpleNamespace(view_of=lambda node: site.view)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ovn, "forget_gone_ports", lambda node: ran.append("forget"))
        patch.setattr(ovn.underlay, "leave", lambda node, ctl: ran.append("no bridge under tunnels"))
        ovn.configure(fake, node, silent)  # type: ignore[arg-type]
    assert ran == ["no bridge under tunnels", "settings", "forget"]
