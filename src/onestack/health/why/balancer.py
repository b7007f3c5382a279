"""Why a balancer is in ERROR, or why it or its members are not ONLINE: one sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from onestack.health.why import rules
from onestack.health.why.model import Diagnosis, Part
from onestack.health.why.observations import BalancerObservation, Member, Pool

Reason = tuple[str, str]
"""(category, words)"""
LONG = 60.0
"""Seconds in a PENDING status after which the driver is taken to hang: a change takes less than one."""
_STOPPED = (
    "SHUTOFF",
    "ERROR",
    "SUSPENDED",
    "PAUSED",
    "SHELVED",
    "SHELVED_OFFLOADED",
    "DELETED",
    "SOFT_DELETED",
)
_INTENDED = ("disabled", "weight")
"""What somebody wanted of a member: no fault as long as others serve."""
_LOG = "onestack logs octavia"
_CHECK = "`onestack balancers check` compares what runs with Octavia's database, and repairs it"
_SILENT = ", and Octavia's log does not say why"
_REFUSED = f"correct or delete what was refused; {_CHECK}; {_LOG}"
_HINTS = {
    "disabled": "openstack loadbalancer member set --enable-member POOL MEMBER",
    "weight": "openstack loadbalancer member set --weight 1 POOL MEMBER",
    "server": "start the server, or take the member out: openstack loadbalancer member delete",
    "rules": "openstack security group rule create --protocol tcp --dst-port PORT --remote-ip ADDRESS GROUP",
    "address": "openstack loadbalancer member list POOL; a member is named by its address",
    "port": "onestack why port",
    "check": "ask the member at that port, as the health monitor does; openstack loadbalancer healthmonitor show",
}
_Answer = tuple[str, str, str]
"""(cause, verdict, hint)"""


def diagnose(observed: BalancerObservation) -> Diagnosis:
    """The diagnosis of a balancer; it may be that nothing is wrong."""
    cause, verdict, hint = _cause(observed)
    return Diagnosis(
        f"balancer {observed.project}/{observed.name or observed.id}",
        f"{observed.provisioning}, {observed.status}",
        cause,
        verdict,
        hint,
        facts=() if cause in ("none", "building") else tuple(_facts(observed)),
        parts=() if cause in ("none", "building") else tuple(_parts(observed)),
    )


def _cause(observed: BalancerObservation) -> _Answer:
    name = f"balancer '{observed.name or observed.id}'"
    if observed.provisioning.startswith("PENDING"):
        return _pending(observed, name)
    if failed := next(_failed_changes(observed, name), None):
        said = f": {observed.errors[0].rstrip('.')}" if observed.errors else _SILENT
        return "failed", f"the last change of {failed} failed{said}", _REFUSED
    if not observed.enabled:
        return "disabled", f"{name} is disabled", f"openstack loadbalancer set --enable {observed.id}"
    if not observed.listeners:
        verdict = f"{name} serves nothing: it has no listener"
        return "listeners", verdict, "openstack loadbalancer listener create"
    if not any(each.enabled for each in observed.listeners):
        verdict = f"{name} serves nothing: all its listeners are disabled"
        return "listeners", verdict, "openstack loadbalancer listener set --enable LISTENER"
    for one in observed.listeners:
        if one.enabled and one.status in ("ERROR", "OFFLINE"):
            serves = f"does not serve at {one.protocol} {one.port}"
            return (
                "listeners",
                f"{name} {serves}: the listener '{one.name}' is {one.status}",
                f"{_CHECK}; {_LOG}",
            )
    return _pools(observed, name)


def _failed_changes(observed: BalancerObservation, name: str) -> Iterator[str]:
    """What is in the provisioning status ERROR. The parts come first, for the balancer goes on without them."""
    yield from (
        f"the listener '{each.name}' of {name}" for each in observed.listeners if each.provisioning == "ERROR"
    )
    yield from (
        f"the pool '{each.name}' of {name}" for each in observed.pools if each.provisioning == "ERROR"
    )
    if observed.provisioning == "ERROR":
        yield name


def _pending(observed: BalancerObservation, name: str) -> _Answer:
    since = f"{name} is {observed.provisioning} since {observed.age:.0f} s"
    if observed.octavia_states:
        down = ", ".join(
            f"{process} is {state}" for process, state in sorted(observed.octavia_states.items())
        )
        return "service", f"{since}: {down}", f"onestack status; {_LOG}"
    if observed.age > LONG:
        said = f": {observed.errors[0]}" if observed.errors else _SILENT
        return "stuck", f"{since}{said}", f"{_CHECK}; {_LOG}"
    return "building", since, _LOG


def _pools(observed: BalancerObservation, name: str) -> _Answer:
    pools = [each for each in observed.pools if each.enabled]
    for pool in pools:
        if not pool.members:
            verdict = f"{name} answers with an error: its pool '{pool.name}' has no members"
            return "members", verdict, "openstack loadbalancer member create POOL"
    found = [
        (pool, member, reasons)
        for pool in pools
        for member in pool.members
        if (reasons := list(_reasons(pool, member, observed)))
    ]
    all_members = sum(len(each.members) for each in pools)
    found = [each for each in found if each[2][0][0] not in _INTENDED] or (
        found if len(found) == all_members else []
    )
    if not found:
        if observed.status in ("ERROR", "DEGRADED"):
            verdict = f"{name} is {observed.status}, and all its members are in order: Octavia takes note in seconds"
            return "building", verdict, _CHECK
        if not pools:
            return "none", f"{name} is {observed.status}, without pools: nothing stands in its way", ""
        members = "its only member serves" if all_members == 1 else f"its {all_members} members are in order"
        return "none", f"{name} is {observed.status}, {members}: nothing stands in its way", ""
    categories = Counter(reasons[0][0] for _, _, reasons in found)
    cause = categories.most_common(1)[0][0]
    pool, member, reasons = next(each for each in found if each[2][0][0] == cause)
    same = categories[cause]
    of = f"its only member '{member.name}'" if all_members == 1 else f"its member '{member.name}'"
    if same > 1:
        of = f"{same} of its {all_members} members, such as '{member.name}',"
    more = len(found) - same
    further = f"; {more} more for other reasons" if more else ""
    serving = "" if len(found) < all_members else "serves nobody: "
    verdict = f"{name} {serving}{'' if serving else f'is {observed.status}: '}{of} {reasons[0][1]}{further}"
    hint = _HINTS.get(cause, "")
    if cause == "rules":
        hint = hint.replace("PORT", str(member.checked or member.port)).replace("ADDRESS", observed.source)
    if cause == "port" and member.at is not None:
        hint = f"onestack why port {member.at.id}"
    return cause, verdict, hint


def _reasons(pool: Pool, member: Member, observed: BalancerObservation) -> Iterator[Reason]:
    """Why a member gets no requests, or cannot answer them; the cause of the others first."""
    if not member.enabled:
        yield "disabled", "is disabled"
        return
    if member.weight == 0:
        yield "weight", "has the weight 0: it gets no new sessions"
        return
    if member.status in ("ONLINE", "DRAINING"):
        return
    unchecked = member.status == "NO_MONITOR"
    at = member.at
    where = f"{member.address}:{member.checked or member.port}"
    if at is None:
        if not unchecked:
            yield "address", f"is {member.status}: no port of its network has its address {member.address}"
        return
    if at.server and at.server_status in _STOPPED:
        yield "server", f"is {member.status}: its server '{at.server}' is {at.server_status}"
    elif not at.enabled:
        yield "port", f"is {member.status}: its port {at.id} is disabled"
    elif at.status == "DOWN":
        yield "port", f"is {member.status}: its port {at.id} is DOWN"
    if at.filtered and observed.source and (words := _refused(pool, member, observed)):
        yield "rules", words
    if unchecked or pool.monitor is None:
        return
    if member.status == "ERROR":
        yield "check", f"does not pass the health monitor ({_check(pool)}) at {where}"
    elif member.status == "OFFLINE":
        yield "check", "is OFFLINE: Octavia has no state of it"


def _refused(pool: Pool, member: Member, observed: BalancerObservation) -> str:
    assert member.at is not None
    monitor = pool.monitor
    if monitor is not None and monitor.enabled and monitor.type == "PING":
        protocol, port, what = "icmp", None, "the health monitor's ICMP"
    else:
        port = member.checked or member.port
        protocol = {"UDP": "udp", "SCTP": "sctp"}.get(pool.protocol, "tcp")
        what = f"{protocol.upper()} port {port}"
    if rules.admit(member.at.rules, protocol, port, observed.source, observed.source_groups):
        return ""
    groups = " and ".join(f"'{each}'" for each in member.at.groups)
    who = (
        f"its security group{'s' if len(member.at.groups) > 1 else ''} {groups}"
        if groups
        else "no security group"
    )
    do = ("do not admit" if len(member.at.groups) > 1 else "does not admit") if groups else "admits"
    return f"is {member.status}: {who} {do} {what} from the balancer's address {observed.source}"


def _check(pool: Pool) -> str:
    monitor = pool.monitor
    assert monitor is not None
    path = f" {monitor.path}" if monitor.path else ""
    codes = f", expected: {monitor.codes}" if monitor.codes else ""
    return f"{monitor.type}{path}{codes}"


def _parts(observed: BalancerObservation) -> Iterator[Part]:
    for listener in observed.listeners:
        off = () if listener.enabled else ("it is disabled",)
        wrong = ("its last change failed",) if listener.provisioning == "ERROR" else ()
        status = listener.status if listener.provisioning == "ACTIVE" else listener.provisioning
        yield Part(f"listener '{listener.name}' {listener.protocol} {listener.port}", status, off + wrong)
    for pool in observed.pools:
        empty = () if pool.members else ("it has no members",)
        off = () if pool.enabled else ("it is disabled",)
        wrong = ("its last change failed",) if pool.provisioning == "ERROR" else ()
        yield Part(f"pool '{pool.name}'", pool.status, empty + off + wrong)
        for member in pool.members:
            told = tuple(words for _, words in _reasons(pool, member, observed))
            yield Part(f"member '{member.name}' {member.address}:{member.port}", member.status, told)


def _facts(observed: BalancerObservation) -> Iterator[str]:
    yield f"provider {observed.provider}, address {observed.vip}"
    for pool in observed.pools:
        yield f"health monitor of the pool '{pool.name}': {_check(pool) if pool.monitor else 'none'}"
    yield from (f"log: {error}" for error in observed.errors)
