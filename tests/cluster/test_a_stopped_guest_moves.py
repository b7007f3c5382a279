"""A guest that does not run moves to another host with what is on its disk, when its host is drained."""

from __future__ import annotations

import json

import pytest

from cluster.cloud import onestack
from cluster.counting import DELETE, MAKE, START, USER_DATA, ask, left
from cluster.host import Host
from cluster.hosts import Hosts

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_a_stopped_guest_is_drained_with_its_disk(cloud: Host, all_hosts: Hosts) -> None:
    guest = ask(cloud, MAKE, USER_DATA, "n1", "stop")
    assert left(all_hosts, guest) == {"n1": [guest]}
    onestack(cloud, "host", "drain", "n1")
    listed = {each["name"]: each for each in json.loads(onestack(cloud, "host", "list", "--json"))}
    assert (listed["n1"]["drained"], listed["n1"]["guests"]) == (True, 0)
    onestack(cloud, "host", "enable", "n1")
    host = ask(cloud, START, guest, "2")
    assert host in ("c1", "n2")
    assert left(all_hosts, guest) == {host: [guest]}
    said = all_hosts[host].run("cat", "/var/log/onestack/rsync.log")
    assert "n1: rsync --server" in said and "status 0" in said
    assert "Traceback" not in said
    ask(cloud, DELETE, guest)
    assert left(all_hosts, guest) == {}
