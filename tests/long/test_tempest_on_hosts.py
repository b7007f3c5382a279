"""Upstream's Tempest on several hosts: guests that are moved between them, live and cold, and their networks."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cloud import SPEC, fetch_parts, onestack
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from long.conftest import emit
from onestack.core.paths import Paths
from onestack.health.verify import tempest
from onestack.spec import load

pytestmark = pytest.mark.long

WORK = Path("/var/tmp/onestack-long-hosts")
# Volumes in files are on one host, so that a server with one cannot be moved (tempest.MULTINODE says the same).
TESTS = (
    r"^(?!.*(attached_volume|with_volume|volume_backed|cinder_volumes))tempest\."
    r"(api\.compute\.admin\.test_(live_migration|migrations)|scenario\.test_network_advanced_server_ops)\."
)
SECONDS = 2700.0
"""More than Tempest itself is given (tempest.SECONDS); on two processors it takes about 20 minutes."""
_log = logging.getLogger("long")


@pytest.fixture
def control() -> Iterator[Host]:
    """The control host of a cloud on three hosts, with Tempest's environment, which it could not fetch."""
    spec = load(SPEC)
    fetch_parts(spec)
    with Hosts.fresh(WORK) as made:
        host = made["c1"]
        _install(host, spec.platform.release)
        onestack(host, "up", str(SPEC))
        yield host


def _install(host: Host, release: str) -> None:
    apart = Paths.at(str(WORK / "tempest"))
    tempest.install(apart, REPOSITORY / "releases" / release, emit)
    assert host.init is not None
    shutil.copytree(
        apart.data / "tempest",
        Path(f"/proc/{host.init.pid}/root") / Paths.at().data.relative_to("/") / "tempest",
        symlinks=True,
    )


def test_guests_are_moved_as_upstream_expects_it(control: Host) -> None:
    words = ("verify", "--json", "--tempest", TESTS, "--concurrency", "1")
    said = onestack(control, *words, check=False, seconds=SECONDS)
    report = json.loads(said.splitlines()[-1])
    _log.info("%s", json.dumps(report, indent=2))
    assert report["ok"], report["failed"]
