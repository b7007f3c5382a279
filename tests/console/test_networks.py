"""The picture of tenants' networks: what is drawn, and that nothing lies upon anything else."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from onestack.console import networks
from onestack.observe import topology
from onestack.observe.topology import Network, Router, Station, Topology

OUTPUT = """\
network\t["n1", "back", "shop", 0, "10.0.0.0/24"]
network\t["n2", "public", "admin", 1, ""]
network\t["n3", "other", "lab", 0, ""]
router\t["r1", "edge", "shop", "ACTIVE", "n2", "172.24.4.2"]
joined\t["r1", "n1"]
joined\t["r1", "n1"]
server\t["s1", "web", "shop", "ACTIVE", "n1", "10.0.0.5", ""]
server\t["s1", "web", "shop", "ACTIVE", "n3", "10.1.0.5", "172.24.4.9"]
balancer\t["b1", "front", "shop", "ERROR", "n1", "10.0.0.9", ""]
"""
SVG = "{http://www.w3.org/2000/svg}"


def test_ports_of_a_server_are_one_station() -> None:
    found = topology.parse(OUTPUT)
    assert found.routers == [Router("r1", "edge", "shop", "ACTIVE", "n2", "172.24.4.2", ("n1",))]
    assert found.stations == [
        Station("server", "s1", "web", "shop", "ACTIVE", "n1", "10.0.0.5", "172.24.4.9", ("n3",)),
        Station("balancer", "b1", "front", "shop", "ERROR", "n1", "10.0.0.9", ""),
    ]
    assert found.tenants == ["admin", "lab", "shop"]
    assert [each.name for each in found.of("shop").networks] == ["back", "public", "other"]
    assert [each.name for each in found.of("lab").networks] == ["other"]


def test_a_page_shows_the_first_tenant_with_a_router_unless_one_is_named() -> None:
    found = topology.parse(OUTPUT)
    said = networks.shown(found)
    assert (said["tenant"], said["zoom"]) == ("shop", "100")
    rows = {each["name"]: each for each in said["rows"]}
    assert rows["back"]["routers"] == rows["public"]["routers"] == ["edge"]
    assert [each["name"] for each in rows["other"]["stations"]] == ["web"]
    assert networks.shown(found, "lab", "200")["zoom"] == "200"
    assert networks.shown(found, "nobody", "9999")["tenant"] == "shop"
    assert networks.shown(Topology())["tenants"] == []


def drawn(found: Topology) -> ET.Element:
    return ET.fromstring(networks.draw(found, "all"))


def boxes(root: ET.Element) -> list[tuple[float, float]]:
    return [
        (float(each.get("x", 0)), float(each.get("y", 0)))
        for each in root.iter(f"{SVG}rect")
        if each.get("height") == f"{networks.HIGH:g}"
    ]


@pytest.mark.parametrize("servers", [0, 1, 6, 24, 500])
def test_no_box_lies_on_another_or_outside(servers: int) -> None:
    stations = [
        Station("server", f"s{number}", f"s{number}", "t", "ACTIVE", f"n{number % 3}", "", "", ("n2",))
        for number in range(servers)
    ]
    nets = [Network(f"n{number}", f"n{number}", "t", number == 0, "") for number in range(3)]
    routers = [Router(f"r{number}", "", "t", "DOWN", "n0", "", ("n1", "n2")) for number in range(9)]
    root = drawn(Topology(nets, routers, stations))
    placed = boxes(root)
    assert len(placed) == 9 + sum(min(len(range(part, servers, 3)), networks.SHOWN) for part in range(3))
    assert len(set(placed)) == len(placed)
    height = float(root.get("height", 0))
    assert all(
        0 <= x <= networks.WIDTH - networks.BOX and 0 <= y <= height - networks.HIGH for x, y in placed
    )
    columns = sorted({x for x, _ in placed})
    assert all(after - before >= networks.BOX for before, after in pairwise(columns))
    said = [each.text for each in root.iter(f"{SVG}text")]
    assert (f"and {-(-servers // 3) - networks.SHOWN} more" in said) == (servers > 3 * networks.SHOWN)


def test_what_is_in_trouble_says_so() -> None:
    texts = [each.text for each in drawn(topology.parse(OUTPUT)).iter(f"{SVG}text")]
    assert "ERROR" in texts
    assert "front" in texts
    assert "10.0.0.5, 172.24.4.9" in texts
