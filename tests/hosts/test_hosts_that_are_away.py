"""Hosts that cannot be reached, or are busy, when a command works on the whole cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bringup.conftest import Make
from onestack import spec
from onestack.core.errors import BadInput, Busy, PermanentError
from onestack.core.events import Event, silent
from onestack.core.paths import Paths
from onestack.platform import bringup, graph, site, up
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts import cluster, joining, known
from onestack.platform.hosts.remote import RemoteHost
from onestack.platform.hosts.work import Here
from onestack.platform.view import HostView

TEXT = """\
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute]}
  - {name: n1, address: 192.0.2.21, roles: [compute]}
  - {name: n2, address: 192.0.2.22, roles: [compute]}
"""
CHOICES = Choices("c1", "qemu", "netdev", False, "/b", "/e", "/r", {})
HOSTS = known.Hosts(
    "c1",
    tuple(
        HostView(each.name, str(each.address), "qemu", "netdev", frozenset(each.roles))
        for each in spec.loads(TEXT).hosts
    ),
)


class Far:
    """Another host that is reached. `busy`: another command holds its lock."""

    def __init__(self, name: str, *, busy: bool = False) -> None:
        self.name = name
        self.busy = busy
        self.waited: list[float] = []

    def hold(self, purpose: str, seconds: float) -> None:
        self.waited.append(seconds)
        if self.busy:
            raise Busy("another command works on this: onestack up", where=f"{self.name}: lock")


class Away:
    """What is reached of the cloud's hosts, and why the rest is not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hosts: list[Far] = []
        self.failed: dict[str, BaseException] = {}
        monkeypatch.setattr(cluster, "connected", self._connected)
        monkeypatch.setattr(joining, "read", lambda machine, paths: joining.Part("debian 12"))

    @contextmanager
    def _connected(self, *_: Any, **__: Any) -> Iterator[tuple[list[Far], dict[str, BaseException]]]:
        yield self.hosts, dict(self.failed)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.etc.mkdir(parents=True)
    site.spec_file(found).write_text(TEXT)
    CHOICES.save(choices_file(found))
    known.save(found, HOSTS)
    return found


def joined(paths: Paths, *, leave: bool, wait: float = 0.0) -> tuple[list[str], list[Event]]:
    said: list[Event] = []
    with cluster.joined(paths, spec.loads(TEXT), "up", said.append, wait, leave_unreachable=leave) as found:
        return [each.name for each in found], said


def test_all_that_cannot_be_reached_are_named(paths: Paths, away: Away) -> None:
    away.failed = {name: PermanentError(f"{name} cannot be reached", hint="look") for name in ("n1", "n2")}
    with pytest.raises(PermanentError, match="n1 cannot be reached") as raised:
        joined(paths, leave=False)
    assert "n2: n2 cannot be reached" in raised.value.detail
    assert raised.value.exit_status == 1


def test_wrong_input_is_said_before_what_may_pass(paths: Paths, away: Away) -> None:
    away.failed = {"n1": PermanentError("n1 cannot be reached"), "n2": BadInput("n2 is of another cloud")}
    with pytest.raises(BadInput, match="n2 is of another cloud") as raised:
        joined(paths, leave=True)
    assert raised.value.exit_status == 2


def test_the_cloud_goes_on_without_them_where_that_is_asked_for(paths: Paths, away: Away) -> None:
    away.hosts, away.failed = [Far("n2")], {"n1": PermanentError("n1 cannot be reached")}
    names, said = joined(paths, leave=True)
    assert names == ["n2"]
    assert [(each.host, each.message) for each in said] == [("n1", "left as it is: n1 cannot be reached")]


def test_a_host_that_was_never_in_the_cloud_is_not_left_out(paths: Paths, away: Away) -> None:
    known.save(paths, known.Hosts("c1", HOSTS.hosts[:2]))
    away.hosts, away.failed = [Far("n1")], {"n2": PermanentError("n2 cannot be reached")}
    with pytest.raises(PermanentError, match="n2 cannot be reached"):
        joined(paths, leave=True)


def test_a_busy_host_is_named_or_left(paths: Paths, away: Away) -> None:
    away.hosts = [Far("n1", busy=True), Far("n2")]
    with pytest.raises(Busy) as raised:
        joined(paths, leave=False, wait=600)
    assert str(raised.value.where).startswith("n1")
    assert [each.waited for each in away.hosts] == [[0, 600], [0]]
    names, said = joined(paths, leave=True, wait=600)
    assert names == ["n2"]
    assert [each.message for each in said] == [
        "another command works on this: onestack up; waiting up to 40 s",
        "left as it is: another command works on this: onestack up",
    ]
    # Two hosts that boot wait for each other's commands no longer than for one that was cut off.
    assert away.hosts[0].waited[2:] == [0, cluster.LEFT_SECONDS]


def test_the_lock_of_a_command_that_was_cut_off_is_waited_for(paths: Paths, away: Away) -> None:
    away.hosts = [Far("n1", busy=True), Far("n2")]
    with pytest.raises(Busy):
        joined(paths, leave=False)
    assert away.hosts[0].waited == [0, cluster.LEFT_SECONDS]


def names_of(site_: Any, present: list[str]) -> Mapping[str, tuple[str, ...]]:
    hosts: list[Any] = [Here(site_), *(RemoteHost(name, None) for name in present)]  # type: ignore[arg-type]
    return {each.name: each.needs for each in graph.tasks(site_, hosts, Path("tiny"), silent)}


def test_nothing_of_the_bring_up_waits_for_a_host_that_is_away(make: Make) -> None:
    found = site.on_this_host(make().paths, spec.loads(TEXT), CHOICES, HOSTS)
    everything, without = names_of(found, ["n1", "n2"]), names_of(found, ["n2"])
    assert {name for name in everything if name.endswith("@n1")}
    assert not {name for name in without if name.endswith("@n1")}
    assert set(without) == {name for name in everything if not name.endswith("@n1")}
    assert not [need for needs in without.values() for need in needs if need.endswith("@n1")]


def test_the_control_host_cannot_move(paths: Paths) -> None:
    moved = TEXT.replace("[control, network, compute]", "[compute]").replace(
        "{name: n1, address: 192.0.2.21, roles: [compute]}",
        "{name: n1, address: 192.0.2.21, roles: [control, network, compute]}",
    )
    with pytest.raises(
        BadInput, match="the control host of this cloud is c1; the spec gives the role control to n1"
    ) as at:
        cluster.require_same_control_host(paths, spec.loads(moved, "cloud.yaml"))
    assert str(at.value.where) == "cloud.yaml:3:44"
    assert "leave the role with c1" in at.value.hint
    cluster.require_same_control_host(paths, spec.loads(TEXT))


def test_a_compute_host_cannot_become_the_control_host(paths: Paths) -> None:
    Choices("n1", "qemu", "netdev", False, "/b", "/e", "/r", {}).save(choices_file(paths))
    mine = TEXT.replace("name: c1", "name: x").replace("name: n1", "name: c1").replace("name: x", "name: n1")
    with pytest.raises(BadInput, match="the control host of this cloud is c1"):
        cluster.require_same_control_host(paths, spec.loads(mine))


def test_a_host_that_runs_guests_keeps_that_role(paths: Paths) -> None:
    def without(name: str) -> spec.Spec:
        lines = [
            each.replace("compute", "network") if f"name: {name}," in each else each
            for each in TEXT.splitlines()
        ]
        return spec.loads("\n".join(lines), "cloud.yaml")

    with pytest.raises(BadInput, match="n1 runs guests in this cloud") as raised:
        cluster.require_roles(paths, without("n1"))
    assert str(raised.value.where).startswith("cloud.yaml:3:")
    assert "`onestack host remove n1` moves its guests away" in raised.value.hint
    with pytest.raises(BadInput) as raised:
        cluster.require_roles(paths, without("c1"))
    assert "leave it the role" in raised.value.hint
    cluster.require_roles(paths, spec.loads(TEXT))
    cluster.require_roles(Paths(paths.root / "other"), without("n1"))


def test_a_file_without_the_control_host_is_refused_with_the_reason(paths: Paths) -> None:
    with pytest.raises(BadInput, match="the spec lacks c1, the control host of the cloud") as raised:
        cluster.require_all_hosts(paths, spec.loads("hosts: [{name: n1, address: 192.0.2.21}]"))
    assert "cannot be taken out" in raised.value.hint


def test_a_machine_without_a_cloud_has_no_control_host_to_keep(tmp_path: Path) -> None:
    assert cluster.here_name(Paths(tmp_path)) is None
    cluster.require_same_control_host(Paths(tmp_path), spec.loads(TEXT))


class Full(Far):
    """A host that has no room for the parts."""

    def choose(self, *_: Any, **__: Any) -> HostView:
        raise BadInput("not enough disk space: 0.1 GiB free, 2.0 GiB needed", where=self.name)


def test_a_new_host_that_cannot_be_had_leaves_the_cloud_as_it_was(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.save(paths, known.Hosts("c1", HOSTS.hosts[:2]))
    site.spec_file(paths).write_text(TEXT.rpartition("  - ")[0])
    before = {each.name: each.read_bytes() for each in paths.etc.iterdir()}
    chosen = (object(), replace(CHOICES, base="/another"))
    monkeypatch.setattr(up, "choose_here", lambda *_, **__: chosen)
    with pytest.raises(BadInput, match="not enough disk space"):
        up.up(paths, spec.loads(TEXT), TEXT, silent, mirror=None, others=[Full("n2")])  # type: ignore[list-item]
    assert {each.name: each.read_bytes() for each in paths.etc.iterdir()} == before
    # So the former file is still the cloud's.
    cluster.require_all_hosts(paths, spec.loads(TEXT.rpartition("  - ")[0]))


def test_a_host_whose_parts_are_gone_says_who_has_them_fetched(paths: Paths) -> None:
    Choices("n1", "qemu", "netdev", False, "/nowhere/base-1", "/e", "/r", {}).save(choices_file(paths))
    with pytest.raises(PermanentError, match="this host no longer has /nowhere/base-1") as raised:
        bringup.bring_back(site.load(paths), silent)
    assert "on the control host c1" in raised.value.hint
