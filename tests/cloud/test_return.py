"""The same cloud comes back: with guests left running, and with a network of its own after a reboot."""

from __future__ import annotations

import pytest

from cloud import guests, health, power
from cloud.command import succeed
from onestack import Cloud

pytestmark = pytest.mark.cloud


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
    power.reboot(cloud)
    succeed(cloud.paths.root, "up", "--json")
    health.wait_healthy(cloud)
    assert guests.resources(cloud) == held
    guests.wait_active(cloud, guest)
    guests.wait_answers(cloud, guest)
    assert len(guests.qemus(cloud)) == 1
