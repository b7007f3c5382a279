"""The pretended hosts that all tests of a cluster share: c1, n1 and n2, as they are in examples/hosts.yaml."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.cloud import SPEC, fetch_parts, onestack
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.spec import load

STANDING = "ONESTACK_TEST_HOSTS"
"""Names the folder of hosts that are used and left standing: for work on the tests themselves."""
WORK = Path("/var/tmp/onestack-tests-hosts")
"""Beside the clouds of tests; a later run takes away what a run that was killed left."""


@pytest.fixture(scope="session")
def all_hosts() -> Iterator[Hosts]:
    """The hosts of this run. Where they cannot be made, the tests fail with the reason: none is left out."""
    if standing := os.environ.get(STANDING):
        yield Hosts(Path(standing))
        return
    with Hosts.fresh(WORK) as made:
        yield made


@pytest.fixture
def hosts(all_hosts: Hosts) -> Iterator[Hosts]:
    """The same, and all of them are back after the test, whatever it did to them."""
    yield all_hosts
    for host in all_hosts:
        host.back()


@pytest.fixture(scope="session")
def cloud(all_hosts: Hosts) -> Iterator[Host]:
    """The control host, with the cloud up. The hosts reach no registry: what they need is fetched here."""
    fetch_parts(load(SPEC))
    for host in all_hosts:
        host.keep()
    control = all_hosts["c1"]
    onestack(control, "up", str(SPEC))
    yield control
    onestack(control, "destroy", "--yes")
