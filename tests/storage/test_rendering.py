"""What each host of a cloud with a managed Ceph is given: daemons, configuration, keys."""

from __future__ import annotations

import base64
from configparser import ConfigParser
from dataclasses import replace

import pytest

from hosts.conftest import with_its_secrets
from onestack.core.events import silent
from onestack.platform import between_hosts, folders, graph, layout, managed_ceph
from onestack.platform.infrastructure import ceph, ceph_mon
from onestack.platform.shape import Form
from onestack.platform.stop_order import rows

from .views import stored


def read(text: str) -> ConfigParser:
    found = ConfigParser(interpolation=None)
    found.read_string(text)
    return found


def test_each_host_runs_what_its_disks_need() -> None:
    found = {
        name: sorted(each.name for each in layout.processes(view) if each.name.startswith("ceph-"))
        for name, view in stored().items()
    }
    assert found == {
        "c1": ["ceph-mgr", "ceph-mon", "ceph-osd-srv-osd"],
        "s2": ["ceph-mgr", "ceph-mon", "ceph-osd-sdb", "ceph-osd-srv-osd"],
        "s3": ["ceph-mon", "ceph-osd-srv-osd"],
        "n1": [],
    }
    for view in stored().values():
        assert {each.tree for each in layout.processes(view) if each.name.startswith("ceph-")} <= {"storage"}
        used = {each.tree for each in folders.of(view)}
        assert ("storage" in used) == bool(view.here.disks)


def test_a_host_has_the_keys_only_that_it_needs() -> None:
    secrets = {name: with_its_secrets(view).cloud.secrets for name, view in stored().items()}
    ours = {name: {each for each in found if each.startswith("ceph/")} for name, found in secrets.items()}
    assert ours["n1"] == {"ceph/fsid", "ceph/cinder"}
    assert ours["s3"] == {"ceph/fsid", "ceph/mon", "ceph/admin", "ceph/bootstrap-osd", "ceph/host/s3"}
    assert ours["s2"] == {*ours["s3"] - {"ceph/host/s3"}, "ceph/cinder", "ceph/host/s2"}


def test_keys_have_cephs_form_and_come_from_the_secrets() -> None:
    key = managed_ceph.key("secret", "client.cinder")
    assert key == managed_ceph.key("secret", "client.cinder") != managed_ceph.key("secret", "client.glance")
    raw = base64.b64decode(key)
    assert (len(raw), raw[:2], raw[10:12]) == (28, b"\x01\x00", b"\x10\x00")


def test_daemons_speak_encrypted_between_hosts_and_find_all_monitors() -> None:
    for name, view in stored().items():
        if not view.here.disks:
            continue
        found = read(layout.files(view)[managed_ceph.CONF])
        assert found["global"]["mon_host"] == "[v2:192.0.2.11:3300],[v2:192.0.2.12:3300],[v2:192.0.2.13:3300]"
        modes = {
            key: value for key, value in found["global"].items() if key.endswith("_mode") and key[:3] == "ms_"
        }
        assert len(modes) == 6 and set(modes.values()) == {"secure"}
        assert (found["global"]["osd_pool_default_size"], found["global"]["osd_pool_default_min_size"]) == (
            "3",
            "2",
        )
        assert found["osd"]["crush_location"] == f"root=default host={name}"
        assert managed_ceph.key(view.cloud.secrets["ceph/mon"], "mon.") not in str(found["global"].items())


def test_one_host_keeps_all_on_itself() -> None:
    view = stored({"c1": frozenset({"control", "network", "compute", "storage"})}, ("older-name",))["c1"]
    found = read(layout.files(view)[managed_ceph.CONF])
    assert "ms_cluster_mode" not in found["global"]
    assert (found["global"]["osd_pool_default_size"], found["global"]["osd_pool_default_min_size"]) == (
        "1",
        "1",
    )
    assert ceph_mon.is_here(view)


def test_services_keep_their_data_in_it() -> None:
    files = layout.files(stored()["c1"])
    glance, cinder, nova = (
        read(files[name]) for name in ("glance/glance-api.conf", "cinder/cinder.conf", "nova/nova.conf")
    )
    assert glance["DEFAULT"]["enabled_backends"] == "ceph:rbd"
    assert (glance["ceph"]["rbd_store_pool"], glance["ceph"]["rbd_store_user"]) == ("images", "glance")
    assert cinder["DEFAULT"]["backup_ceph_pool"] == "backups"
    assert (nova["libvirt"]["images_type"], nova["libvirt"]["images_rbd_pool"]) == ("rbd", "vms")
    known = read(layout.files(stored()["n1"])["nova/nova.conf"])["libvirt"]
    assert known["rbd_secret_uuid"] == nova["libvirt"]["rbd_secret_uuid"]


def test_what_serves_data_waits_for_pools_and_stops_before_ceph() -> None:
    view = stored()["c1"]
    names = {each.name: each for each in layout.processes(view)}
    for service in ("glance", "cinder", "nova"):
        assert managed_ceph.POOLS_STEP in [need.name for need in names[service].needs]
    order = rows(layout.processes(view), layout.steps(view))
    place = {name: number for number, row in enumerate(order) for name in row}
    assert place["glance"] < place["ceph-osd-srv-osd"] < place["ceph-mon"]


def test_only_the_clouds_hosts_reach_its_ports() -> None:
    rules = {name: between_hosts.rules(view, "t") for name, view in stored().items()}
    assert "3300, 6800-6999" in rules["s3"]
    assert "3300" not in rules["n1"]


def test_placement_groups_are_a_hundred_on_each_disk() -> None:
    assert [managed_ceph.placement_groups(*each) for each in ((1, 1), (3, 3), (12, 3), (400, 40))] == [
        16,
        16,
        64,
        256,
    ]


class _Asked:
    """A host that is asked for its monitor's state."""

    def __init__(self, name: str, state: str) -> None:
        self.name, self._state = name, state
        self.begun = False

    def state(self, service: str) -> str:
        return self._state

    def begin(self, service: str, emit: object) -> None:
        self.begun = True


def test_a_second_cluster_is_never_begun() -> None:
    form = ceph_mon.SERVICE.form
    assert form is not None
    asked = [_Asked("c1", ""), _Asked("s2", "member")]
    graph.form_cluster("ceph-mon", form, asked, "c1", silent, ["c1", "s2", "s3"])  # type: ignore[arg-type]
    assert not any(each.begun for each in asked)
    alone = [_Asked("c1", ""), _Asked("s2", "")]
    with pytest.raises(Exception, match="ceph-mon: 2 of 3 hosts are reached"):
        graph.form_cluster("ceph-mon", form, alone, "c1", silent, ["c1", "s2", "s3"])  # type: ignore[arg-type]
    graph.form_cluster("ceph-mon", form, alone, "c1", silent, ["c1", "s2"])  # type: ignore[arg-type]
    assert [each.begun for each in alone] == [True, False]
    assert isinstance(form, Form)


def test_hosts_are_up_by_what_ceph_says() -> None:
    nodes = [
        {"id": -1, "type": "root", "name": "default", "children": [-2, -3]},
        {"id": -2, "type": "host", "name": "c1", "children": [0]},
        {"id": -3, "type": "host", "name": "s2", "children": [1, 2]},
        {"id": 0, "type": "osd", "name": "osd.0", "status": "down"},
        {"id": 1, "type": "osd", "name": "osd.1", "status": "down"},
        {"id": 2, "type": "osd", "name": "osd.2", "status": "up"},
    ]
    assert ceph.hosts_up({"nodes": nodes}) == {"s2"}


def test_without_it_nothing_of_it_is_there() -> None:
    view = stored()["c1"]
    plain = replace(view, cloud=replace(view.cloud, ceph=None))
    assert not [each.name for each in layout.processes(plain) if "ceph" in each.name]
    assert not [name for name in layout.files(plain) if "ceph" in name]
