"""A Debian 13 machine with systemd, the kernel's openvswitch and device-mapper, from `up` over a reboot to `destroy`.

The steps are in order, each goes on where the one before ended; `./onestack test --long` ends at the first failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from long.driving.machine import CommandFailed, Machine
from long.traces import Traces, traces

pytestmark = pytest.mark.long

UNIT = "onestack.service"
SPECS = "/root/onestack/tests/long/specs"
GROUP = "vg-volumes"
SWITCH = "--target=/run/openvswitch/ovs-vswitchd.ctl"
_LOGS = ("keystone", "nova", "neutron", "cinder", "supervisor", "bootstrap")


@pytest.fixture(scope="module")
def before(machine: Machine) -> Traces:
    """The machine before anything was done."""
    return traces(machine)


@pytest.fixture(autouse=True)
def evidence(machine: Machine, request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a step failed, what the machine says about it goes to the log."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed and machine.runs:
        machine.run("journalctl", "--boot", "--no-pager", "--lines=80", check=False)
        for name in _LOGS:
            machine.run("tail", "-n", "25", f"/var/log/onestack/{name}.log", check=False)


def onestack(machine: Machine, *words: str) -> str:
    return machine.run("./onestack", *words, environment={"NO_COLOR": "1"})


def choices(machine: Machine) -> dict[str, object]:
    found = json.loads(machine.run("cat", "/etc/onestack/choices.json", quiet=True))
    assert isinstance(found, dict)
    return found


def property_of_unit(machine: Machine, name: str) -> str:
    return machine.run("systemctl", "show", "--value", f"--property={name}", UNIT).strip()


def test_systemd_is_its_first_process(machine: Machine, before: Traces) -> None:
    assert machine.run("cat", "/proc/1/comm") == "systemd"
    assert machine.run("systemctl", "is-system-running", "--wait", check=False) == "running"
    assert not before.of_onestack()


def test_doctor_finds_the_kernel_s_openvswitch(machine: Machine) -> None:
    said = onestack(machine, "doctor")
    assert "kernel datapath" in said or "openvswitch in the kernel" in said


def test_up_as_the_readme_has_it(machine: Machine) -> None:
    onestack(machine, "up")
    assert choices(machine)["datapath"] == "system"
    assert "ovs-system" in machine.run("ip", "-o", "link")
    onestack(machine, "status")


def test_the_unit_is_installed_and_enabled(machine: Machine) -> None:
    assert machine.run("systemctl", "is-enabled", UNIT) == "enabled"
    machine.run("systemd-analyze", "verify", UNIT)


def test_a_guest_answers_over_the_kernel_s_datapath(machine: Machine) -> None:
    onestack(machine, "up", f"{SPECS}/guest.yaml")
    address = onestack(
        machine,
        "exec",
        "openstack",
        "floating",
        "ip",
        "list",
        "--format",
        "value",
        "-c",
        "Floating IP Address",
    ).strip()
    # The tries are the guest's time to boot, emulated in a machine that is emulated itself.
    often = ("--retry", "400", "--retry-delay", "5", "--retry-all-errors", "--connect-timeout", "20")
    assert "hostname=guest" in machine.run("curl", "--silent", "--show-error", *often, f"http://{address}/")
    inside = ("nsenter", "--mount=/run/onestack/ns/mnt", "--")
    assert "system@ovs-system" in machine.run(*inside, "ovs-appctl", SWITCH, "dpctl/dump-dps")


def test_a_reboot_brings_the_cloud_back_by_its_unit(machine: Machine) -> None:
    machine.reboot()
    # The unit is one of those that the machine's start is made of.
    machine.run("systemctl", "is-system-running", "--wait", check=False)
    assert property_of_unit(machine, "ActiveState") == "active", machine.run(
        "journalctl", "--boot", "--no-pager", f"--unit={UNIT}", check=False
    )
    onestack(machine, "status")


def test_a_volume_in_a_volume_group(machine: Machine) -> None:
    machine.run("vgcreate", GROUP, "/dev/disk/by-id/virtio-spare")
    onestack(machine, "up", f"{SPECS}/volume.yaml")
    assert "volume-" in machine.run("lvs", "--noheadings", "--options", "lv_name", GROUP)


def test_destroy_leaves_nothing(machine: Machine, before: Traces) -> None:
    onestack(machine, "destroy", "--yes")
    after = traces(machine)
    assert after.added_to(before) == {}
    assert not after.of_onestack()
    with pytest.raises(CommandFailed):
        machine.run("systemctl", "cat", UNIT)


def test_another_reboot_finds_no_cloud(machine: Machine, before: Traces) -> None:
    machine.reboot()
    assert machine.run("systemctl", "is-system-running", "--wait", check=False) == "running"
    assert not traces(machine).of_onestack()
