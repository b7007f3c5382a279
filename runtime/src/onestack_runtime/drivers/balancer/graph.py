"""The pending change of a balancer, and the statuses of its objects afterwards. Works on Octavia's data models.

Octavia allows one change of a balancer and its objects at a time. While one object is PENDING_*, the database already
describes all of them as they will be after the change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KINDS = ("members", "healthmonitors", "pools", "l7rules", "l7policies", "listeners")
"""octavia-lib's names, in the order in which objects may be deleted."""
_CULPRITS = ("l7rules", "l7policies", "members", "healthmonitors", "pools", "listeners")
"""The first of these kinds with a pending change is what HAProxy refused: Octavia sets its parents PENDING_* as
well."""
PENDING = ("PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE")
DELETE = ("PENDING_DELETE", "DELETED")

Status = dict[str, Any]
Update = dict[str, list[Status]]


def objects(lb: Any) -> Iterator[tuple[str, Any]]:
    """(kind, object) for each object below a balancer."""
    for listener in lb.listeners:
        yield "listeners", listener
        for policy in listener.l7policies:
            yield "l7policies", policy
            for rule in policy.l7rules:
                yield "l7rules", rule
    for pool in lb.pools:
        yield "pools", pool
        if pool.health_monitor:
            yield "healthmonitors", pool.health_monitor
        for member in pool.members:
            yield "members", member


def _subtrees(lb: Any) -> Iterator[tuple[str, Any, bool]]:
    """As `objects`, and whether the object is being deleted, itself or with its parent."""
    for listener in lb.listeners:
        gone = listener.provisioning_status in DELETE
        yield "listeners", listener, gone
        for policy in listener.l7policies:
            policy_gone = gone or policy.provisioning_status in DELETE
            yield "l7policies", policy, policy_gone
            for rule in policy.l7rules:
                yield "l7rules", rule, policy_gone or rule.provisioning_status in DELETE
    for pool in lb.pools:
        gone = pool.provisioning_status in DELETE
        yield "pools", pool, gone
        if pool.health_monitor:
            monitor = pool.health_monitor
            yield "healthmonitors", monitor, gone or monitor.provisioning_status in DELETE
        for member in pool.members:
            yield "members", member, gone or member.provisioning_status in DELETE


def culprits(lb: Any) -> set[str]:
    """The ids of the objects whose change may be the reason that HAProxy refuses the configuration."""
    changing: dict[str, set[str]] = {}
    for kind, each in objects(lb):
        if each.provisioning_status in ("PENDING_CREATE", "PENDING_UPDATE"):
            changing.setdefault(kind, set()).add(each.id)
    return next((changing[kind] for kind in _CULPRITS if kind in changing), set())


def concerns_network(lb: Any) -> bool:
    """Whether the pending change may affect the VIP port or its security group.

    A change of another object sets the balancer and its listeners PENDING_UPDATE, too.
    """
    if lb.provisioning_status == "PENDING_CREATE":
        return True
    changing = {
        (kind, each.provisioning_status)
        for kind, each in objects(lb)
        if each.provisioning_status.startswith("PENDING_")
    }
    if changing & {("listeners", "PENDING_CREATE"), ("listeners", "PENDING_DELETE")}:
        return True
    deeper = any(kind != "listeners" for kind, _ in changing)
    return lb.provisioning_status.startswith("PENDING_") and not deeper


def outcome(lb: Any) -> Update:
    """The statuses to report when the pending change is done."""
    update: Update = {kind: [] for kind in KINDS}
    for kind, each, gone in _subtrees(lb):
        if gone:
            update[kind].append({"id": each.id, "provisioning_status": "DELETED"})
        elif each.provisioning_status.startswith("PENDING_"):
            status: Status = {"id": each.id, "provisioning_status": "ACTIVE"}
            if kind != "members":
                status["operating_status"] = "ONLINE" if each.enabled else "OFFLINE"
            elif not each.enabled:
                status["operating_status"] = "OFFLINE"
            update[kind].append(status)
    own: Status = {"id": lb.id, "provisioning_status": "ACTIVE"}
    if (
        lb.provisioning_status == "PENDING_CREATE"
        or not lb.enabled
        or lb.operating_status in ("OFFLINE", "ERROR")
    ):
        own["operating_status"] = "ONLINE" if lb.enabled else "OFFLINE"
    update["loadbalancers"] = [own]
    return update


def with_errors(update: Update, failed: frozenset[str]) -> Update:
    """The same statuses, with ERROR for the objects that failed."""

    def replaced(status: Status) -> Status:
        if status["id"] not in failed:
            return status
        return {"id": status["id"], "provisioning_status": "ERROR", "operating_status": "ERROR"}

    return {kind: [replaced(each) for each in statuses] for kind, statuses in update.items()}


def deleted(lb: Any) -> Update:
    """The statuses to report when a balancer and all its objects are deleted."""
    update: Update = {kind: [] for kind in KINDS}
    for kind, each in objects(lb):
        update[kind].append({"id": each.id, "provisioning_status": "DELETED"})
    update["loadbalancers"] = [{"id": lb.id, "provisioning_status": "DELETED"}]
    return update


def given_up(lb: Any) -> Update:
    """The statuses to report when the pending change is given up: no object stays PENDING_*."""
    update: Update = {kind: [] for kind in KINDS}
    for kind, each in objects(lb):
        if each.provisioning_status.startswith("PENDING_"):
            update[kind].append({"id": each.id, "provisioning_status": "ERROR"})
    update["loadbalancers"] = [{"id": lb.id, "provisioning_status": "ERROR", "operating_status": "ERROR"}]
    return update


def prune(lb: Any, failed: frozenset[str] = frozenset(), *, retry: bool = False) -> None:
    """Remove from the data model what is being deleted, what is in `failed` and, unless `retry`, what is in ERROR."""

    def stays(each: Any) -> bool:
        if each is None or each.id in failed or each.provisioning_status in DELETE:
            return False
        return retry or each.provisioning_status != "ERROR"

    lb.listeners = [each for each in lb.listeners if stays(each)]
    lb.pools = [each for each in lb.pools if stays(each)]
    for pool in lb.pools:
        pool.members = [each for each in pool.members if stays(each)]
        if not stays(pool.health_monitor):
            pool.health_monitor = None
    for listener in lb.listeners:
        listener.load_balancer = lb
        listener.l7policies = [each for each in listener.l7policies if stays(each)]
        for policy in listener.l7policies:
            policy.l7rules = [each for each in policy.l7rules if stays(each)]
            if policy.redirect_pool and not stays(policy.redirect_pool):
                policy.redirect_pool = None
        listener.l7policies = [
            each for each in listener.l7policies if each.action != "REDIRECT_TO_POOL" or each.redirect_pool
        ]
        if not stays(listener.default_pool):
            listener.default_pool = None
        listener.pools = [each for each in listener.pools if stays(each)]
