"""What a spec says of storage: disks, who has a monitor, how many copies there are, what is wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from onestack import spec
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.host import disks
from onestack.platform.site import disks_of
from onestack.platform.up import trees_of
from onestack.spec import BadSpec, storage
from onestack.workloads import operations

if TYPE_CHECKING:
    from onestack.platform.site import Site

MANAGED = "platform: {storage: {ceph: managed}, address: 192.0.2.10}\n"
ONE = "platform: {storage: {ceph: managed}}\n"


def hosts(*rows: str) -> str:
    return "hosts:\n" + "".join(f"  - {{{row}}}\n" for row in rows)


def host(number: int, more: str = "disks: [/dev/sdb]") -> str:
    return f"name: h{number}, address: 192.0.2.{20 + number}, {more}"


def test_disks_are_devices_and_files_with_sizes() -> None:
    given = "disks: [/dev/sdb, /dev/disk/by-id/wwn-0x5, {file: /srv/osd, size: 100G}]"
    (only,) = spec.loads(ONE + hosts(host(1, given)), "cloud.yaml").hosts
    found = [(each.name, each.path, each.size) for each in disks_of(only)]
    assert found == [
        ("sdb", "/dev/sdb", None),
        ("disk-by-id-wwn-0x5", "/dev/disk/by-id/wwn-0x5", None),
        ("srv-osd", "/srv/osd", 100 << 30),
    ]


def test_what_others_are_told_of_disks_reads_as_it_was_written() -> None:
    found = spec.loads(ONE + hosts(host(1, "disks: [/dev/sdb, {file: /srv/osd, size: 3G}]")), "cloud.yaml")
    again = spec.loads(found.model_dump_json(include={"platform", "hosts"}, exclude_unset=True), "other.yaml")
    assert again.hosts == found.hosts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ONE, "a managed Ceph, and no host gives it a disk"),
        (ONE + hosts(host(1, "roles: [control, compute, network, storage]")), "no host gives it a disk"),
        (hosts(host(1)), "disks without a managed Ceph"),
        (
            ONE + hosts(host(1, "roles: [control, compute, network], disks: [/dev/sdb]")),
            "not the role 'storage'",
        ),
        (ONE + hosts(host(1, "disks: [/dev/sdb, /dev/sdb]")), "'/dev/sdb' is given twice"),
        (
            ONE + hosts(host(1, "disks: [{file: /srv/a-b, size: 3G}, {file: /srv/a/b, size: 3G}]")),
            "have the same short name, srv-a-b",
        ),
        (ONE + hosts(host(1, "disks: [{file: /srv/osd, size: 100M}]")), "'100M' is too small for Ceph"),
        (ONE + hosts(host(1, "disks: [{file: /srv/osd, size: 100}]")), "'100' is not a size"),
        (ONE + hosts(host(1, "disks: [{file: srv/osd, size: 3G}]")), "not an absolute path"),
        (ONE + hosts(host(1, "disks: [{file: /srv/osd}]")), "is not a disk"),
        (ONE + hosts(host(1, "disks: [/srv/osd]")), "'/srv/osd' is not a device"),
        ("platform: {storage: {ceph: external}}\n", "'ceph' cannot be 'external'"),
        (
            "platform: {volumes: {backends: [{name: a, driver: ceph}]}}\n",
            "'driver: ceph' without a managed Ceph",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(BadSpec) as refused:
        spec.loads(text, "cloud.yaml")
    assert says in "\n".join(str(each) for each in refused.value.diagnostics)


@pytest.mark.parametrize(
    ("number", "monitors", "copies", "least"), [(1, 1, 1, 1), (2, 1, 2, 1), (3, 3, 3, 2), (6, 5, 3, 2)]
)
def test_monitors_and_copies_follow_from_the_number_of_hosts(
    number: int, monitors: int, copies: int, least: int
) -> None:
    rows = [
        host(1),
        *(host(each, "roles: [compute, storage], disks: [/dev/sdb]") for each in range(2, number + 1)),
    ]
    found = spec.loads(ONE + hosts(*rows), "cloud.yaml")
    assert storage.monitors(found) == tuple(f"h{each}" for each in range(1, monitors + 1))
    assert (storage.copies(number), storage.least_copies(number)) == (copies, least)
    words = " ".join(each.summary for each in found.notes())
    assert ("lost with it" in words, "two storage hosts" in words) == (number == 1, number == 2)


def test_a_host_that_is_added_moves_no_monitor() -> None:
    rows = [host(each, "roles: [compute, storage], disks: [/dev/sdb]") for each in (2, 3, 4)]
    before = spec.loads(ONE + hosts(host(1), *rows[:2]), "cloud.yaml")
    after = spec.loads(ONE + hosts(host(1), *rows), "cloud.yaml")
    assert storage.monitors(before) == storage.monitors(after) == ("h1", "h2", "h3")


def test_volumes_are_in_the_managed_ceph_unless_the_spec_says_otherwise() -> None:
    found = spec.loads(ONE + hosts(host(1)), "cloud.yaml").platform
    assert [(each.name, each.driver) for each in found.backends] == [("ceph", "ceph")]
    assert found.base_extras == ("rbd",)
    text = "platform: {storage: {ceph: managed}, volumes: {backends: [{name: local}, {name: big, driver: ceph}]}}\n"
    listed = spec.loads(text + hosts(host(1)), "cloud.yaml").platform
    assert [(each.name, each.driver) for each in listed.backends] == [("local", "file"), ("big", "ceph")]


def test_only_hosts_with_disks_have_cephs_daemons() -> None:
    found = spec.loads(ONE + hosts(host(1), host(2, "roles: [compute, storage]")), "cloud.yaml")
    assert [("storage" in trees_of(found, each.name)) for each in found.hosts] == [True, False]


def test_the_smallest_disk_is_the_same_for_the_spec_and_for_devices() -> None:
    assert disks.SMALLEST == storage.SMALLEST


def test_an_export_leaves_out_the_volume_type_that_comes_with_the_managed_ceph(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = SimpleNamespace(spec=spec.loads(ONE + hosts(host(1)), "cloud.yaml"), paths=Paths.at(tmp_path))
    passed: dict[str, Any] = {}
    monkeypatch.setattr(operations.export, "of", lambda cloud, **options: passed.update(options))
    admin = SimpleNamespace(current_user_id="admin")
    monkeypatch.setattr(operations.Workloads, "_admin", lambda self: admin)
    work = operations.Workloads(cast("Site", site), site.spec)
    work.export(tenant=None, addresses=False, emit=silent)
    assert passed["unlisted"] == {"volume_types": ["ceph"]}
