"""Removal in an order that OpenStack allows, where a guest or a host would else stand in the way."""

from __future__ import annotations

import pytest
from model_cloud import ModelCloud

from onestack import spec
from onestack.workloads import apply
from onestack.workloads.kind.discovery import kinds
from onestack.workloads.kind.session import Index
from onestack.workloads.plan import Address, Observed, make, steps
from onestack.workloads.wanted import wanted

SPEC = """\
name: placed
aggregates: [{name: rack, zone: east, hosts: [one]}]
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    networks: [{name: net, subnets: [{cidr: 10.1.0.0/24}]}]
    servers:
      - {name: web, image: tiny, flavor: m1.nano, zone: east, networks: [{network: net}], volumes: [data]}
"""

SERVER, RACK = Address("server", ("shop", "web")), Address("aggregate", ("rack",))
VOLUME = Address("volume", ("shop", "data"))


def needs_of(name: str, prune: bool) -> tuple[str, ...]:
    cloud = ModelCloud("placed")
    wants = wanted(spec.loads(SPEC, "x"))
    if prune:
        assert apply.run(make(wants, cloud.observe(()), kinds(), owner="placed"), cloud).ok
    plan = make(() if prune else wants, cloud.observe(()), kinds(), owner="placed", prune=prune)
    return next(one.needs for one in steps(plan, kinds()) if one.name == name)


def test_a_servers_zone_is_made_before_it_and_removed_after_it() -> None:
    assert f"make {RACK}" in needs_of(f"make {SERVER}", prune=False)
    assert f"remove {SERVER}" in needs_of(f"remove {RACK}", prune=True)


def test_the_zone_that_nova_tells_of_a_server_is_its_aggregate() -> None:
    index = Index()
    for number, zone in enumerate(("west", "east")):
        raw = {
            "id": str(number),
            "name": f"rack-{zone}",
            "availability_zone": zone,
            "hosts": [],
            "metadata": {},
        }
        there = kinds()["aggregate"].observe(raw, index)
        assert there is not None
        index.add("aggregate", there)
    told = {
        "id": "s", "name": "web", "metadata": {}, "status": "ACTIVE", "image": None, "key_name": None,
        "flavor": {"original_name": "m1.nano"}, "ports": [], "OS-EXT-AZ:availability_zone": "east",
    }  # fmt: skip
    server = kinds()["server"].observe(told, index)
    assert isinstance(server, Observed)
    assert server.needs == (Address("aggregate", ("rack-east",)),)


def test_a_volume_goes_with_its_server_and_is_removed_after_it() -> None:
    """A guest that does not answer never lets its volume go; deleted, it does."""
    needs = needs_of(f"remove {VOLUME}", prune=True)
    assert f"remove {SERVER}" in needs
    with pytest.raises(StopIteration):
        needs_of("remove volume attachment shop/web/data", prune=True)


def test_what_is_taken_over_loses_at_once_what_the_spec_does_not_give_it() -> None:
    text = "name: placed\ntenants: [{name: shop, security_groups: [{name: web, egress: false}]}]\n"
    cloud = ModelCloud("placed")
    tenant, group = Address("tenant", ("shop",)), Address("security group", ("shop", "web"))
    rule = Address("security group rule", (*group.path, "ingress tcp 22"))
    for number, (address, needs) in enumerate([(tenant, ()), (group, (tenant,)), (rule, (group,))]):
        cloud.there[address] = Observed(address, f"by-hand-{number}", {}, None, needs)
    plan = make(wanted(spec.loads(text, "x")), cloud.observe(()), kinds(), owner="placed", adopt=True)
    assert {(one.action, one.address) for one in plan.changes} == {
        ("update", tenant),
        ("update", group),
        ("delete", rule),
    }
