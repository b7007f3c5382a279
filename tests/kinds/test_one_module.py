"""A kind of resource is one module: with it in a folder, specs, plans, apply and removals know it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kinds.api import Api, served
from onestack import spec
from onestack.cli.plan_view import plan_lines
from onestack.health.verify.removal import Holdings
from onestack.spec import BadSpec, Spec, json_schema
from onestack.spec.compose import compose, whole
from onestack.workloads.apply import Outcome, run
from onestack.workloads.kind.discovery import RESOURCES, discover
from onestack.workloads.openstack.provider import OpenStack
from onestack.workloads.openstack.rest import Access
from onestack.workloads.plan import Plan, make
from onestack.workloads.wanted import wanted

KINDS = discover(RESOURCES, "kinds.more")
MODEL = compose(KINDS)
HERE = frozenset({"identity", "network"})

SHOP = """\
name: playground
tenants:
  - name: shop
    networks: [{name: front}]
    toys:
      - name: ball
        network: front
        size: 3
"""


def read(text: str) -> Spec:
    return spec.loads(text, "cloud.yaml", MODEL)


def said_of(text: str, model: type[Spec] = MODEL) -> str:
    with pytest.raises(BadSpec) as raised:
        spec.loads(text, "cloud.yaml", model)
    return "\n".join(str(one) for one in raised.value.diagnostics)


class Cloud:
    """What apply does to the API, and what plans say of it."""

    def __init__(self, api: Api, provider: OpenStack) -> None:
        self.api = api
        self.provider = provider

    def plan(self, text: str, prune: bool = False) -> Plan:
        everything = wanted(read(text), KINDS)
        there = self.provider.observe(everything)
        return make(everything, there, KINDS, owner="playground", prune=prune)

    def apply(self, text: str, prune: bool = False) -> Outcome:
        return run(self.plan(text, prune), self.provider)

    def changes(self, text: str, prune: bool = False) -> list[str]:
        return [f"{one.action} {one.address}" for one in self.plan(text, prune).changes]

    @property
    def toys(self) -> list[dict[str, object]]:
        return self.api.things.get("/toys", [])


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    api = Api()
    with served(api) as connection:
        access = Access(lambda project, user=None, password=None: connection)
        provider = OpenStack(
            access, HERE, owner="playground", secret=lambda one: "", keep=lambda *_: None, kinds=KINDS
        )
        yield Cloud(api, provider)


# The spec.


def test_the_spec_takes_it() -> None:
    toy = getattr(read(SHOP).tenants[0], "toys")[0]  # noqa: B009
    assert (toy.name, toy.network, toy.size, toy.colour) == ("ball", "front", 3, "red")


def test_without_its_module_the_key_is_unknown() -> None:
    assert "unknown key 'toys'" in said_of(SHOP, whole())


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("size: 3", "weight: 3", "cloud.yaml:8:9: unknown key 'weight'"),
        ("size: 3", "size: 0", "cloud.yaml:8:15: 'size' is too small: 0"),
        ("size: 3", "colour: rad", "did you mean red?"),
        ("network: front", "network: frnt", "cloud.yaml:7:18: there is no 'frnt' among the networks"),
    ],
)
def test_wrong_fields_are_refused_with_their_place(before: str, after: str, says: str) -> None:
    assert says in said_of(SHOP.replace(before, after))


def test_its_own_demands_hold() -> None:
    said = said_of(SHOP.replace("size: 3", "size: 9\n        colour: blue"))
    assert "cloud.yaml:8:15: no blue toy is that large" in said
    assert "at most 5" in said


def test_it_may_be_counted_and_be_in_a_template() -> None:
    text = """\
templates:
  - name: play
    networks: [{name: front}]
    toys: [{name: ball, count: 2, network: front}]
tenants: [{name: red, like: play}]
"""
    assert [toy.name for toy in getattr(read(text).tenants[0], "toys")] == ["ball-1", "ball-2"]  # noqa: B009


def test_the_schema_and_the_reference_have_it() -> None:
    schema = json.loads(json.dumps(json_schema.of(MODEL).whole))
    assert schema["$defs"]["Toy"]["properties"]["size"]["description"] == "How large it is, in cm."
    assert schema["$defs"]["Tenant"]["properties"]["toys"]["items"] == {"$ref": "#/$defs/Toy"}
    text = spec.reference(MODEL)
    assert "| `toys` | a list of [mappings](#tenantstoys) |  | What it plays with. |" in text
    assert "## tenants[].toys[]\n\nSomething to play with.\n" in text
    assert "| `toys` | a whole number from -1 |  | Toys. |" in text


# A plan, and doing it.


def test_it_is_created_changed_replaced_and_deleted(cloud: Cloud) -> None:
    assert "create toy shop/ball" in cloud.changes(SHOP)
    assert any("toy shop/ball" in line and "cloud.yaml:6" in line for line in plan_lines(cloud.plan(SHOP)))
    assert cloud.apply(SHOP).ok
    network, project = cloud.api.things["/networks"][0]["id"], cloud.api.things["/projects"][0]["id"]
    assert cloud.toys == [
        {
            "id": cloud.toys[0]["id"],
            "name": "ball",
            "description": "[onestack playground:ball]",
            "network_id": network,
            "size": 3,
            "colour": "red",
            "project_id": project,
        }
    ]
    assert cloud.changes(SHOP) == []

    blue = SHOP + "        colour: blue\n"
    assert cloud.changes(blue) == ["update toy shop/ball"]
    before = cloud.toys[0]["id"]
    assert cloud.apply(blue).ok
    assert (cloud.toys[0]["id"], cloud.toys[0]["colour"]) == (before, "blue")

    larger = SHOP.replace("size: 3", "size: 4")
    assert "replace toy shop/ball" in cloud.changes(larger)
    assert cloud.apply(larger).ok
    assert [toy["size"] for toy in cloud.toys] == [4]
    assert cloud.toys[0]["id"] != before

    without = SHOP[: SHOP.index("    toys:")]
    assert cloud.changes(without) == []
    assert cloud.changes(without, prune=True) == ["delete toy shop/ball"]
    assert cloud.apply(without, prune=True).ok
    assert cloud.toys == []
    assert cloud.changes(without, prune=True) == []


def test_a_quota_limits_it_before_it_is_made(cloud: Cloud) -> None:
    assert cloud.apply(SHOP + "    quota: {network: {toys: 5}}\n").ok
    limits = cloud.api.things["/quotas"][0]
    assert limits["toy"] == 5
    order = [path for _, path in cloud.api.asked]
    assert order.index(f"/quotas/{limits['id']}") < order.index("/toys")
    assert "unknown key 'tois'" in said_of(SHOP + "    quota: {network: {tois: 5}}\n")


def test_one_that_the_spec_did_not_make_stays(cloud: Cloud) -> None:
    assert cloud.apply(SHOP).ok
    project = cloud.api.things["/projects"][0]["id"]
    cloud.toys.append({"id": "hers", "name": "kite", "description": "", "project_id": project})
    assert cloud.changes(SHOP, prune=True) == []


# Removal.


def test_it_goes_with_a_throw_away_project() -> None:
    api = Api()
    api.things["/toys"] = [
        {"id": "t1", "name": "ball", "project_id": "p1"},
        {"id": "t2", "name": "kite", "project_id": "p2"},
    ]
    with served(api) as connection:
        removed = Holdings(connection, "p1", HERE, everyone=True, kinds=KINDS).remove()
    assert [str(one) for one in removed] == ["toy ball"]
    assert [toy["id"] for toy in api.things["/toys"]] == ["t2"]
