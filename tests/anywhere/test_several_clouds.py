"""One file over several clouds: divided by its tenants, planned and applied cloud by cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from anywhere.account import Ordinary, Strict
from kinds.api import served
from onestack import spec
from onestack.clouds import Clouds
from onestack.core.errors import BadInput, OneStackError, PermanentError
from onestack.core.events import Event
from onestack.language.diagnostics import BadSpec
from onestack.workloads import parts
from onestack.workloads.other_cloud import OtherCloud
from onestack.workloads.plan.document import as_data

FILE = """\
name: acme
clouds:
  here: {cloud: first}
  burst: {cloud: second}
existing: {networks: [ext-net]}
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
  - name: shop-burst
    cloud: burst
    networks: [{name: front, subnets: [{cidr: 10.2.0.0/24}]}]
    routers: [{name: edge, external: ext-net}]
"""


def no_local() -> Clouds:
    raise AssertionError("the file has no cloud of this machine's")


@dataclass
class Two:
    """Two clouds of clouds.yaml. `away`: entries that do not answer."""

    apis: dict[str, Strict]
    clouds: dict[str, OtherCloud]
    away: dict[str, OneStackError]

    def named(self, name: str) -> OtherCloud:
        if error := self.away.get(name):
            raise error
        return self.clouds[name]

    def all(self) -> Clouds:
        return Clouds(no_local, self.named)  # type: ignore[arg-type]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    apis = {name: Strict() for name in ("first", "second")}
    with ExitStack() as stack:
        clouds = {
            name: OtherCloud(name, account=Ordinary(stack.enter_context(served(api))), state=tmp_path / name)
            for name, api in apis.items()
        }
        yield Two(apis, clouds, {})


def read(text: str = FILE) -> spec.Spec:
    return spec.loads(text, "acme.yaml")


def networks(api: Strict) -> list[str]:
    return [one["name"] for one in api.things["/networks"]]


def test_one_plan_in_the_order_of_the_file_is_applied_in_each_cloud(two: Two) -> None:
    plan = two.all().plan(read())
    assert [f"{one.cloud}: {one.action} {one.address}" for one in plan.changes] == [
        "here: create network shop/front",
        "here: create subnet shop/front/front",
        "burst: create network shop-burst/front",
        "burst: create router shop-burst/edge",
        "burst: create subnet shop-burst/front/front",
    ]
    data = as_data(plan)
    assert [one["cloud"] for one in data["changes"]] == ["here", "here", "burst", "burst", "burst"]
    assert {name: each["summary"]["add"] for name, each in data["clouds"].items()} == {"here": 2, "burst": 3}
    # Places are those of the file, though each cloud has a part of it.
    assert [one["place"]["line"] for one in data["changes"]] == [8, 8, 11, 12, 11]
    said: list[Event] = []
    outcome = two.all().apply(plan, spec=read(), emit=said.append)
    assert outcome.ok and outcome.added == 5
    assert {each.step.split(": ")[0] for each in said} == {"here", "burst"}
    assert [networks(api) for api in two.apis.values()] == [["ext-net", "front"], ["ext-net", "front"]]
    assert two.all().plan(read()).empty
    assert two.all().drift(read()).empty
    two.apis["second"].things["/networks"].pop()
    assert {one.cloud for one in two.all().drift(read()).changes} == {"burst"}
    removal = two.all().removal(read())
    assert two.all().apply(removal, spec=read()).ok
    assert [networks(api) for api in two.apis.values()] == [["ext-net"], ["ext-net"]]


@pytest.mark.parametrize("gone", ["first", "second"])
def test_a_cloud_that_is_away_fails_only_its_own_part(two: Two, gone: str) -> None:
    two.away[gone] = PermanentError(f"the cloud '{gone}' cannot be reached", where="identity")
    away, there = ("here", "burst") if gone == "first" else ("burst", "here")
    plan = two.all().plan(read())
    assert {one.cloud for one in plan.changes} == {there}
    assert as_data(plan)["clouds"][away]["error"] == f"the cloud '{gone}' cannot be reached"
    outcome = two.all().apply(spec=read())
    assert not outcome.ok and outcome.added == len(plan.changes)
    assert outcome.as_dict()["away"] == {away: two.away[gone].as_dict()}
    two.away.clear()
    assert {one.cloud for one in two.all().plan(read()).changes} == {away}


def test_wrong_input_in_one_cloud_stops_all(two: Two) -> None:
    with pytest.raises(BadSpec):
        two.all().apply(
            spec=read(
                FILE.replace("external: ext-net", "external: other-net").replace(
                    "[ext-net]", "[ext-net, other-net]"
                )
            )
        )
    two.away["second"] = BadInput("there is no cloud 'second' in clouds.yaml")
    with pytest.raises(BadInput, match="no cloud 'second'"):
        two.all().apply(spec=read())
    assert not [each for api in two.apis.values() for each in api.asked]


def test_a_written_plan_is_done_if_it_is_still_what_is_needed(two: Two) -> None:
    written = as_data(two.all().plan(read()))
    written["made_from"] = {"spec": {"file": "acme.yaml", "text": FILE}, "prune": False, "adopt": False}
    assert two.all().apply_written(written).ok
    with pytest.raises(BadInput, match="the plan is stale"):
        two.all().apply_written(written)


SHARED = """\
name: acme
clouds: {here: {local: true}, burst: {cloud: second}}
flavors:
  - {name: small, vcpus: 1, ram: 128}
  - {name: large, vcpus: 8, ram: 8192}
networks: [{name: lan}]
tenants:
  - name: shop-burst
    cloud: burst
    networks: [{name: front, subnets: [{cidr: 10.2.0.0/24}]}]
    servers: [{name: web, image: tiny, flavor: large, networks: [{network: front}]}]
  - name: shop
    routers: [{name: edge, external: public}]
"""


def test_each_part_has_what_its_tenants_use_and_here_all_that_is_shared() -> None:
    found = parts.split(spec.loads(SHARED, "acme.yaml"))
    assert {name: [one.name for one in each.tenants] for name, each in found.items()} == {
        "here": ["shop"],
        "burst": ["shop-burst"],
    }
    assert [one.name for one in found["here"].flavors] == ["small", "large"]
    assert [one.name for one in found["burst"].flavors] == ["large"]
    assert found["burst"].networks == () and found["here"].networks[0].name == "lan"
    assert found["here"].place_of("tenants", 0, "routers", 0).line == 13
    assert found["burst"].place_of("flavors", 0).line == 5
    assert parts.own(spec.loads(SHARED)) == found["here"]


def test_a_file_without_a_cloud_of_its_own_is_not_brought_up() -> None:
    with pytest.raises(BadInput, match="no cloud of the file is this machine's"):
        parts.own(read())
    alone = spec.loads("name: acme\n")
    assert parts.own(alone) is alone


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            SHARED.replace("ram: 8192}", "ram: 8192, tenants: [shop, shop-burst]}"),
            5,
            "which is in the cloud 'burst'",
        ),
        (
            FILE.replace("{cidr: 10.1.0.0/24}]}]", "{cidr: 10.1.0.0/24}], shared_with: [shop-burst]}]"),
            8,
            "which is in the cloud 'burst'",
        ),
        (
            FILE.replace("here:", "home:").replace("- name: shop\n", "- name: shop\n    cloud: home\n")
            + "flavors: [{name: odd, vcpus: 1, ram: 128}]\n",
            14,
            "no tenant uses flavor odd",
        ),
    ],
)
def test_references_across_clouds_are_refused_with_their_place(text: str, line: int, said: str) -> None:
    with pytest.raises(BadSpec) as caught:
        parts.split(spec.loads(text, "acme.yaml"))
    found = [one for one in caught.value.diagnostics if said in one.summary]
    assert found and found[0].place and found[0].place.line == line, caught.value.diagnostics
