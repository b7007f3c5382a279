"""Floating IPs that get another MAC address: which are late, and that neighbours are told once, after the change."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.core.events import silent
from onestack.host.command import CommandFailed
from onestack.platform import announcing

OWN, ROUTERS, DOWN = "web,fa:16:3e:00:00:01\n", "web,\n", "off,\n"


@pytest.mark.parametrize(
    ("nats", "centralized", "found"),
    [
        ("", True, []),
        (OWN, True, ["web"]),
        (ROUTERS, True, []),
        (OWN, False, []),
        (ROUTERS, False, ["web"]),
        # Neutron gives one to a port that is up.
        (DOWN, False, []),
    ],
)
def test_which_floating_ips_are_late(nats: str, centralized: bool, found: list[str]) -> None:
    assert announcing.late(nats, ["web"], centralized=centralized) == found


class Node:
    """Answers as OVN does, after a while. `answers`: to the questions for NAT, in order."""

    def __init__(self, folder: Path, answers: list[str], *, deaf: bool = False) -> None:
        self.folder, self.answers, self.deaf = folder, answers, deaf
        self.done: list[list[str]] = []

    def outside(self, place: str) -> Path:
        return self.folder / "mark"

    def inside(self, argv: list[str]) -> str:
        if argv == announcing.NATS:
            return self.answers.pop(0)
        if argv in (announcing.UP, announcing.FIND):
            return "web\n" if argv == announcing.UP else "u-1\n\nu-2\n"
        self.done.append(list(argv))
        if self.deaf and "--wait=hv" in argv:
            raise CommandFailed(argv, 1, "")
        return ""


def ensure(node: Node, *, centralized: bool) -> None:
    announcing.ensure(node, silent, centralized=centralized)  # type: ignore[arg-type]


def test_they_are_announced_once_after_the_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing.time, "sleep", lambda seconds: None)
    alone = Node(tmp_path, [])
    ensure(alone, centralized=False)
    assert alone.done == []
    grown = Node(tmp_path, [OWN, OWN, ROUTERS])
    ensure(grown, centralized=True)
    assert grown.answers == []
    assert grown.done == [announcing.silence(["u-1", "u-2"]), announcing.announce(["u-1", "u-2"])]
    again = Node(tmp_path, [])
    ensure(again, centralized=True)
    assert again.done == []
    shrunk = Node(tmp_path, [ROUTERS, OWN], deaf=True)
    ensure(shrunk, centralized=False)
    assert shrunk.done[-1] == announcing.announce(["u-1", "u-2"])
    ensure(alone, centralized=False)
    assert alone.done == []
