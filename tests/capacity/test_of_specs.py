"""From specs to demands and hosts, from numbers to a first spec, and the commands for both."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from onestack import capacity, spec
from onestack.capacity import Inventory
from onestack.capacity.from_spec import demands, wishes
from onestack.capacity.starter import Wanted, text
from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.core.errors import BadInput
from onestack.host import hardware
from onestack.platform.inventories import inventory

ROOT = Path(__file__).parents[2]


def test_servers_become_demands() -> None:
    found = demands(
        spec.loads("""\
flavors: [{name: big, vcpus: 4, ram: 8192, disk: 20, ephemeral: 5, swap: 1500}]
tenants:
  - name: shop
    volumes: [{name: system, size: 10, image: tiny}]
    server_groups: [{name: apart}]
    servers:
      - {name: web, count: 2, image: tiny, flavor: m1.nano, server_group: apart}
      - {name: db, image: tiny, flavor: big, zone: east, host: node-1}
      - {name: log, boot_volume: system, flavor: big}
""")
    )
    assert [each.name for each in found] == ["web-1", "web-2", "db", "log"]
    assert [each.amount for each in found] == [(1, 128, 1), (1, 128, 1), (4, 8192, 27), (4, 8192, 7)]
    assert [(each.group, each.policy) for each in found[:2]] == [("apart", "anti-affinity")] * 2
    assert (found[2].zone, found[2].host) == ("east", "node-1")


def test_scaling_groups_count_at_their_largest() -> None:
    group = "{name: web, max: 7, server: {image: tiny, flavor: m1.nano, network: n}, spread: {anti_affinity: SPREAD}}"
    head = "tenants: [{name: shop, networks: [{name: n}], scaling_groups: ["
    for spread, policy in (("none", None), ("soft", "soft-anti-affinity"), ("hard", "anti-affinity")):
        (found,) = demands(spec.loads(f"{head}{group.replace('SPREAD', spread)}]}}]"))
        assert (found.count, found.amount, found.policy) == (7, (1, 128, 1), policy)
    four = [capacity.Host(f"h{n}", (Inventory(8), Inventory(8192), Inventory(100))) for n in range(4)]
    found_hard = capacity.check(spec.loads(f"{head}{group.replace('SPREAD', 'hard')}]}}]"), four)
    assert "the 7 servers of shop/scaling group web must be on different hosts" in found_hard.why_not()


def test_pretended_hosts_are_as_large_as_the_driver_says() -> None:
    hosts = capacity.fake_hosts(
        spec.loads("platform: {compute: {driver: fake, hosts: 3, cpu_allocation_ratio: 2.0}}")
    )
    assert [host.name for host in hosts] == ["fake-1", "fake-2", "fake-3"]
    assert hosts[0].capacity == (128, 262144 - 512, 10000)


def test_hosts_are_in_the_zones_of_their_aggregates() -> None:
    found = spec.loads("aggregates: [{name: a, zone: east, hosts: [node-1]}, {name: b, hosts: [node-2]}]")
    assert [capacity.host(found, name, (8, 8192, 100)).zone for name in ("node-1", "node-2")] == ["east", ""]


@pytest.mark.parametrize("tenants", [1, 5])
@pytest.mark.parametrize("servers", [1, 7, 20])
@pytest.mark.parametrize("redundancy", [1, 2, 3, 30])
def test_a_first_spec_says_what_was_asked(tenants: int, servers: int, redundancy: int) -> None:
    found = spec.loads(text(Wanted(tenants, servers, 50, redundancy)))
    asked = demands(found)
    assert {tenant.name: len(tenant.servers) for tenant in found.tenants} == {
        f"tenant-{n}": servers for n in range(1, tenants + 1)
    }
    copies = min(redundancy, servers)
    sizes = [sum(d.group == group.name for d in asked) / tenants for group in found.tenants[0].server_groups]
    assert sizes == [] if copies == 1 else max(sizes) == copies and sum(sizes) == servers
    assert wishes(found).redundancy == redundancy
    assert 0.99 < (wishes(found).host or 0) < 1


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(words))
    return result.exit_code, result.output


def test_init_and_capacity_answer_the_classic_case(tmp_path: Path) -> None:
    status, made = run("init", "--tenants", "5", "--servers", "20", "--hosts", "50", "--redundancy", "2")
    assert status == 0
    assert "L = C/N = 2 servers" in made
    file, picture = tmp_path / "cloud.yaml", tmp_path / "cloud.svg"
    file.write_text(made)
    root = str(tmp_path / "root")
    status, said = run("capacity", str(file), "--json", "--picture", str(picture), "--root", root)
    found = json.loads(said)
    assert (status, found["ok"], found["hosts_from"]) == (0, True, "the fake driver's hosts")
    assert {name: found["classic"][name] for name in "CNLRH"} == {"C": 100, "N": 50, "L": 2, "R": 2, "H": 50}
    assert ET.parse(picture).getroot().tag.endswith("svg")
    status, said = run("capacity", str(file), "--hosts", "3", "--like", "16,16384,200", "--root", root)
    assert status == 1
    assert "51 200 MiB of MEMORY_MB are requested; the hosts have 47 616 MiB" in said
    assert "5 hosts like host-1 are enough, 1 of them in reserve, and no fewer" in said
    assert run("capacity", str(file), "--like", "16,big,200")[0] != 0


def test_capacity_of_a_spec_for_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(text(Wanted(servers=1)))
    found = json.loads(run("capacity", str(file), "--json", "--root", str(tmp_path / "root"))[1])
    cpus, memory, disk = hardware.size(tmp_path / "not" / "yet")
    assert found["hosts_from"] == "this machine"
    assert found["room"] == {"VCPU": cpus * 4, "MEMORY_MB": memory - 512, "DISK_GB": disk}
    assert disk == shutil.disk_usage(tmp_path).total // 2**30


def test_placements_answer_is_understood() -> None:
    said = {
        "VCPU": {
            "total": 8,
            "reserved": 1,
            "allocation_ratio": 4.0,
            "max_unit": 8,
            "min_unit": 1,
            "step_size": 1,
        }
    }
    found = inventory("VCPU", said, [{"VCPU": 3, "MEMORY_MB": 64}, {"VCPU": 1}])
    assert (found.capacity, found.largest) == (24, 8)
    assert inventory("DISK_GB", said, []) == Inventory(0)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("availability:\n  tolerate: -1\n", 2, "from 0 to 100"),
        ("availability:\n  mtbf: 180d\n", 2, "'mtbf' without 'mttr'"),
        ("availability:\n  host: 0.99\n", 2, "a percentage from 0% to 100%"),
        ("availability:\n  host: 101%\n", 2, "'101%' is not a percentage"),
        (
            "availability:\n  host: 99%\n  mtbf: 1d\n  mttr: 1h\n",
            2,
            "'host' follows from 'mtbf' and 'mttr'",
        ),
        ("availability:\n  mtbf: 0s\n  mttr: 1h\n", 2, "always fails"),
        ("availability:\n  mtbf: 180\n  mttr: 1h\n", 2, "did you mean '180s'?"),
    ],
)
def test_wrong_wishes_are_refused_with_their_line(text: str, line: int, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        spec.loads(text, "cloud.yaml")
    assert f"cloud.yaml:{line}" in caught.value.detail
    assert says in caught.value.detail


def test_quantities_survive_being_written() -> None:
    once = spec.loads("availability: {tolerate: 2, mtbf: 1.5d, mttr: 90m}")
    assert once.availability.mttr == 5400
    assert once.availability.of_host == pytest.approx(129600 / 135000)
    assert spec.loads(once.model_dump_json()) == once
    assert spec.loads("availability: {host: 99.95%}").availability.of_host == pytest.approx(0.9995)
