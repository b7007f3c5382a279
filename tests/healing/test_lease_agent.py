"""The lease agent's states, without a host: what it does when it may, and may not, run guests."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from onestack.core.paths import Paths
from onestack.health.healing import agent as module
from onestack.health.healing.agent import Agent
from onestack.health.healing.lease import EXPIRES
from onestack.platform.infrastructure.lease import FENCED, LEFT, SERVING, STARTING, read


class Supervisor:
    """Knows which programs run."""

    def __init__(self) -> None:
        self.running = {"libvirtd", "nova"}

    def program(self, name: str) -> Any:
        return SimpleNamespace(pid=7 if name in self.running else 0, since=1.0)

    def stop(self, name: str, *, wait: bool = True) -> None:
        self.running.discard(name)

    def launch(self, name: str) -> None:
        self.running.add(name)


class Host:
    """A host with guests, as the agent sees it. `time`: its clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, by_lease: bool = True) -> None:
        self.time, self.guests, self.supervisor = 1000.0, [101, 102], Supervisor()
        self.paths = Paths.at(folder)
        self.paths.run.mkdir(parents=True)
        self.control, self.by_lease = False, by_lease
        monkeypatch.setattr(module, "now", lambda: self.time)
        monkeypatch.setattr(
            module.processes, "inside", lambda run: [self._process(each) for each in self.guests]
        )
        monkeypatch.setattr(module.os, "kill", lambda pid, number: self.guests.remove(pid))
        self.agent = self.started()

    @staticmethod
    def _process(pid: int) -> Any:
        return SimpleNamespace(pid=pid, is_guest=True)

    def started(self) -> Agent:
        healing = SimpleNamespace(by_lease=self.by_lease, share=0.5)
        view = SimpleNamespace(cloud=SimpleNamespace(healing=healing), hosts=(), control=self.control)
        here = SimpleNamespace(name="n1", supervisor=self.supervisor)
        found: Any = SimpleNamespace(view=view, here=here, paths=self.paths)
        return Agent(found)

    def renew(self, *, marked: bool = False) -> None:
        """The lease is renewed now."""
        self.agent.lease.renew(self.time)
        self.agent._renewed(marked)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_it_may_serve_once_its_lease_is_renewed_and_it_is_not_marked(host: Host) -> None:
    assert host.agent.state == STARTING
    host.renew()
    assert (host.agent.state, read(host.paths)["state"]) == (SERVING, SERVING)
    assert host.guests == [101, 102]


def test_a_host_that_is_marked_serves_nothing_until_the_mark_is_gone(host: Host) -> None:
    host.supervisor.running.clear()
    host.guests.clear()
    host.renew(marked=True)
    assert read(host.paths)["state"] == FENCED
    host.renew()
    assert read(host.paths)["state"] == SERVING
    # The bring-up starts them, which waits for this.
    assert host.supervisor.running == set()


def test_its_guests_end_when_its_lease_expires(host: Host) -> None:
    host.renew()
    host.time += EXPIRES - 0.1
    host.agent.look()
    assert host.agent.state == SERVING
    host.time += 0.1
    host.agent.look()
    assert (host.guests, host.supervisor.running) == ([], set())
    assert json.loads(json.dumps(host.agent.answer()))["state"] == FENCED


def test_guests_that_appear_on_a_fenced_host_end(host: Host) -> None:
    host.renew()
    host.time += 60
    host.agent.look()
    host.guests.append(103)
    assert host.agent.answer()["state"] == "fencing"
    host.agent.look()
    assert host.guests == []


def test_after_a_freeze_its_guests_end_before_the_lease_is_renewed(host: Host) -> None:
    host.renew()
    host.time += 60
    assert host.agent._overdue(host.time)
    host.agent.look()
    assert host.guests == []


def test_a_fence_agents_host_goes_on_without_a_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path, monkeypatch, by_lease=False)
    host.renew()
    host.time += 600
    host.agent.look()
    assert (host.agent.state, host.guests) == (SERVING, [101, 102])
    host.renew(marked=True)
    assert host.guests == []


def test_peers_that_cannot_renew_either_let_it_hold_on(host: Host) -> None:
    host.renew()
    host.time += EXPIRES
    host.agent.lease.heard(host.time, {"n2": EXPIRES - 1}, 2, 0.5)
    host.agent.look()
    assert host.guests == [101, 102]
    host.time += 3
    host.agent.look()
    assert host.guests == []


def test_an_agent_that_was_killed_goes_on_by_the_same_clock(host: Host) -> None:
    host.renew()
    host.time += 4
    host.agent = host.started()
    assert (host.agent.state, host.agent.lease.renewed) == (SERVING, host.time - 4)
    host.time += EXPIRES
    host.agent = host.started()
    host.agent.look()
    assert host.guests == []


def test_a_host_that_left_in_order_keeps_its_guests(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[str] = []
    client = SimpleNamespace(put=lambda key, value: put.append(value))
    monkeypatch.setattr(module.etcd, "client", lambda site, user: client)
    host.renew()
    host.agent._leave()
    assert json.loads(put[0])["state"] == LEFT
    host.time += 600
    host.agent = host.started()
    host.agent.look()
    assert (host.agent.state, host.guests) == (STARTING, [101, 102])


def test_a_control_hosts_nova_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(tmp_path, monkeypatch)
    host.control = True
    host.agent = host.started()
    host.renew()
    host.time += 60
    host.agent.look()
    assert (host.guests, host.supervisor.running) == ([], {"nova"})
