"""What hosts have given away, from rows as the databases answer them."""

from __future__ import annotations

from onestack.observe.capacity import parse

ROWS = """\
n1	["VCPU", 8, 0, 4.0, 5]
n1	["MEMORY_MB", 16000, 1000, 1.0, 4000]
n2	["DISK_GB", 100, 0, 1.0, 120]
tenants	["shop", 3]
tenants	["lab", 1]
"""


def test_room_is_what_placements_formula_lets_be_given() -> None:
    found = {(each.host, each.resource): (each.room, each.used, each.free) for each in parse(ROWS).resources}
    assert found == {
        ("n1", "VCPU"): (32, 5, 27),
        ("n1", "MEMORY_MB"): (15000, 4000, 11000),
        ("n2", "DISK_GB"): (100, 120, 0),
    }


def test_figures_are_of_the_servers_that_exist() -> None:
    figures = parse(ROWS, redundancy=2).figures
    assert (figures.tenants, figures.nodes, figures.hosts, figures.load, figures.sets) == (
        {"shop": 3, "lab": 1},
        4,
        2,
        2.0,
        2.0,
    )


def test_a_cloud_without_hosts_has_no_load() -> None:
    assert parse("").as_dict()["figures"]["L"] is None
