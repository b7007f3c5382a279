"""What is said and done of a host by Nova's word: one that is down, one that Nova does not know."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onestack import spec
from onestack.core.errors import PermanentError
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.platform import connect
from onestack.platform.choices import Choices
from onestack.platform.hosts import known
from onestack.platform.hosts.operations import Hosts
from onestack.platform.site import on_this_host
from onestack.platform.view import HostView

TEXT = """\
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute]}
  - {name: n1, address: 192.0.2.21, roles: [compute]}
  - {name: n2, address: 192.0.2.22, roles: [compute]}
"""


class Nova:
    """It knows c1 and n1, with a guest on n1 that is in ERROR. `state`: of n1's nova-compute."""

    def __init__(self, state: str) -> None:
        self.compute = self
        self.state = state

    def services(self, binary: str, host: str) -> list[Any]:
        return [SimpleNamespace(id=7, host=host, state=self.state)] if host in ("c1", "n1") else []

    def disable_service(self, *_: Any, **__: Any) -> None:
        """Taken note of."""

    def migrations(self, **_: Any) -> list[Any]:
        return []

    def servers(self, all_projects: bool) -> list[Any]:
        return [SimpleNamespace(name="web", compute_host="n1", status="ERROR", attached_volumes=[])]


def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str = "up") -> Hosts:
    found = spec.loads(TEXT)
    views = tuple(HostView(each.name, str(each.address), "qemu", "netdev") for each in found.hosts)
    choices = Choices("c1", "qemu", "netdev", False, "/b", "/e", "/r", {})
    monkeypatch.setattr(connect, "connection", lambda site: Nova(state))
    return Hosts(on_this_host(Paths(tmp_path), found, choices, known.Hosts("c1", views)))


def test_a_host_that_nova_does_not_know_has_no_guests_to_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hosts(tmp_path, monkeypatch).runs_guests("n1")
    assert not hosts(tmp_path, monkeypatch).runs_guests("n2")


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        ("up", "`onestack host drain n1` tries again"),
        ("down", "n1 is down: delete its guests, or have them built anew elsewhere"),
    ],
)
def test_guests_that_cannot_be_moved_are_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, hint: str
) -> None:
    with pytest.raises(PermanentError, match="1 guest could not be moved from n1") as raised:
        hosts(tmp_path, monkeypatch, state).drain("n1", silent)
    assert raised.value.detail == "web: it is ERROR"
    assert raised.value.hint.startswith(hint)
