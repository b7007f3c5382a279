"""How the managed Ceph is: monitors, OSDs, placement groups, space, and what the next loss would cost.

Ceph's own word HEALTH_OK is not enough: it stands there too while no OSD is up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from onestack.core.errors import OneStackError
from onestack.platform.infrastructure import ceph
from onestack.platform.site import Site
from onestack.spec import storage

FULL = 0.85
"""The share of space in use from which Ceph warns; it stops writing at 0.95."""


@dataclass(frozen=True)
class CephStatus:
    """The managed Ceph.

    `hosts`: how many storage hosts have an OSD that is up, of `all_hosts`. `inactive`: placement groups that cannot
    be written to now. `states`: in which states those are that are not active+clean. `used` and `size`: bytes, of all
    copies together. `loss`: what the loss of one more host would cost, in words. `problem`: why none of that is
    known."""

    monitors: int = 0
    all_monitors: int = 0
    osds: int = 0
    osds_up: int = 0
    osds_in: int = 0
    hosts: int = 0
    all_hosts: int = 0
    groups: int = 0
    clean: int = 0
    inactive: int = 0
    states: str = ""
    used: int = 0
    size: int = 0
    loss: str = ""
    problem: str = ""


def collect(site: Site) -> CephStatus | None:
    """What Ceph says; None without a managed one, or on a host that may not ask."""
    view = site.view
    if view.cloud.ceph is None or not view.control:
        return None
    try:
        status = ceph.data(site.here, "status", seconds=20)
        tree = ceph.data(site.here, "osd", "tree", seconds=20)
        return read(status, tree, len(view.storage))
    except (OneStackError, ValueError, LookupError) as error:
        return CephStatus(all_hosts=len(view.storage), problem=str(error))


def read(status: dict[str, Any], tree: dict[str, Any], storage_hosts: int) -> CephStatus:
    """From the output of `ceph status` and `ceph osd tree`. Raises LookupError."""
    groups, osds = status["pgmap"], status["osdmap"]
    states = [(each["state_name"].split("+"), each["count"]) for each in groups.get("pgs_by_state", ())]
    total = groups.get("num_pgs", 0)
    hosts = len(ceph.hosts_up(tree))
    monitors, quorum = status["monmap"]["num_mons"], len(status["quorum"])
    return CephStatus(
        monitors=quorum,
        all_monitors=monitors,
        osds=osds["num_osds"],
        osds_up=osds["num_up_osds"],
        osds_in=osds["num_in_osds"],
        hosts=hosts,
        all_hosts=storage_hosts,
        groups=total,
        clean=sum(count for words, count in states if {"active", "clean"} <= {*words}),
        states=", ".join(
            f"{count} {'+'.join(words)}" for words, count in states if words != ["active", "clean"]
        ),
        inactive=total - sum(count for words, count in states if "active" in words),
        used=groups.get("bytes_used", 0),
        size=groups.get("bytes_total", 0),
        loss=next_loss(hosts, storage_hosts, quorum, monitors),
    )


def next_loss(hosts: int, storage_hosts: int, quorum: int, monitors: int) -> str:
    """What the loss of one more storage host would cost. `quorum`: monitors that work together, of `monitors`."""
    if storage.copies(storage_hosts) < 2 or hosts < 2:
        return "the loss of the host loses all data" if hosts == storage_hosts else "the next loss loses data"
    stands = []
    if quorum - 1 < monitors // 2 + 1:
        stands.append("its monitors have no majority then")
    if hosts - 1 < storage.least_copies(storage_hosts):
        stands.append("too few copies are left then")
    if stands:
        return f"the next loss stops all guests' disks ({', '.join(stands)}); no data is lost"
    return "one more storage host may be lost"


def reasons(found: CephStatus | None) -> Iterator[str]:
    """What is degraded, in words."""
    if found is None:
        return
    if found.problem:
        yield f"Ceph does not answer: {found.problem}"
        return
    missing = _missing(found)
    for words in missing:
        yield f"Ceph has {words}"
    if found.inactive:
        few = found.hosts < storage.least_copies(found.all_hosts)
        why = "too few storage hosts are there" if few else found.states
        yield f"Ceph cannot write to {found.inactive} of {found.groups} placement groups now: {why}"
    elif found.clean < found.groups:
        yield f"Ceph has {found.clean} of {found.groups} placement groups active+clean: {found.states}"
    if missing and not found.inactive:
        yield f"Ceph: {found.loss}"
    if found.size and found.used / found.size > FULL:
        yield f"Ceph is {found.used / found.size:.0%} full: add disks; at 95% it stops writing"


def _missing(found: CephStatus) -> list[str]:
    words = []
    if found.monitors < found.all_monitors:
        words.append(f"{found.monitors} of {found.all_monitors} monitors in quorum")
    if found.osds_up < found.osds or found.osds_in < found.osds:
        words.append(f"{found.osds_up} of {found.osds} OSDs up, {found.osds_in} in")
    return words
