"""What is said of a managed Ceph: counted, and what the next loss would cost."""

from __future__ import annotations

from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.health import ceph
from onestack.platform import storage_changes

from .views import stored


def status(*, up: int = 3, quorum: int = 3, states: dict[str, int] | None = None) -> dict[str, Any]:
    found = states or {"active+clean": 65}
    return {
        "health": {"status": "HEALTH_OK"},
        "monmap": {"num_mons": 3},
        "quorum": list(range(quorum)),
        "osdmap": {"num_osds": 3, "num_up_osds": up, "num_in_osds": 3},
        "pgmap": {
            "num_pgs": sum(found.values()),
            "pgs_by_state": [{"state_name": name, "count": number} for name, number in found.items()],
            "bytes_used": 1 << 30,
            "bytes_total": 30 << 30,
        },
    }


def tree(up: int) -> dict[str, Any]:
    hosts = [{"id": -each, "type": "host", "name": f"s{each}", "children": [each]} for each in (1, 2, 3)]
    osds = [{"id": each, "type": "osd", "status": "up" if each <= up else "down"} for each in (1, 2, 3)]
    return {"nodes": [*hosts, *osds]}


def test_a_whole_one_has_no_reasons() -> None:
    found = ceph.read(status(), tree(3), 3)
    assert (found.monitors, found.osds_up, found.osds_in, found.clean, found.groups) == (3, 3, 3, 65, 65)
    assert found.loss == "one more storage host may be lost"
    assert list(ceph.reasons(found)) == []


def test_a_lost_host_is_said_with_what_the_next_would_cost() -> None:
    found = ceph.read(status(up=2, quorum=2, states={"active+undersized+degraded": 65}), tree(2), 3)
    said = "\n".join(ceph.reasons(found))
    for words in (
        "2 of 3 monitors",
        "2 of 3 OSDs up",
        "0 of 65 placement groups active+clean: 65 active+undersized+degraded",
        "no data is lost",
    ):
        assert words in said


def test_health_ok_without_an_osd_is_not_believed() -> None:
    found = ceph.read(status(up=0, states={"unknown": 65}), tree(0), 3)
    assert "cannot write to 65 of 65 placement groups now: too few storage hosts" in "\n".join(
        ceph.reasons(found)
    )


def test_placement_groups_that_settle_are_no_lost_copies() -> None:
    found = ceph.read(status(states={"active+clean": 1, "peering": 128}), tree(3), 3)
    assert list(ceph.reasons(found)) == ["Ceph cannot write to 128 of 129 placement groups now: 128 peering"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((1, 1, 1, 1), "loses all data"),
        ((2, 2, 1, 1), "no majority"),
        ((3, 3, 3, 3), "may be lost"),
        ((2, 3, 2, 3), "too few copies"),
        ((4, 4, 3, 3), "may be lost"),
    ],
)
def test_the_next_loss(given: tuple[int, int, int, int], says: str) -> None:
    assert says in ceph.next_loss(*given)


def test_osds_are_found_by_the_disks_that_leave() -> None:
    view = stored()["c1"]
    from onestack.platform import managed_ceph

    disk = view.storage[1].disks[1]
    dump = {
        "osds": [{"uuid": managed_ceph.osd_uuid(view, "s2", disk), "osd": 7}, {"uuid": "other", "osd": 1}]
    }
    assert storage_changes.leaving(view, dump, [("s2", "/dev/sdb")]) == [7]


def test_data_that_has_no_room_elsewhere_keeps_its_disk() -> None:
    gib = 1 << 20
    rows = [{"id": each, "kb": 10 * gib, "kb_used": 5 * gib} for each in range(3)]
    with pytest.raises(PermanentError, match="has no room on the other disks: 17 of 20 GiB"):
        storage_changes.require_room({"nodes": [{**rows[0], "kb_used": 7 * gib}, *rows[1:]]}, [0], "x")
    storage_changes.require_room({"nodes": [{**rows[0], "kb_used": gib}, *rows[1:]]}, [0], "x")
