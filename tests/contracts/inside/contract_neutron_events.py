"""What Neutron hears of OVN, and when it tells Nova."""

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


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


def test_neutrons_process_works_with_native_threads() -> None:
    ask = (
        "import onestack_runtime.runners.neutron\n"
        "from onestack_runtime.replacements import objects, source\n"
        "[source.value(target) for entry in objects.ENTRIES for target in entry.targets]\n"
        "from oslo_service import backend; print(backend.get_backend_type().name)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", ask], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["THREADING"], done.stderr


class Driver:
    """OVN's driver: which ports it marked how."""

    def __init__(self) -> None:
        self.marked: list[tuple[str, str]] = []

    def set_port_status_up(self, port_id: str) -> None:
        self.marked.append((port_id, "up"))

    def set_port_status_down(self, port_id: str) -> None:
        self.marked.append((port_id, "down"))


def marked(run: Any, up: list[bool], ids: dict[str, str]) -> list[tuple[str, str]]:
    driver = Driver()
    row = SimpleNamespace(name="port", up=up, enabled=[True], external_ids=ids, type="")
    run(SimpleNamespace(driver=driver), "create", row, None)
    return driver.marked


FAKE, REAL = "fake-1", "vm"


@pytest.mark.replaces("fake-hosts-ports")
@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("up", [[], [True]])
@pytest.mark.parametrize("hosts", [[FAKE], [REAL], [REAL, FAKE], []])
def test_only_ports_of_fake_hosts_are_passed_over(
    hosts: list[str], up: Any, used: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onestack_runtime.drivers.fake_hosts import binding

    monkeypatch.setattr(binding, "is_used", lambda: used)
    monkeypatch.setattr(neutron_events, "hosts_of_port", lambda port_id: hosts)
    theirs, ours = both.functions
    passed_over = used and not up and FAKE in hosts
    assert marked(ours, up, {}) == ([] if passed_over else marked(theirs, up, {}))


@pytest.mark.replaces("events-at-once")
def test_events_are_sent_and_gathered_for_a_moment(installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[int]] = []
    slept: list[float] = []
    made = batch_notifier.BatchNotifier(2, sent.append)
    monkeypatch.setattr(batch_notifier.utils, "spawn_n", lambda body: body())

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            made.queue_event(2)
            made.queue_event(3)

    monkeypatch.setattr(batch_notifier.time, "sleep", sleep)
    made.queue_event(1)
    assert sent == [[1], [2, 3]]
    assert slept == [neutron_events.EVENTS_SECONDS] * 2
