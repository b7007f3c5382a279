"""OVN's events about the status of ports, and the events that Neutron sends to Nova."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from neutron.notifiers import batch_notifier

from onestack_runtime.replacements import neutron_events

pytest_plugins = ("neutron_models",)
ENTRIES = ("fake-hosts-ports", "events-at-once")


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


def test_neutron_runs_with_native_threads() -> None:
    program = (
        "import onestack_runtime.runners.neutron\n"
        "from onestack_runtime.replacements import objects, source\n"
        "[source.value(target) for entry in objects.ENTRIES for target in entry.targets]\n"
        "from oslo_service import backend; print(backend.get_backend_type().name)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["THREADING"], done.stderr


class FakeDriver:
    """In place of OVN's mechanism driver; records the status changes of ports."""

    def __init__(self) -> None:
        self.status_changes: list[tuple[str, str]] = []

    def set_port_status_up(self, port_id: str) -> None:
        self.status_changes.append((port_id, "up"))

    def set_port_status_down(self, port_id: str) -> None:
        self.status_changes.append((port_id, "down"))


def status_changes(run: Any, up: list[bool], external_ids: dict[str, str]) -> list[tuple[str, str]]:
    driver = FakeDriver()
    row = SimpleNamespace(name="port", up=up, enabled=[True], external_ids=external_ids, type="")
    run(SimpleNamespace(driver=driver), "create", row, None)
    return driver.status_changes


FAKE, REAL = "fake-1", "vm"


@pytest.mark.replaces("fake-hosts-ports")
@pytest.mark.parametrize("fake_hosts_used", [True, False])
@pytest.mark.parametrize("up", [[], [True]])
@pytest.mark.parametrize("hosts", [[FAKE], [REAL], [REAL, FAKE], []])
def test_only_events_about_ports_of_fake_hosts_are_skipped(
    hosts: list[str], up: Any, fake_hosts_used: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onestack_runtime.drivers.fake_hosts import binding

    monkeypatch.setattr(binding, "is_used", lambda: fake_hosts_used)
    monkeypatch.setattr(neutron_events, "hosts_of_port", lambda port_id: hosts)
    upstream, ours = both.functions
    skipped = fake_hosts_used and not up and FAKE in hosts
    assert status_changes(ours, up, {}) == ([] if skipped else status_changes(upstream, up, {}))


@pytest.mark.replaces("events-at-once")
def test_events_are_sent_at_once_and_then_batched(installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[list[int]] = []
    sleeps: list[float] = []
    notifier = batch_notifier.BatchNotifier(2, batches.append)
    monkeypatch.setattr(batch_notifier.utils, "spawn_n", lambda body: body())

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 1:
            notifier.queue_event(2)
            notifier.queue_event(3)

    monkeypatch.setattr(batch_notifier.time, "sleep", sleep)
    notifier.queue_event(1)
    assert batches == [[1], [2, 3]]
    assert sleeps == [neutron_events.EVENTS_SECONDS] * 2
