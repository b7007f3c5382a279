"""The managed Ceph as a whole: its users, its pools, and that it works before OpenStack's services use it.

Its daemons are modules of their own beside this one. What concerns the whole cluster is done on the leader, with the
administrator's key, by the client that the base has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from onestack.core.errors import Unready
from onestack.core.events import Emit, step
from onestack.core.events import Step as Progress
from onestack.core.graph import Task, complete
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.platform import managed_ceph
from onestack.platform.infrastructure import ceph_mgr, ceph_mon, ceph_osd
from onestack.platform.managed_ceph import POOLS, POOLS_STEP, USERS_STEP
from onestack.platform.shape import InfrastructureService, Need, Process, Step, leader
from onestack.platform.view import View
from onestack.spec import storage

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "ceph"
ANSWER_SECONDS = 30.0
"""How long Ceph has for an answer: its own client would wait for monitors for ever."""
QUORUM_SECONDS, ACTIVE_SECONDS, SAFE_SECONDS = 120.0, 240.0, 60.0


def ask(node: Node, *words: str, text_in: str | None = None, seconds: float = ANSWER_SECONDS) -> str:
    """What Ceph says to an administrator's command, on a control host. Raises CommandFailed."""
    argv = ["ceph", "--connect-timeout", str(int(seconds / 2)), *words]
    return node.inside(argv, seconds=seconds, text_in=text_in)


def data(node: Node, *words: str, seconds: float = ANSWER_SECONDS) -> Any:
    """The same as data. Raises CommandFailed, ValueError."""
    text = ask(node, *words, "--format", "json", seconds=seconds)
    # Warnings of the client's own may stand before it.
    start = min((text.index(mark) for mark in "{[" if mark in text), default=0)
    return json.loads(text[start:])


def needs(view: View) -> tuple[Need, ...]:
    """What a service that keeps data in the managed Ceph waits for."""
    return leader(POOLS_STEP) if view.cloud.ceph else ()


def ensure_users(site: Site, node: Node, emit: Emit) -> None:
    """Wait for the monitors' majority, and have Ceph know all users, with the keys that their hosts have."""
    view = site.view_of(node)
    quorum: dict[str, Any] = {}

    def answers() -> tuple[bool, str]:
        try:
            quorum.update(data(node, "quorum_status", seconds=20))
        except CommandFailed as failed:
            return False, failed.detail.splitlines()[-1] if failed.detail else failed.summary
        return True, ""

    until(
        "a majority of Ceph's monitors",
        answers,
        seconds=QUORUM_SECONDS,
        every=1,
        where=node.log(ceph_mon.NAME),
    )
    managers = [managed_ceph.manager(each.name) for each in managed_ceph.managers(view)]
    users = (*managed_ceph.CLIENTS, managed_ceph.BOOTSTRAPPER, *managers)
    ask(node, "auth", "import", "-i", "-", text_in=managed_ceph.keyring(view, *users))
    leave_monitors(view, node, quorum)


def leave_monitors(view: View, node: Node, quorum: dict[str, Any]) -> None:
    """Take monitors out of the cluster that the spec no longer has; those that shall stay must work. `quorum`: of
    `quorum_status`."""
    wanted = {each.name for each in managed_ceph.monitors(view)}
    there = {each["name"] for each in quorum["monmap"]["mons"]}
    if wanted <= set(quorum["quorum_names"]):
        for gone in sorted(there - wanted):
            ask(node, "mon", "remove", gone)


def ensure_pools(site: Site, node: Node, emit: Emit) -> None:
    """Have all pools, each with as many copies as there are storage hosts for, and wait until they can be written
    to. Raises Unready with Ceph's own words."""
    view = site.view_of(node)
    number = len(view.storage)
    disks = sum(len(each.disks) for each in view.storage)
    copies, least = storage.copies(number), storage.least_copies(number)
    osds = {
        managed_ceph.osd_uuid(view, host.name, disk): host.name
        for host in view.storage
        for disk in host.disks
    }
    with step("pools of Ceph", emit) as at:
        dump: dict[str, Any] = {}

        def enough() -> tuple[bool, str]:
            try:
                dump.update(data(node, "osd", "dump"))
            except CommandFailed as failed:
                return False, failed.summary
            up = {osds.get(each["uuid"], "") for each in dump["osds"] if each["up"]} - {""}
            return len(up) >= least, f"{len(up)} of {number} storage hosts have an OSD that is up"

        until("Ceph's OSDs", enough, seconds=QUORUM_SECONDS, every=1)
        groups = str(managed_ceph.placement_groups(disks, number))
        there = {each["pool_name"] for each in dump["pools"]}
        if missing := [each for each in POOLS if each not in there]:
            # Each takes a second or more, in which Ceph does little.
            _beside(
                missing, lambda name: ask(node, "osd", "pool", "create", name, groups, groups, "replicated")
            )
            dump.update(data(node, "osd", "dump"))
        for each in dump["pools"]:
            _set_copies(node, each, copies, least)
            if each["pool_name"] in POOLS and each["pg_num_target"] < int(groups):
                ask(node, "osd", "pool", "set", each["pool_name"], "pg_num", groups)
        until(
            "Ceph's placement groups to be active",
            lambda: active(data(node, "status")),
            seconds=ACTIVE_SECONDS,
            every=1,
        )
        raw = [each["pool_name"] for each in dump["pools"] if not each["application_metadata"]]
        # `rbd` marks a pool as its own when it is ready.
        _beside(
            [each for each in POOLS if each in raw],
            lambda name: node.inside(["rbd", "pool", "init", name], seconds=ANSWER_SECONDS),
        )
        settle_disks(node, dump, osds, at)
        at.outcome = f"{disks} disks on {number} hosts, {copies} {'copies' if copies > 1 else 'copy'}"


def _beside(names: Sequence[str], body: Callable[[str], object]) -> None:
    """Do something for each, all at the same time."""

    def call(name: str) -> None:
        body(name)

    complete([Task(name, partial(call, name)) for name in names], workers=max(1, len(names)))


def settle_disks(node: Node, dump: dict[str, Any], wanted: Mapping[str, str], at: Progress) -> None:
    """Use again what was taken out, and forget the OSDs of disks that are gone, once no data is only there.

    `dump`: of `osd dump`. `wanted`: UUIDs of OSDs, with their hosts."""
    back = [
        str(each["osd"]) for each in dump["osds"] if each["uuid"] in wanted and each["up"] and not each["in"]
    ]
    if back:
        ask(node, "osd", "in", *back)
    gone = [str(each["osd"]) for each in dump["osds"] if each["uuid"] not in wanted and not each["up"]]
    for number in gone:
        try:
            # A manager that has just started cannot say it yet.
            until(
                f"OSD {number} to be without data",
                partial(_is_safe, node, number),
                seconds=SAFE_SECONDS,
                every=2,
            )
        except Unready as unsure:
            at.note(f"OSD {number} is of no disk in the spec, and is kept: {unsure.summary}")
        else:
            ask(node, "osd", "purge", number, "--yes-i-really-mean-it")
    if gone:
        for each in data(node, "osd", "tree")["nodes"]:
            if each["type"] == "host" and not each["children"]:
                ask(node, "osd", "crush", "rm", each["name"])


def _is_safe(node: Node, number: str) -> tuple[bool, str]:
    try:
        return True, ask(node, "osd", "safe-to-destroy", number)
    except CommandFailed as failed:
        return False, failed.detail.splitlines()[-1] if failed.detail else failed.summary


def _set_copies(node: Node, pool: dict[str, Any], copies: int, least: int) -> None:
    name, size, min_size = pool["pool_name"], pool["size"], pool["min_size"]
    if size > copies:
        # Fewer copies are a decision; `onestack host remove` keeps as many hosts as there are copies.
        return
    if size != copies:
        sure = ("--yes-i-really-mean-it",) if copies == 1 else ()
        ask(node, "osd", "pool", "set", name, "size", str(copies), *sure)
    if (size, min_size) != (copies, least):
        ask(node, "osd", "pool", "set", name, "min_size", str(least))


def hosts_up(tree: dict[str, Any]) -> set[str]:
    """The hosts with an OSD that is up, from `osd tree`."""
    nodes = {each["id"]: each for each in tree["nodes"]}
    hosts = (each for each in nodes.values() if each["type"] == "host")
    return {
        each["name"]
        for each in hosts
        if any(nodes[child].get("status") == "up" for child in each["children"])
    }


def active(status: dict[str, Any]) -> tuple[bool, str]:
    """Whether all placement groups are active, from `status`; and which states they are in, in words."""
    states = status["pgmap"].get("pgs_by_state", [])
    total = status["pgmap"].get("num_pgs", 0)
    working = sum(each["count"] for each in states if "active" in each["state_name"].split("+"))
    words = ", ".join(f"{each['count']} {each['state_name']}" for each in states) or "none"
    return total > 0 and working == total, f"placement groups: {words}"


def processes(view: View) -> tuple[Process, ...]:
    """None: its daemons are infrastructure services of their own."""
    return ()


def steps(view: View) -> tuple[Step, ...]:
    if view.cloud.ceph is None:
        return ()
    names = dict.fromkeys(name for each in view.storage for name in ceph_osd.names(each))
    return (
        Step(USERS_STEP, ensure_users, (Need(ceph_mon.NAME, "all"),), scope="leader"),
        Step(
            POOLS_STEP,
            ensure_pools,
            (Need(ceph_mgr.NAME, "all"), *(Need(name, "all") for name in names)),
            scope="leader",
        ),
    )


SERVICE = InfrastructureService(NAME, processes, steps=steps, steps_alone=True)
