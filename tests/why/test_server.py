"""Why a server has no host, by what was read of it and of the hosts: a verdict first, each host with its reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.capacity import Inventory
from onestack.health.why import ServerObservation, diagnose
from onestack.health.why.model import Filter, Group, Host, Port, Quota, Records, Request

ROOM = {
    "VCPU": Inventory(2, 0, 4.0, 3, 2),
    "MEMORY_MB": Inventory(4096, 512, 1.0, 1024, 4096),
    "DISK_GB": Inventory(50, 0, 1.0, 3, 50),
}
ONE = Host("one", inventories=ROOM, provider="p1")
SMALL = Request(
    {"VCPU": 1, "MEMORY_MB": 128, "DISK_GB": 1}, frozenset(), frozenset({"COMPUTE_STATUS_DISABLED"})
)
LOST = ServerObservation(
    id="1",
    name="web",
    project="shop",
    status="ERROR",
    fault="No valid host was found. ",
    failed_at="2026-11-27T15:44:14Z",
    request=SMALL,
    hosts=(ONE,),
)


def asked(**amounts: int) -> Request:
    return replace(SMALL, resources={**SMALL.resources, **amounts})


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (
            replace(LOST, request=asked(VCPU=3)),
            "room",
            "3 vCPUs requested, 2 at most for one server",
        ),
        (
            replace(LOST, request=asked(MEMORY_MB=3000)),
            "room",
            "3000 MiB of memory requested, 2560 of 3584 free",
        ),
        (
            replace(LOST, hosts=(replace(ONE, inventories={}),)),
            "room",
            "it has no vCPUs; it has no MiB of memory; it has no GiB of disk",
        ),
        (
            replace(LOST, hosts=(replace(ONE, enabled=False, disabled_reason="new disk"),)),
            "disabled",
            "its compute service is disabled (new disk)",
        ),
        (replace(LOST, hosts=(replace(ONE, up=False),)), "down", "its compute service is down"),
        (replace(LOST, hosts=(replace(ONE, up=False, forced_down=True),)), "down", "it was forced down"),
        (replace(LOST, zone="east"), "zone", "it is in the zone 'nova', the server was requested in 'east'"),
        (
            replace(LOST, request=replace(SMALL, required=frozenset({"HW_CPU_X86_AVX"}))),
            "trait",
            "it lacks the trait HW_CPU_X86_AVX",
        ),
        (
            replace(LOST, hosts=(replace(ONE, traits=frozenset({"COMPUTE_STATUS_DISABLED"})),)),
            "disabled",
            "Placement still lists it as disabled",
        ),
        (replace(LOST, request=replace(SMALL, provider="p2")), "host", "requested on another host"),
        (
            replace(LOST, group=Group("apart", "anti-affinity", {"one": ("web-1",)})),
            "anti-affinity",
            "another member of the server group 'apart' runs on it: web-1",
        ),
        (
            replace(LOST, group=Group("near", "affinity", {"two": ("web-1",)})),
            "affinity",
            "the server group 'near' runs on two",
        ),
    ],
)
def test_what_keeps_it_from_the_only_host(seen: ServerObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok) == (cause, False)
    assert found.verdict.startswith("no host can take server 'web': on the only one, 'one', ")
    assert words in found.verdict
    assert words in "; ".join(found.hosts[0].reasons)
    assert found.hint


def test_a_group_that_allows_two_on_a_host_or_is_soft_is_in_nobodys_way() -> None:
    two = Group("apart", "anti-affinity", {"one": ("web-1",)}, max_per_host=2)
    soft = Group("apart", "soft-anti-affinity", {"one": ("web-1",)})
    assert {diagnose(replace(LOST, group=group)).cause for group in (two, soft)} == {"passed"}


def test_of_many_hosts_it_is_said_how_many_lack_what() -> None:
    hosts = (
        replace(ONE, name="a", enabled=False),
        replace(ONE, name="b", enabled=False, up=False),
        replace(ONE, name="c"),
    )
    found = diagnose(replace(LOST, hosts=hosts, request=asked(VCPU=3)))
    assert found.verdict == "no host can take server 'web': of 3, 2 disabled, 1 without enough vCPUs"
    assert found.cause == "disabled"
    assert [host.host for host in found.hosts] == ["a", "b", "c"]
    assert len(found.hosts[1].reasons) == 3


def test_what_the_scheduler_wrote_down_goes_before_what_is_in_the_way_since() -> None:
    group = Group("apart", "anti-affinity", {"one": ("web-1",)})
    filters = (Filter("ComputeFilter", 1, 1), Filter("ServerGroupAntiAffinityFilter", 1, 0))
    seen = replace(LOST, group=group, request=asked(VCPU=3), records=Records(None, False, filters))
    found = diagnose(seen)
    assert found.cause == "anti-affinity"
    assert len(found.hosts[0].reasons) == 2
    assert "the scheduler's filters: ComputeFilter 1 → 1, ServerGroupAntiAffinityFilter 1 → 0" in found.facts


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (Records(no_candidates=True), "Placement had none with the requested resources and traits"),
        (
            Records(filters=(Filter("ServerGroupAntiAffinityFilter", 1, 0),)),
            "every host had another member of its server group",
        ),
        (
            Records(filters=(Filter("NUMATopologyFilter", 1, 0),)),
            "the scheduler's filter NUMATopologyFilter left none",
        ),
        (Records(), "the logs no longer have the reason"),
    ],
)
def test_what_is_no_longer_in_the_way_is_told_from_the_records(records: Records, words: str) -> None:
    found = diagnose(replace(LOST, records=records))
    assert (
        found.verdict == f"server 'web' found no host at 2026-11-27T15:44:14Z: {words}; now one could take it"
    )
    assert "create it again" in found.hint


def test_without_hosts_that_is_the_reason() -> None:
    assert (
        diagnose(replace(LOST, hosts=())).verdict
        == "no host can take server 'web': this cloud has no compute host"
    )


def test_a_quota_is_named_with_what_is_used_up() -> None:
    quotas = (Quota("cores", 20, 20), Quota("instances", 10, 3), Quota("ram", -1, 99999))
    found = diagnose(replace(LOST, fault="Quota exceeded for cores: Requested 1", quotas=quotas))
    assert (found.cause, found.hosts) == ("quota", ())
    assert (
        found.verdict
        == "server 'web' was refused by a quota: the project 'shop' has used up its cores (20 of 20)"
    )


def test_a_port_that_could_not_be_bound_is_named() -> None:
    ports = (Port("a", "ACTIVE", "ovs"), Port("b", "DOWN", "binding_failed"))
    found = diagnose(replace(LOST, fault="Binding failed for port b", host="one", ports=ports))
    assert found.verdict == "server 'web' failed because Neutron could not bind port b on the host 'one'"


def test_any_other_fault_is_quoted_with_the_logs_lines() -> None:
    seen = replace(
        LOST,
        fault="Image is unacceptable.",
        host="one",
        request_id="req-1",
        records=Records(errors=("disk full",)),
    )
    found = diagnose(seen)
    assert found.verdict == "server 'web' failed on the host 'one': Image is unacceptable"
    assert "log: disk full" in found.facts
    assert "req-1" in found.hint


RETRIED = "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures"


def test_what_failed_on_every_host_is_judged_by_what_keeps_it_from_them_now() -> None:
    """Two members of a group at the same time: both are placed, and the host refuses the second."""
    seen = replace(LOST, fault=RETRIED, group=Group("apart", "anti-affinity", {"one": ("web-1",)}))
    assert diagnose(seen).cause == "anti-affinity"
    seen = replace(LOST, fault=RETRIED, records=Records(errors=("Failed to build: no space left",)))
    found = diagnose(seen)
    assert found.cause == "failed"
    assert "failed on every host it was tried on: Failed to build: no space left" in found.verdict


BUILDING = replace(LOST, status="BUILD", fault="", age=12.0)


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (BUILDING, "building", "has waited for a host for 12 s"),
        (
            replace(BUILDING, services_down=("nova-scheduler",)),
            "service",
            "waits: nova-scheduler does not answer",
        ),
        (
            replace(BUILDING, host="one", task="spawning"),
            "building",
            "on the host 'one' (spawning) since 12 s",
        ),
        (
            replace(BUILDING, host="one", ports=(Port("p", "DOWN", "ovs"),)),
            "building",
            "its port p is not up yet",
        ),
        (
            replace(BUILDING, host="one", ports=(Port("p", "DOWN", "binding_failed"),)),
            "port",
            "a port that Neutron could not bind on the host 'one': p",
        ),
        (
            replace(BUILDING, host="one", hosts=(replace(ONE, up=False),)),
            "down",
            "on the host 'one', whose compute service is down",
        ),
    ],
)
def test_what_a_server_that_is_being_built_waits_for(seen: ServerObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok) == (cause, cause == "building")
    assert words in found.verdict


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "VERIFY_RESIZE"])
def test_of_a_server_that_is_well_it_says_so(status: str) -> None:
    found = diagnose(replace(LOST, status=status, fault="", host="one"))
    assert found.verdict == f"server 'web' is {status} on the host 'one': nothing stands in its way"
    assert (found.ok, found.hosts, found.facts) == (True, (), ())


def test_a_volume_that_another_host_stores_is_in_the_way_there() -> None:
    fault = (
        "No valid host was found. The server uses a volume that is stored on the host one: only servers of that host "
        "can use it, and one cannot take this one."
    )
    hosts = (replace(ONE, enabled=False), replace(ONE, name="two"), replace(ONE, name="three"))
    found = diagnose(replace(LOST, fault=fault, hosts=hosts))
    assert found.verdict == "no host can take server 'web': of 3, 2 away from its volumes, 1 disabled"
    assert found.hosts[1].reasons == ("the server uses a volume that is stored on 'one'",)
