"""The same cloud comes back: after `down`, with guests left running, and after a reboot."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from cloud import guests, health
from cloud.command import onestack, succeed
from onestack import Cloud
from onestack.core.wait import until
from onestack.host import namespace, processes

pytestmark = pytest.mark.cloud


def inside(cloud: Cloud) -> list[processes.Proc]:
    return processes.inside(cloud.paths.run)


def test_down_then_up_is_the_same_cloud(cloud: Cloud, guest: guests.Guest) -> None:
    root = cloud.paths.root
    held, secrets = guests.resources(cloud), (cloud.paths.etc / "secrets.json").read_text()
    succeed(root, "down", "--json")
    assert not inside(cloud)
    assert cloud.site.supervisor.pid is None
    assert not namespace.exists(cloud.paths)
    done = onestack(root, "status", "--json")
    assert (done.returncode, '"not running"' in done.stdout) == (3, True)
    # Once more: nothing to do is no error.
    succeed(root, "down", "--json")
    succeed(root, "up", "--json")
    health.wait_healthy(cloud)
    assert guests.resources(cloud) == held
    assert (cloud.paths.etc / "secrets.json").read_text() == secrets
    guests.wait_active(cloud, guest)
    guests.wait_answers(cloud, guest)
    assert len(guests.qemus(cloud)) == 1


def test_guests_go_on_when_they_are_to_be_kept(cloud: Cloud, guest: guests.Guest) -> None:
    root = cloud.paths.root
    held, running = guests.resources(cloud), guests.qemus(cloud)
    succeed(root, "down", "--keep-guests", "--json")
    assert set(health.pids(cloud)) & set(health.PROCESSES) <= {
        "ovsdb",
        "ovs-vswitchd",
        "ovn-northd",
        "ovn-controller",
    }
    guests.wait_answers(cloud, guest, 30)
    assert guests.qemus(cloud) == running
    succeed(root, "up", "--json")
    health.wait_healthy(cloud)
    guests.wait_active(cloud, guest)
    guests.wait_answers(cloud, guest, 60)
    assert guests.qemus(cloud) == running
    assert guests.resources(cloud) == held


def test_after_a_reboot_up_brings_the_same_cloud_back(cloud: Cloud, guest: guests.Guest) -> None:
    held = guests.resources(cloud)
    reboot(cloud)
    succeed(cloud.paths.root, "up", "--json")
    health.wait_healthy(cloud)
    assert guests.resources(cloud) == held
    guests.wait_active(cloud, guest)
    guests.wait_answers(cloud, guest)
    assert len(guests.qemus(cloud)) == 1


def reboot(cloud: Cloud) -> None:
    """What a reboot does to a cloud: every process ends at once; mounts, interfaces and /run are gone."""
    supervisor = health.pids(cloud)
    for pid in (supervisor["supervisord"], supervisor["keeper"]):
        os.kill(pid, signal.SIGKILL)

    def none_left() -> tuple[bool, str]:
        left = inside(cloud)
        for each in left:
            try:
                os.kill(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left, str(left)

    until("every process to be gone", none_left, seconds=30)
    # With its last process and its handle the network namespace ends, and with it all interfaces.
    namespace.remove(cloud.paths)
    shutil.rmtree(cloud.paths.run)
