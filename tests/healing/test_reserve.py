"""Whether the guests of lost hosts fit on the others, of a spec and of what runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestack import capacity
from onestack.capacity import Host, Inventory, reserve
from onestack.capacity.from_spec import demands
from onestack.capacity.model import Server, servers
from onestack.capacity.pack import pack
from onestack.cli.healing import _held
from onestack.core.errors import BadInput
from onestack.health.healing.evacuation import Guest
from onestack.health.healing.room import amount, placed
from onestack.spec import Spec, loads
from onestack.workloads.operations import require_reserve

EXAMPLE = (Path(__file__).parents[2] / "examples/hosts.yaml").read_text()


def spec(servers: str, number: int = 1, more: str = "") -> Spec:
    head = f"platform: {{healing: {{hosts: evacuate, reserve: {number}}}{more}}}\n"
    return loads(f"{EXAMPLE}{head}tenants: [{{name: shop, servers: [{servers}]}}]\n", "cloud.yaml")


def hosts(memory: int = 1024, number: int = 3) -> list[Host]:
    return [
        Host(name, (Inventory(64), Inventory(memory), Inventory(100))) for name in ("c1", "n1", "n2")[:number]
    ]


def checked(wanted: Spec, there: list[Host]) -> reserve.Reserve:
    placement = pack(there, servers(demands(wanted)))
    assert placement is not None
    return reserve.of_spec(wanted, there, placement)


def guests(count: int, wish: str = "evacuate") -> str:
    healing = f", healing: {wish}" if wish else ""
    return f"{{name: web, count: {count}, image: tiny, flavor: m1.nano{healing}}}"


def test_two_thirds_of_the_room_survive_the_loss_of_one_of_three() -> None:
    # 8 guests of 128 MiB fit on each host.
    assert checked(spec(guests(16)), hosts()).holds
    found = checked(spec(guests(17)), hosts())
    assert not found.holds
    assert found.guests == 6 and found.moved[1] == 768 and found.free[1] == 640
    assert "after the loss of" in found.why_not()
    assert not checked(spec(guests(9), 2), hosts()).holds


def test_a_spec_whose_reserve_does_not_hold_is_refused_with_the_report() -> None:
    wanted, there = spec(guests(17)), hosts()
    placement = pack(there, servers(demands(wanted)))
    assert placement is not None
    with pytest.raises(BadInput, match="the reserve of 1 host does not hold") as raised:
        require_reserve(wanted, there, placement)
    assert "MEMORY_MB: 768 MiB needed, 640 MiB free" in str(raised.value.detail)
    assert "platform.healing.reserve" in str(raised.value.hint)
    few = spec(guests(16))
    fitting = pack(there, servers(demands(few)))
    assert fitting is not None
    require_reserve(few, there, fitting)


@pytest.mark.parametrize("wish", ["", "leave", "restart"])
def test_guests_that_are_not_moved_need_no_reserve(wish: str) -> None:
    found = checked(spec(guests(24, wish)), hosts())
    assert (found.holds, found.guests) == (True, 0)


def test_in_ceph_all_move_but_those_that_say_otherwise() -> None:
    disks = "hosts:\n" + "".join(
        f"  - {{name: {n}, address: {a}, roles: [{r}], disks: [/dev/vdb]}}\n"
        for n, a, r in (
            ("c1", "10.77.0.11", "control, network, compute, storage"),
            ("n1", "10.77.0.21", "compute, storage"),
            ("n2", "10.77.0.22", "compute, storage"),
        )
    )
    platform = "platform: {storage: {ceph: managed}, healing: {hosts: evacuate, reserve: 1}}\n"
    text = f"name: x\n{disks}{platform}tenants: [{{name: shop, servers: [{guests(17, '')}]}}]\n"
    assert not checked(loads(text, "x"), hosts()).holds
    assert checked(
        loads(text.replace("flavor: m1.nano", "flavor: m1.nano, healing: leave"), "x"), hosts()
    ).holds


def test_a_guest_that_names_its_host_is_moved_from_there_all_the_same() -> None:
    one = "{name: web, image: tiny, flavor: m1.nano, healing: evacuate, host: n1}"
    found = checked(spec(one), hosts())
    assert (found.holds, found.loss.way) == (True, "evacuation")


def test_anti_affinity_needs_a_host_for_each() -> None:
    three = "{name: web, count: 3, image: tiny, flavor: m1.nano, healing: evacuate, server_group: apart}"
    text = spec(guests(1))
    apart = loads(
        f"{EXAMPLE}platform: {{healing: {{hosts: evacuate, reserve: 1}}}}\n"
        f"tenants: [{{name: shop, server_groups: [{{name: apart}}], servers: [{three}]}}]\n",
        "x",
    )
    assert checked(text, hosts()).holds
    assert not checked(apart, hosts()).holds


@given(st.lists(st.sampled_from([128, 256, 512]), min_size=1, max_size=9), st.integers(1, 2))
def test_what_holds_has_room_in_every_case(sizes: list[int], number: int) -> None:
    there = hosts(2048)
    wanted = [Server("shop", f"s{n}", (1, size, 1)) for n, size in enumerate(sizes)]
    placement = pack(there, wanted)
    assert placement is not None
    if reserve.worst(there, placement, number).holds:
        assert sum(sizes) <= (3 - number) * 2048


def server(name: str, host: str, **more: Any) -> tuple[Any, Guest]:
    flavor = SimpleNamespace(vcpus=1, ram=128, disk=1, ephemeral=0, swap=0)
    plain = {"id": name, "name": name, "project_id": "p", "compute_host": host, "flavor": flavor}
    stays = str(more.pop("stays", ""))
    found = SimpleNamespace(**{**plain, "image": {"id": "i"}, **more})
    return found, Guest(name, name, 0, stays)


def test_what_runs_is_counted_where_it_is() -> None:
    groups = [SimpleNamespace(id="g", policy="anti-affinity", member_ids=["a", "b"])]
    found = placed(
        [server("a", "n1"), server("b", "n2"), server("c", "n1", stays="it is PAUSED"), server("d", "")],
        groups,
        ["n2"],
    )
    assert {host: [(each.name, each.stays) for each in content] for host, content in found.items()} == {
        "n1": [("a", False), ("c", True)],
        "n2": [("b", True)],
    }
    assert found["n1"][0].apart
    assert found["n1"][0].group == found["n2"][0].group


def test_a_server_that_boots_from_a_volume_takes_no_root_disk() -> None:
    flavor = SimpleNamespace(vcpus=2, ram=512, disk=5, ephemeral=1, swap=100)
    assert amount(SimpleNamespace(flavor=flavor, image={"id": "i"})) == (2, 512, 7)
    assert amount(SimpleNamespace(flavor=flavor, image=None)) == (2, 512, 2)


@pytest.mark.parametrize(
    ("holds", "words"),
    [(True, "reserve of 1 host: holds"), (False, "does not hold"), (None, "not known")],
)
def test_status_says_whether_it_holds(holds: bool | None, words: str) -> None:
    assert words in _held({"hosts": 1, "holds": holds, "why": "for a reason"})


def test_the_capacity_report_does_not_change_with_it() -> None:
    with_reserve, without = spec(guests(17)), spec(guests(17), 0)
    one, two = (capacity.check(each, hosts()).as_dict() for each in (with_reserve, without))
    assert one == two
