"""`destroy` leaves a machine as it was before `up`, also when the cloud used the machine's own network."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud import guests, health, roots, traces
from cloud.command import lines, succeed
from onestack import Cloud
from onestack.host import network

pytestmark = pytest.mark.cloud

OPEN = "name: open\nplatform: {network: {isolated: false}, listen: {port: PORT}}\n"


@pytest.fixture
def root(cloud_roots: Path) -> Iterator[Path]:
    place = cloud_roots / "away"
    yield place
    if place.exists():
        roots.take_away(place)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Every command line that any process of this machine has during the body, as far as can be seen."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        known: set[str] = set()
        before: set[str] = set()
        while not done.wait(0.05):
            now = {entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()}
            # Twice: a process execs another program soon after it was made.
            for pid in now - known:
                try:
                    seen.add(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
                except OSError:
                    continue
            known, before = before & now, now

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_a_cloud_in_the_machines_own_network_goes_without_a_trace(root: Path, tmp_path: Path) -> None:
    there = {network.HERE, network.PLUGGED, "br-int", "br-ex", "ovs-netdev"} & set(network.interfaces())
    if Cloud().exists or there:
        pytest.skip("this machine's own network is used by another cloud")
    spec = tmp_path / "open.yaml"
    spec.write_text(OPEN.replace("PORT", str(free_port())))
    before = traces.look(root)
    with command_lines() as shown:
        said = lines(succeed(root, "up", str(spec), "--json"))
    assert said[-1]["isolated"] is False
    cloud = Cloud(root)
    health.wait_healthy(cloud)
    assert network.HERE in network.interfaces()
    secrets = set(json.loads((cloud.paths.etc / "secrets.json").read_text()).values())
    assert len(shown) > 20
    assert not [line for line in shown if any(secret in line for secret in secrets)]
    guests.start(cloud, "short")
    removed = lines(succeed(root, "destroy", "--yes", "--json"))[-1]["removed"]
    assert str(cloud.paths.lib) in removed
    assert not root.exists()
    assert traces.difference(before, traces.look(root)) == {}


def test_destroying_nothing_is_no_error(root: Path) -> None:
    succeed(root, "destroy", "--yes", "--json")
    assert not root.exists()
