"""The analysis on cases whose answer is known by hand."""

from __future__ import annotations

import json

import pytest

from onestack.capacity import Demand, Host, Inventory, Wishes, analyse
from onestack.capacity.availability import k_of_n, of_host
from onestack.capacity.classic import classic

SMALL = (1, 512, 5)


def host(name: str, vcpus: int = 8, memory: int = 16384, disk: int = 100, **more: object) -> Host:
    cpu = Inventory(vcpus, allocation_ratio=float(str(more.get("cpu_ratio", 1.0))))
    return Host(name, (cpu, Inventory(memory), Inventory(disk)), str(more.get("zone", "")))


def hosts(number: int, **size: int) -> list[Host]:
    return [host(f"node-{n}", **size) for n in range(1, number + 1)]


def five_tenants() -> list[Demand]:
    return [
        Demand(f"t{t}", f"pair-{p}", SMALL, 2, f"p{p}", "anti-affinity") for t in range(5) for p in range(10)
    ]


def test_the_classic_case() -> None:
    found = classic(five_tenants(), hosts=50, redundancy=2)
    assert found.tenants == {f"t{t}": 20 for t in range(5)}
    assert (found.nodes, found.load, found.sets) == (100, 2, 50)


def test_the_classic_case_is_placed_evenly_and_survives_a_host() -> None:
    report = analyse(hosts(50), five_tenants(), Wishes(tolerate=1, redundancy=2, host=0.99))
    assert report.ok
    assert report.placement is not None
    assert {len(content) for content in report.placement.values()} == {2}
    assert report.loss is not None
    assert (report.loss.way, report.loss.complete, report.loss.sets) == ("evacuation", True, 50)


def test_each_limit_says_how_many_hosts_it_needs() -> None:
    report = analyse(hosts(50), five_tenants())
    assert report.enough is not None
    # 100 vCPUs on 8, 51200 MiB on 16384, 500 GiB on 100, pairs apart.
    assert report.enough.needs == {"VCPU": 13, "MEMORY_MB": 4, "DISK_GB": 5, "anti-affinity": 2}
    assert report.enough.binds == "VCPU"
    assert report.enough.at_least == report.enough.found == 13


def test_what_is_lost_beside_large_pieces_counts() -> None:
    report = analyse(hosts(5, memory=1000), [Demand("a", "big", (1, 600, 1), 6)])
    assert report.verdict == "cannot fit"
    assert "6 request 600 MiB of MEMORY_MB or more each; the hosts have room for 5" in report.why_not()
    assert report.enough is not None
    assert report.enough.found == 6


@pytest.mark.parametrize(
    ("demand", "binds", "says"),
    [
        (Demand("a", "s", (9, 1, 1)), "VCPU", "a/s requests 9 of VCPU"),
        (Demand("a", "s", (1, 512, 1), 100), "MEMORY_MB", "51 200 MiB of MEMORY_MB are requested"),
        (Demand("a", "s", (1, 1, 60), 4), "DISK_GB", "4 request 60 GiB"),
        (Demand("a", "s", (1, 1, 1), 4, "g", "anti-affinity"), "anti-affinity", "on different hosts; 3 can"),
        (Demand("a", "s", (3, 1, 1), 3, "g", "affinity"), "VCPU", "the affinity group a/g requests 9"),
        (Demand("a", "s", (1, 1, 1), zone="z"), "zone", "the zone z, which has no host"),
    ],
)
def test_what_cannot_fit_says_why(demand: Demand, binds: str, says: str) -> None:
    report = analyse(hosts(3), [demand])
    assert report.verdict == "cannot fit"
    assert not report.ok
    assert any(reason.binds == binds and says in reason.words for reason in report.reasons)


def test_allocation_ratios_do_not_help_a_single_server() -> None:
    """Placement's max_unit is the real number: 4 vCPUs of one server do not share 2."""
    two = [host("h", vcpus=2, cpu_ratio=4.0)]
    assert analyse(two, [Demand("a", "s", (2, 1, 1), 4)]).verdict == "fits"
    assert "no host gives one server more than 2" in analyse(two, [Demand("a", "s", (3, 1, 1))]).why_not()


def test_evacuation_migration_and_neither_are_told_apart() -> None:
    plenty = analyse(hosts(3), [Demand("a", "s", (2, 1, 1), 6)], Wishes(tolerate=1))
    assert plenty.loss is not None
    assert plenty.loss.way == "evacuation"
    # Two hosts with 4 of 8 free each: the 8 of a lost one have room only after moving others.
    tight = [Demand("a", "big", (8, 1, 1)), Demand("a", "half", (4, 1, 1), 2)]
    moved = analyse(hosts(3), tight, Wishes(tolerate=1))
    assert moved.loss is not None
    assert moved.loss.way == "migration"
    none = analyse(hosts(3), [Demand("a", "s", (8, 1, 1), 3)], Wishes(tolerate=1))
    assert none.verdict == "fits"
    assert not none.ok
    assert "after the loss of node-" in none.why_not()


def test_the_loss_of_all_hosts_is_survived_by_nothing() -> None:
    report = analyse(hosts(1), [Demand("a", "s", SMALL)], Wishes(tolerate=1))
    assert "no host is left" in report.why_not()


def test_availability() -> None:
    assert of_host(mtbf=2000, mttr=4) == pytest.approx(0.998, abs=1e-4)
    assert k_of_n(1, 2, 0.99) == pytest.approx(0.9999)
    assert k_of_n(2, 3, 0.9) == pytest.approx(0.972)
    report = analyse(hosts(14), five_tenants(), Wishes(tolerate=1, redundancy=2, host=0.99))
    assert report.availability is not None
    assert report.availability.needed == 13
    assert report.availability.all_served == pytest.approx(k_of_n(13, 14, 0.99))
    assert report.availability.one_of_copies == pytest.approx(0.9999)


def test_nothing_asked_for_fits_anywhere() -> None:
    report = analyse([], [])
    assert report.ok
    assert report.classic.load == float("inf")
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False))["version"] == 1


def test_as_json() -> None:
    found = json.loads(
        json.dumps(analyse(hosts(50), five_tenants(), Wishes(1, 2, 0.99)).as_dict(), allow_nan=False)
    )
    assert found["classic"] == {
        "M": {f"t{t}": 20 for t in range(5)}, "C": 100, "N": 50, "L": 2.0, "R": 2, "H": 50.0,
    }  # fmt: skip
    assert found["asked"] == {"VCPU": 100, "MEMORY_MB": 51200, "DISK_GB": 500}
    assert found["share"]["VCPU"] == 0.25
    assert sum(len(content) for content in found["placement"].values()) == 100
