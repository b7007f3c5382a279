"""Why a server is in ERROR or still in BUILD: one sentence, and for each host what excludes it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from onestack.core import contract
from onestack.health.why import hosts
from onestack.health.why.hosts import Reason
from onestack.health.why.model import Diagnosis, Host, HostReason, ServerObservation

_NO_HOST = re.compile(r"no valid host|not enough hosts|NoValidHost", re.I)
# Nova scheduled it, but it failed on every host, for example because another member of its group was scheduled
# there.
_RETRIED = re.compile(r"maximum number of retries|exhausted all hosts|MaxRetriesExceeded", re.I)
_QUOTA = re.compile(r"quota|limit ?exceeded|over ?limit", re.I)
_BINDING = re.compile(r"binding failed|failed to bind|PortBinding", re.I)
# What the scheduler's filter for volumes tells the user (drivers.volumes.place in the runtime).
_VOLUME_ON = re.compile(r"uses a volume that is stored on the host (\S+?)[:,]")
_FAILED_BINDING = "binding_failed"
_NAMED = 3

_FAMILIES = {
    "disabled": "disabled",
    "down": "down",
    "zone": "in another zone",
    "host": "not the requested one",
    "trait": "without the right traits",
    "anti-affinity": "with another server of its group",
    "affinity": "away from its group",
    "volume": "away from its volumes",
}
_HINTS = {
    "disabled": "openstack compute service set --enable HOST nova-compute",
    "down": "onestack status; onestack logs nova",
    "zone": "openstack availability zone list --long; request a zone that has hosts, or none",
    "host": "request no host, or one with free capacity",
    "trait": "`openstack flavor show` and `openstack image show` list what is required of a host",
    "anti-affinity": "add a host, delete a member, or use a group of the policy soft-anti-affinity",
    "affinity": "free capacity on the group's host, or use a group of the policy soft-affinity",
    "volume": "free capacity on the host that stores the volumes, or use a volume type whose storage all hosts share",
    "room": "use a smaller flavor, fewer servers, or another host; `onestack capacity` shows the details",
}
_AGAIN = "delete it and create it again: a server that found no host is not placed later"
_FILTERS = {
    "ServerGroupAntiAffinityFilter": "every host had another member of its server group",
    "ServerGroupAffinityFilter": "the host of its server group could not take it",
    contract.VOLUME_FILTER: "the host that stores its volumes could not take it",
    "ComputeFilter": "no host's compute service was up and enabled",
    "ImagePropertiesFilter": "no host runs images with its properties",
    "ComputeCapabilitiesFilter": "no host meets the flavor's extra specs",
}
_BY_FILTER = {"ServerGroupAntiAffinityFilter": "anti-affinity", "ServerGroupAffinityFilter": "affinity"}
_Answer = tuple[str, str, str]
"""(cause, verdict, hint)"""


def diagnose(observed: ServerObservation) -> Diagnosis:
    """The diagnosis of a server; it may be that nothing is wrong."""
    last = next((one.name for one in observed.records.filters if one.after == 0), "")
    stored = _VOLUME_ON.search(observed.fault)
    by_host = [
        (
            host,
            # The scheduler's log of that time takes precedence over the present obstacles.
            sorted(
                hosts.reasons(
                    host, observed.request, observed.zone, observed.group, stored[1] if stored else ""
                ),
                key=lambda reason: reason[0] != _BY_FILTER.get(last),
            ),
        )
        for host in observed.hosts
    ]
    cause, verdict, hint = _cause(observed, by_host)
    placing = cause not in ("none", "building", "quota", "port", "failed")
    table = [HostReason(host.name, host.zone, tuple(words for _, words in found)) for host, found in by_host]
    return Diagnosis(
        f"server {observed.project}/{observed.name}",
        observed.status,
        cause,
        verdict,
        hint,
        tuple(table) if placing else (),
        () if cause in ("none", "building") else tuple(_facts(observed)),
        observed.quotas,
        observed.request_id,
    )


def _cause(observed: ServerObservation, by_host: Sequence[tuple[Host, list[Reason]]]) -> _Answer:
    name = f"server '{observed.name}'"
    if observed.status == "BUILD":
        return _building(observed, name)
    if observed.status != "ERROR":
        where = f" on the host '{observed.host}'" if observed.host else ""
        return "none", f"{name} is {observed.status}{where}: nothing stands in its way", ""
    if _NO_HOST.search(observed.fault) or (not observed.fault and not observed.host):
        return _no_host(observed, name, by_host)
    if _RETRIED.search(observed.fault):
        if by_host and all(found for _, found in by_host):
            return _no_host(observed, name, by_host)
        reason = f": {observed.records.errors[0]}" if observed.records.errors else ""
        return (
            "failed",
            f"{name} failed on every host it was tried on{reason}",
            f"onestack logs nova; {_AGAIN}",
        )
    if _QUOTA.search(observed.fault):
        full = ", ".join(f"{one.name} ({one.used} of {one.limit})" for one in observed.quotas if one.full)
        reason = f"the project '{observed.project}' has used up its {full}" if full else observed.fault
        return "quota", f"{name} was refused by a quota: {reason}", f"openstack quota show {observed.project}"
    failed = [port.id for port in observed.ports if port.binding == _FAILED_BINDING]
    at = f" on the host '{observed.host}'" if observed.host else ""
    if failed or _BINDING.search(observed.fault):
        which = f"port {failed[0]}" if failed else "a port"
        hint = "onestack status (is the host's OVN agent alive?); onestack logs neutron"
        return "port", f"{name} failed because Neutron could not bind {which}{at}", hint
    fault = observed.fault.strip().rstrip(".") or "Nova recorded no reason"
    hint = (
        f"onestack logs nova has more under {observed.request_id}"
        if observed.request_id
        else "onestack logs nova"
    )
    return "failed", f"{name} failed{at}: {fault}", hint


def _building(observed: ServerObservation, name: str) -> _Answer:
    if observed.services_down:
        down = " and ".join(observed.services_down)
        return "service", f"{name} waits: {down} does not answer", "onestack status; onestack logs nova"
    if not observed.host:
        return "building", f"{name} has waited for a host for {observed.age:.0f} s", "onestack logs nova"
    on = next((host for host in observed.hosts if host.name == observed.host), None)
    if on is not None and not on.up:
        verdict = f"{name} is being built on the host '{observed.host}', whose compute service is down"
        return "down", verdict, _HINTS["down"]
    failed = [port.id for port in observed.ports if port.binding == _FAILED_BINDING]
    if failed:
        verdict = (
            f"{name} waits for a port that Neutron could not bind on the host '{observed.host}': {failed[0]}"
        )
        return "port", verdict, "onestack status; onestack logs neutron"
    waiting = [port.id for port in observed.ports if port.status != "ACTIVE"]
    task = f" ({observed.task})" if observed.task else ""
    more = f", and its port {waiting[0]} is not up yet" if waiting else ""
    verdict = f"{name} is being built on the host '{observed.host}'{task} since {observed.age:.0f} s{more}"
    return "building", verdict, "onestack logs nova"


def _no_host(observed: ServerObservation, name: str, by_host: Sequence[tuple[Host, list[Reason]]]) -> _Answer:
    if not by_host:
        return "no hosts", f"no host can take {name}: this cloud has no compute host", "onestack status"
    could = [host.name for host, found in by_host if not found]
    if could:
        named = ", ".join(could[:_NAMED]) + (
            f" and {len(could) - _NAMED} more" if len(could) > _NAMED else ""
        )
        when = f" at {observed.failed_at}" if observed.failed_at else ""
        return (
            "passed",
            f"{name} found no host{when}: {_when_scheduled(observed)}; now {named} could take it",
            _AGAIN,
        )
    firsts = Counter(found[0][0] for _, found in by_host)
    cause = firsts.most_common(1)[0][0].partition(" ")[0]
    if len(by_host) == 1:
        host, found = by_host[0]
        reasons = f"on the only one, '{host.name}', {'; '.join(words for _, words in found)}"
    else:
        reasons = f"of {len(by_host)}, " + ", ".join(
            f"{many} {_family(one)}" for one, many in firsts.most_common()
        )
    return cause, f"no host can take {name}: {reasons}", _HINTS.get(cause, "")


def _family(family: str) -> str:
    kind, _, resource = family.partition(" ")
    return f"without enough {hosts.unit(resource)}" if kind == "room" else _FAMILIES[kind]


def _when_scheduled(observed: ServerObservation) -> str:
    """Why there was no host at the time of scheduling, according to the scheduler's log."""
    if last := next((one.name for one in observed.records.filters if one.after == 0), ""):
        return _FILTERS.get(last, f"the scheduler's filter {last} left none")
    if observed.records.no_candidates:
        return "Placement had none with the requested resources and traits"
    return "the logs no longer have the reason"


def _facts(observed: ServerObservation) -> list[str]:
    found = []
    if amounts := [
        hosts.amount(many, one) for one, many in sorted(observed.request.resources.items()) if many
    ]:
        found.append(
            f"requested: {', '.join(amounts)}" + (f", in the zone '{observed.zone}'" if observed.zone else "")
        )
    if observed.group is not None:
        found.append(f"server group: '{observed.group.name}', policy {observed.group.policy}")
    if observed.records.no_candidates:
        found.append("Placement had no allocation candidates")
    if observed.records.filters:
        steps = (f"{one.name} {one.before} → {one.after}" for one in observed.records.filters)
        found.append(f"the scheduler's filters: {', '.join(steps)}")
    if observed.fault:
        found.append(f"Nova says: {observed.fault.strip()}")
    return [*found, *(f"log: {error}" for error in observed.records.errors)]
