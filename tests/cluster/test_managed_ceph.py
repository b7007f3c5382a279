"""Ceph on three hosts: one is lost and guests' disks go on; all power fails and everything is there; disks come and
go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.cloud import fetch_parts, onestack, status
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.spec import load

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(2400)]

WORK = Path("/var/tmp/onestack-tests-ceph")
"""Beside the hosts that other tests share: each set has a bridge of its own."""
SPEC = """\
name: stored
platform:
  exclude: [dashboard, load-balancer]
  storage: {ceph: managed, osd_memory: 896}
hosts:
  - {name: c1, address: 10.77.0.11, disks: [DISK]}
  - {name: n1, address: 10.77.0.21, roles: [compute, storage], disks: [DISK MORE]}
  - {name: n2, address: 10.77.0.22, roles: [compute, storage], disks: [DISK]}
"""
DISK = "{file: /srv/osd, size: 6G}"
IN_CLOUD = ("nsenter", "--mount=/run/onestack/ns/mnt", "--wdns=/", "--")
PROBE = """
import rados, rbd, struct, sys
cluster = rados.Rados(conffile="/etc/ceph/ceph.conf", name="client.admin")
cluster.connect(timeout=20)
pool = cluster.open_ioctx("volumes")
if sys.argv[1] == "make":
    rbd.RBD().create(pool, "probe", 16 << 20)
with rbd.Image(pool, "probe") as image:
    if sys.argv[1] == "read":
        print(struct.unpack("!Q", image.read(0, 8))[0])
    else:
        image.write(struct.pack("!Q", int(sys.argv[2])) * 512, 0)
        image.flush()
"""


def spec(folder: Path, more: str = "") -> Path:
    file = folder / f"stored{len(more)}.yaml"
    file.write_text(SPEC.replace("DISK MORE", f"DISK{more}").replace("DISK", DISK))
    return file


@pytest.fixture(scope="module")
def stored() -> Iterator[Hosts]:
    """Hosts of their own, with the cloud up. Its specs are in a folder that c1 sees."""
    with Hosts.fresh(WORK) as made:
        control = made["c1"]
        for text in (spec(WORK), spec(WORK, ", {file: /srv/second, size: 6G}")):
            control.run("sh", "-c", f"cat > /root/{text.name} <<'END'\n{text.read_text()}\nEND")
        fetch_parts(load(spec(WORK)))
        onestack(control, "up", f"/root/{spec(WORK).name}")
        yield made


def ceph(hosts: Hosts) -> dict[str, Any]:
    found = status(hosts["c1"])["ceph"]
    assert isinstance(found, dict)
    return found


def probe(hosts: Hosts, *words: str) -> str:
    return hosts["c1"].run(*IN_CLOUD, "python3", "-c", PROBE, *words, seconds=120)


def settled(hosts: Hosts, osds: int) -> None:
    def whole() -> tuple[bool, str]:
        found = ceph(hosts)
        ok = found["osds_up"] == found["osds"] == osds and found["groups"] == found["clean"] > 0
        return ok and found["monitors"] == found["all_monitors"] == 3, json.dumps(found)

    until("Ceph to be whole", whole, seconds=240, every=1)


def test_services_keep_their_data_in_ceph(stored: Hosts) -> None:
    settled(stored, 3)
    assert probe(stored, "make", "1") == ""
    assert stored["c1"].run(*IN_CLOUD, "rbd", "ls", "images").strip()


def test_a_lost_host_stops_nothing_and_is_said(stored: Hosts) -> None:
    stored["n2"].lose()
    try:
        probe(stored, "write", "2")
        found = status(stored["c1"])
        assert found["ceph"]["osds_up"] == 2
        assert any("2 of 3 OSDs up" in each for each in found["reasons"])
        assert "no data is lost" in found["ceph"]["loss"]
    finally:
        stored["n2"].back()
        onestack(stored["n2"], "up")
    settled(stored, 3)
    assert probe(stored, "read").strip() == "2"


def test_a_disk_comes_and_goes_and_a_host_too_few_is_refused(stored: Hosts) -> None:
    control = stored["c1"]
    onestack(control, "up", f"/root/{spec(WORK, ', {file: /srv/second, size: 6G}').name}")
    settled(stored, 4)
    onestack(control, "up", f"/root/{spec(WORK).name}")
    settled(stored, 3)
    assert stored["n1"].run("ls", "/srv").split() == ["osd"]
    refused = onestack(control, "host", "remove", "n2", "--yes", check=False)
    assert "cannot be given up: storage hosts left: 2, copies of all data: 3" in " ".join(refused.split())


def test_after_a_power_cut_everything_is_there(stored: Hosts) -> None:
    probe(stored, "write", "3")
    for name in ("c1", "n1", "n2"):
        stored[name].lose()
    for name in ("n2", "n1", "c1"):
        stored[name].back()
    onestack(stored["c1"], "up")
    settled(stored, 3)
    assert probe(stored, "read").strip() == "3"


def test_destroy_gives_the_disks_back(stored: Hosts) -> None:
    onestack(stored["c1"], "destroy", "--yes")
    for host in stored:
        assert host.run("ls", "/srv") == ""
