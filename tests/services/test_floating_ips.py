"""How floating IPs are translated: which hosts decide it, and that those that are there are changed once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.core.events import silent
from onestack.platform import floating_ips
from onestack.platform.view import View

ROWS = "u-1,stateless=true\nu-2,stateless=false\nu-3,\n"


class Node:
    """Answers as OVN does."""

    def __init__(self, rows: str) -> None:
        self.rows = rows
        self.done: list[list[str]] = []

    def inside(self, argv: list[str]) -> str:
        if argv == floating_ips.LIST:
            return self.rows
        self.done.append(argv)
        return ""


@pytest.mark.parametrize(("wanted", "found"), [(True, ["u-2", "u-3"]), (False, ["u-1"])])
def test_those_that_are_not_as_wanted(*, wanted: bool, found: list[str]) -> None:
    assert floating_ips.others(ROWS, wanted=wanted) == found


def test_all_are_changed_by_one_command() -> None:
    node = Node(ROWS)
    floating_ips.ensure(node, silent, wanted=True)  # type: ignore[arg-type]
    (command,) = node.done
    assert [command[at : at + 3] for at, word in enumerate(command) if word == "set"] == [
        ["set", "NAT", "u-2"],
        ["set", "NAT", "u-3"],
    ]
    assert command.count("options:stateless=true") == 2


@pytest.mark.parametrize("rows", ["", "u-1,stateless=true\n"])
def test_nothing_is_done_where_all_are(rows: str) -> None:
    node = Node(rows)
    floating_ips.ensure(node, silent, wanted=True)  # type: ignore[arg-type]
    assert node.done == []


def test_any_host_on_the_userspace_datapath_decides(view: View) -> None:
    kernel = replace(view.here, datapath="system")
    other = replace(view.here, name="node2", datapath="netdev")
    assert floating_ips.stateless(replace(view, here=other))
    assert not floating_ips.stateless(replace(view, here=kernel))
    assert floating_ips.stateless(replace(view, here=kernel, peers=(other,)))
