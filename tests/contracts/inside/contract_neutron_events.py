"""What Neutron hears of OVN, and when it tells Nova."""

from __future__ import annotations

import datetime
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from neutron.common.ovn import constants as ovn_constants
from neutron.common.ovn import hash_ring_manager
from neutron.db import ovn_hash_ring_db as ring
from neutron.notifiers import batch_notifier
from neutron.plugins.ml2 import models as ml2
from neutron_lib import context
from neutron_models import ident, network, port
from oslo_utils import timeutils

from onestack_runtime.replacements import neutron_events

pytest_plugins = ("neutron_models",)
ENTRIES = ("fake-hosts-ports", "new-ports-are-down", "ring-heartbeat", "events-at-once")


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


def state(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, str | None]) -> None:
    monkeypatch.setattr(neutron_events, "port_state", lambda port_id: list(found))


FAKE, REAL, NONE = "fake-1", "vm", ""
KEY = ovn_constants.OVN_HOST_ID_EXT_ID_KEY


@pytest.mark.replaces("new-ports-are-down")
@pytest.mark.parametrize("up", [[], [False], [True]])
@pytest.mark.parametrize("ids", [{}, {KEY: "vm"}])
@pytest.mark.parametrize(
    "known",
    [
        [("DOWN", NONE)],
        [("DOWN", None)],
        [("ACTIVE", NONE)],
        [("DOWN", REAL)],
        [("ACTIVE", REAL)],
        [("DOWN", NONE), ("DOWN", REAL)],
        [],
    ],
)
def test_only_a_port_that_is_down_and_on_no_host_is_passed_over(
    known: Any, up: Any, ids: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(monkeypatch, *known)
    theirs, ours = both.functions
    passed_over = not any(up) and not ids and known in ([("DOWN", NONE)], [("DOWN", None)])
    assert marked(ours, up, ids) == ([] if passed_over else marked(theirs, up, ids))


@pytest.mark.replaces("new-ports-are-down")
def test_what_is_known_of_a_port_is_what_the_database_has(
    about: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    network(about)
    port(about, "bound", status="ACTIVE")
    port(about, "plain")
    about.session.add(
        ml2.PortBinding(
            port_id=ident("bound"), host="vm", vif_type="ovs", vnic_type="normal", profile="", status="ACTIVE"
        )
    )
    about.session.flush()
    monkeypatch.setattr(context, "get_admin_context", lambda: about)
    found = {name: neutron_events.port_state(ident(name)) for name in ("bound", "plain", "gone")}
    assert found == {"bound": [("ACTIVE", "vm")], "plain": [("DOWN", None)], "gone": []}


@pytest.mark.replaces("fake-hosts-ports")
@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("up", [[], [True]])
@pytest.mark.parametrize(
    "known", [[("ACTIVE", FAKE)], [("DOWN", FAKE)], [("ACTIVE", REAL)], [("DOWN", NONE)], []]
)
def test_only_ports_of_fake_hosts_are_passed_over(
    known: Any, up: Any, used: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onestack_runtime.drivers.fake_hosts import binding

    monkeypatch.setattr(binding, "is_used", lambda: used)
    state(monkeypatch, *known)
    theirs, ours = both.functions
    passed_over = used and not up and any(host == FAKE for _, host in known)
    assert marked(ours, up, {}) == ([] if passed_over else marked(theirs, up, {}))


@pytest.mark.replaces("ring-heartbeat")
def test_the_ring_names_the_same_and_one_heartbeat_is_asked_for_in_each_interval(
    about: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime.datetime(2026, 1, 1)]
    monkeypatch.setattr(timeutils, "utcnow", lambda *any, **more: now[0])
    nodes = [SimpleNamespace(node_uuid=name, updated_at=now[0]) for name in ("me", "you")]
    monkeypatch.setattr(ring, "get_active_nodes", lambda *about, **more: nodes)
    monkeypatch.setattr(ring, "count_offline_nodes", lambda *about: 0)
    monkeypatch.setattr(hash_ring_manager.HashRingManager, "_wait_startup_before_caching", False)
    manager = hash_ring_manager.HashRingManager("group")
    interval = datetime.timedelta(seconds=ovn_constants.HASH_RING_TOUCH_INTERVAL)
    theirs, ours = both.functions
    heartbeats: dict[str, list[list[float]]] = {"theirs": [], "ours": []}
    begun = now[0]
    for tenth in range(500):
        now[0] = begun + datetime.timedelta(seconds=tenth / 10)
        answers = {"theirs": theirs(manager, "row"), "ours": ours(manager, "row")}
        assert answers["theirs"][0] == answers["ours"][0]
        for who, (_, touched) in answers.items():
            if now[0] - interval >= touched:
                heartbeats[who].append([tenth / 10])
    assert heartbeats["ours"] == [[15.0], [30.0], [45.0]]
    assert len(heartbeats["theirs"]) > 100, "upstream has learned better; the entry may go"


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
