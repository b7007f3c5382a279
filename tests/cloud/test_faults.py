"""Each process is ended without warning while a guest serves: it comes back, the guest notices nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from cloud import guests, health
from cloud.command import succeed
from onestack import Cloud
from onestack.core.wait import until
from onestack.health import process_status
from onestack.platform import layout, readiness
from onestack_runtime.runners import libvirt_connection

pytestmark = pytest.mark.cloud

RESTARTED_SECONDS = 6
"""As long as a service is away that starts again on a loaded machine, about."""


@pytest.mark.parametrize("names", health.TOGETHER, ids=", ".join)
def test_killed_processes_come_back_and_the_guest_stays(
    cloud: Cloud, guest: guests.Guest, names: tuple[str, ...]
) -> None:
    before = health.pids(cloud)
    running, held = guests.qemus(cloud), guests.resources(cloud)
    counted = restarts(cloud)
    assert running, "no guest runs"
    for name in names:
        os.kill(before[name], signal.SIGKILL)
    for name in names:
        health.wait_back(cloud, name, before[name])
    health.wait_healthy(cloud)
    guests.wait_answers(cloud, guest, 60)
    assert guests.qemus(cloud) == running
    assert guests.resources(cloud) == held
    now = health.pids(cloud)
    assert {other for other in before if now.get(other) != before[other]} == {*names}
    wanted = {other: count + (other in names) for other, count in counted.items()}
    killed = time.time()
    until(
        "the restarts to be counted, and no other one",
        lambda: (keeper_looked(cloud) > killed and restarts(cloud) == wanted, str(wanted)),
        seconds=60,
    )


def restarts(cloud: Cloud) -> dict[str, int]:
    """How often each process of the cloud was started again, as the keeper counts."""
    counted = process_status.restarts(cloud.site)
    return {each: counted.get(each, 0) for each in health.PROCESSES}


def keeper_looked(cloud: Cloud) -> float:
    """When the keeper last looked at everything, in Unix time."""
    return float(json.loads((cloud.paths.run / "keeper.json").read_text())["time"])


def test_a_guest_whose_interface_was_left_down_is_heard_again(cloud: Cloud, guest: guests.Guest) -> None:
    """As OVS leaves one of a hundred: it writes back flags that it read before libvirt set the interface up."""
    log = cloud.site.leader.log("nova")
    held = len(log.read_text())
    (port,) = cloud.run(lambda: list(cloud.connect().network.ports(device_id=guest.server)))
    tap = f"tap{port.id[:11]}"
    cloud.site.leader.inside(["ip", "link", "set", tap, "down"])
    until(
        "Nova's log to say so",
        lambda: (f"the tap interface {tap} of a guest was down" in log.read_text()[held:], "nothing"),
        seconds=30,
        where=log,
    )
    guests.wait_answers(cloud, guest, 30)


def test_a_request_waits_for_a_service_that_is_exchanged(cloud: Cloud) -> None:
    """As long as a start takes: services that ask each other make errors of it that no client expects."""
    site = cloud.site
    supervisor = site.here.supervisor
    (process,) = (each for each in layout.processes(site.view) if each.name == "placement")
    readiness.hold_requests(site.here, process)
    supervisor.stop("placement")
    try:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(lambda: list(cloud.connect().placement.resource_providers()))
            assert not wait([asked], timeout=RESTARTED_SECONDS).done, "nobody answers it meanwhile"
            supervisor.launch("placement")
            assert asked.result(60)
    finally:
        supervisor.launch("placement")
        health.wait_healthy(cloud)


def test_nova_goes_on_after_libvirtd_ended_while_it_was_asked(cloud: Cloud, guest: guests.Guest) -> None:
    """What asks at that moment hears of it in the middle of its question: it waited for itself, for ever."""
    before = health.pids(cloud)["libvirtd"]
    os.kill(before, signal.SIGSTOP)
    try:
        # Nova asks this often, and now hears nothing.
        time.sleep(2 * libvirt_connection.SECONDS)
    finally:
        os.kill(before, signal.SIGKILL)
    health.wait_back(cloud, "libvirtd", before)
    health.wait_healthy(cloud)

    def work() -> None:
        admin = cloud.connect()
        network = admin.network.find_network("served", ignore_missing=False)
        server = admin.compute.get_server(guests.made(admin, "asked", {"uuid": network.id}))
        admin.compute.delete_server(server)
        admin.compute.wait_for_delete(server)

    cloud.run(work)


@pytest.mark.parametrize(
    "reason, degraded", [("AUTO: Connection to libvirt lost: 1", True), ("new disks", False)]
)
def test_status_tells_a_host_that_nova_took_out_of_service_from_one_that_a_person_did(
    cloud: Cloud, reason: str, degraded: bool
) -> None:
    health.wait_healthy(cloud)

    def work() -> None:
        compute = cloud.connect().compute
        (worker,) = compute.services(binary="nova-compute")
        try:
            compute.disable_service(worker, worker.host, worker.binary, reason)
            said = cloud.status()
        finally:
            compute.enable_service(worker, worker.host, worker.binary)
        told = f"nova-compute on {worker.host} is out of service: Connection to libvirt lost: 1"
        assert said.reasons == ((told,) if degraded else ())
        assert said.exit_status == int(degraded)

    cloud.run(work)


def test_up_goes_on_after_supervisord_was_killed(cloud: Cloud, guest: guests.Guest) -> None:
    before = health.pids(cloud)
    running, held = guests.qemus(cloud), guests.resources(cloud)
    os.kill(before["supervisord"], signal.SIGKILL)
    succeed(cloud.paths.root, "up", "--json")
    health.wait_healthy(cloud)
    guests.wait_answers(cloud, guest, 60)
    assert guests.qemus(cloud) == running
    assert guests.resources(cloud) == held
    now = health.pids(cloud)
    assert set(now) == set(before)
    # Nobody of before goes on beside those of now.
    until(
        "the processes of before to be gone",
        lambda: (not (left := [pid for pid in before.values() if alive(pid)]), str(left)),
        seconds=30,
    )


def alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
