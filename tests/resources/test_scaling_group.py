"""A scaling group as plans see it: its record, less how many members it has just now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onestack import spec
from onestack.autoscaling import reading, record
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, convert
from onestack.workloads.resources.scaling_group import ScalingGroups
from onestack.workloads.wanted import wanted

TEXT = """\
name: shop
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    load_balancers: [{name: lb, network: front, pools: [{name: web, protocol: HTTP}]}]
    keypairs: [{name: key, public_key: "ssh-ed25519 AAAA me"}]
    scaling_groups:
      - name: web
        min: 2
        max: 4
        server: {image: tiny, flavor: m1.nano, network: front, keypair: key, user_data: "#!/bin/sh"}
        load_balancer: {name: lb, pool: web, port: 80}
        policies: [{type: target, metric: cpu, target: 60%}]
"""
GROUP = Address("scaling group", ("shop", "web"))


def in_spec(text: str = TEXT) -> Wanted:
    return next(one for one in wanted(spec.loads(text, "cloud.yaml")) if one.address == GROUP)


def index() -> Index:
    found = Index()
    for kind, path in (
        ("tenant", ("shop",)),
        ("network", ("shop", "front")),
        ("subnet", ("shop", "front", "front")),
        ("image", ("tiny",)),
        ("flavor", ("m1.nano",)),
        ("load balancer", ("shop", "lb")),
        ("pool", ("shop", "lb", "web")),
        ("server group", ("shop", "web")),
    ):
        found.add(kind, Observed(Address(kind, path), f"id of {kind}", owner="shop"))
    return found


def raw(one: Wanted, **more: Any) -> dict[str, Any]:
    """The record of what is wanted, as Glance gives it."""
    fields = convert(
        dict(one.fields), lambda value: f"id of {value.address.kind}" if isinstance(value, Ref) else value
    )
    parts = [{key: fields[key] for key in keys} for keys in (record.TEMPLATE, record.PLACED)]
    return {
        "id": "r1",
        "owner": "id of tenant",
        "name": "web",
        "onestack": "shop:web",
        record.KIND: record.SCALING_GROUP,
        record.DEFINITION: record.text(*parts, fields["settings"]),
        **more,
    }


def test_what_was_applied_is_what_is_wanted() -> None:
    one = in_spec()
    there = ScalingGroups().observe(raw(one), index())
    assert there is not None
    assert (there.address, there.owner) == (GROUP, "shop")
    assert json.loads(json.dumps(there.fields["settings"])) == one.fields["settings"]
    assert {key: there.fields[key] for key in one.fields} == dict(one.fields)


def test_a_record_of_an_older_version_that_says_the_same_is_as_wanted() -> None:
    """Every policy had the keys of all types once."""
    one = in_spec()
    there = raw(one)
    definition = json.loads(there[record.DEFINITION])
    others = {"query": None, "steps": [], "cron": None, "timezone": None, "min": None, "horizon": None}
    definition["settings"]["policies"] = [
        {**others, **policy} for policy in definition["settings"]["policies"]
    ]
    older = ScalingGroups().observe({**there, record.DEFINITION: json.dumps(definition)}, index())
    assert older is not None
    assert older.fields["settings"] == one.fields["settings"]
    definition["settings"]["policies"][0]["target"] = "70%"
    changed = ScalingGroups().observe({**there, record.DEFINITION: json.dumps(definition)}, index())
    assert changed is not None
    assert changed.fields["settings"] != one.fields["settings"]


def test_it_goes_before_what_its_members_stand_in() -> None:
    there = ScalingGroups().observe(raw(in_spec()), index())
    assert there is not None
    kinds = {address.kind for address in there.dependencies}
    assert kinds >= {
        "tenant",
        "network",
        "subnet",
        "load balancer",
        "pool",
        "server group",
        "image",
        "flavor",
    }


def test_one_whose_removal_was_cut_off_is_no_longer_as_wanted() -> None:
    one = in_spec()
    there = ScalingGroups().observe(raw(one, **{record.PHASE: record.LEAVING}), index())
    assert there is not None and there.fields["settings"] != one.fields["settings"]


def test_the_record_says_the_group_again() -> None:
    one = in_spec()
    kept = reading.read(raw(one, **{record.DESIRED: "3", record.SUSPENDED: "yes"}))
    assert (kept.name, kept.settings.min, kept.settings.max, kept.desired, kept.suspended) == (
        "web",
        2,
        4,
        3,
        True,
    )
    assert kept.settings == spec.loads(TEXT, "cloud.yaml").tenants[0].scaling_groups[0]
    assert kept.template["public_key"] == "ssh-ed25519 AAAA me"
    assert kept.pool == "id of pool"


@pytest.mark.parametrize(("said", "is_"), [("1", 2), ("9", 4), ("3", 3), (None, 2)])
def test_the_size_stays_within_the_limits(said: str | None, is_: int) -> None:
    more = {record.DESIRED: said} if said else {}
    assert reading.read(raw(in_spec(), **more)).desired == is_


def test_another_template_has_another_digest_and_other_limits_have_not() -> None:
    before = reading.read(raw(in_spec()))
    larger = reading.read(raw(in_spec(TEXT.replace("max: 4", "max: 5"))))
    other = reading.read(raw(in_spec(TEXT.replace("#!/bin/sh", "#!/bin/ash"))))
    assert before.digest == larger.digest != other.digest


def test_a_definition_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="60000 at most"):
        record.text({"user_data": "x" * 60_000}, {}, {})


def test_what_is_no_record_is_told() -> None:
    with pytest.raises(ValueError, match="has no definition"):
        reading.read({"id": "r", "owner": "p"})
