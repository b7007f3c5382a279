"""Any OpenStack, as an account that is no administrator: what it manages, refers to, and cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anywhere.account import MINE, Ordinary, Strict
from kinds.api import served
from onestack import spec
from onestack.core.errors import BadInput
from onestack.spec import BadSpec, Spec
from onestack.workloads.openstack.account import Project
from onestack.workloads.other_cloud import OtherCloud

SHOP = """\
name: acme
existing: {networks: [ext-net]}
tenants:
  - name: shop
    users: [{name: anna, roles: [member]}]
    quota: {network: {networks: 5}}
    networks:
      - {name: front, subnets: [{cidr: 10.1.0.0/24}]}
    routers: [{name: edge, external: ext-net}]
"""


def read(text: str) -> Spec:
    return spec.loads(text, "acme.yaml")


@pytest.fixture
def api() -> Strict:
    return Strict()


@pytest.fixture
def cloud(api: Strict, tmp_path: Path) -> Iterator[OtherCloud]:
    with served(api) as connection:
        yield OtherCloud("other", account=Ordinary(connection), state=tmp_path)


def refused(cloud: OtherCloud, text: str) -> str:
    with pytest.raises(BadSpec) as caught:
        cloud.plan(read(text))
    return "\n".join(str(one) for one in caught.value.diagnostics)


def test_its_tenant_is_the_project_of_the_credentials(cloud: OtherCloud, api: Strict) -> None:
    plan = cloud.plan(read(SHOP))
    assert [f"{one.action} {one.address}" for one in plan.changes] == [
        "create network shop/front",
        "create router shop/edge",
        "create subnet shop/front/front",
    ]
    said = "\n".join(plan.notes)
    assert "tenant shop is the project 'mine' of the account" in said
    assert "user anna" in said and "role of user shop/anna/member" in said
    assert cloud.apply(spec=read(SHOP)).ok
    made = api.things["/networks"][-1]
    assert (made["project_id"], made["description"]) == (MINE.id, "[onestack acme:front]")
    assert cloud.plan(read(SHOP)).empty
    assert cloud.drift(read(SHOP)).empty


def test_destroy_takes_what_is_marked_and_nothing_else(cloud: OtherCloud, api: Strict) -> None:
    api.things["/networks"].append(
        {"id": "n-hers", "name": "hers", "description": "", "project_id": MINE.id, "router:external": False}
    )
    assert cloud.apply(spec=read(SHOP)).ok
    removal = cloud.removal(read(SHOP))
    assert {one.address.kind for one in removal.changes} == {"network", "router", "subnet"}
    assert cloud.apply(removal, spec=read(SHOP)).ok
    assert [one["name"] for one in api.things["/networks"]] == ["ext-net", "hers"]


def test_what_is_missing_is_said_with_its_line(cloud: OtherCloud, api: Strict) -> None:
    assert "acme.yaml:9:" in refused(cloud, SHOP.replace("ext-net", "other-net"))
    assert "there is no network other-net in this cloud" in refused(
        cloud, SHOP.replace("ext-net", "other-net")
    )
    flavors = "flavors: [{name: own, vcpus: 1, ram: 128}]\n"
    assert "needs the service 'compute', which is not in this cloud's catalogue" in refused(
        cloud, SHOP + flavors
    )


def test_an_extension_that_is_missing_matters_only_to_who_needs_it(cloud: OtherCloud, api: Strict) -> None:
    api.missing = ("/address-groups", "/qos/policies")
    assert not cloud.plan(read(SHOP)).empty
    groups = SHOP + "    address_groups: [{name: offices, addresses: [192.0.2.0/24]}]\n"
    said = refused(cloud, groups)
    assert "acme.yaml:10:" in said
    assert "address group shop/offices cannot be managed in this cloud" in said


def test_what_only_administrators_may_set_is_refused_unless_forced(cloud: OtherCloud) -> None:
    text = SHOP.replace("external: ext-net}", "external: ext-net, snat: false}")
    assert "only an administrator may set 'snat'" in refused(cloud, text)
    assert not cloud.plan(read(text), force=True).empty


def test_a_quota_that_is_too_small_is_said_before_anything_is_made(cloud: OtherCloud, api: Strict) -> None:
    text = SHOP.replace("- {name: front, ", "- {name: front, count: 3, ")
    said = refused(cloud, text)
    assert "the quota of 'shop' is too small: network network: the limit is 2" in said
    assert "network shop/front-3 is the first that does not fit" in said
    assert not [each for each in api.asked if each[0] == "POST"]


def test_other_networks_of_the_platform_are_referred_to(cloud: OtherCloud, api: Strict) -> None:
    known = SHOP.replace("existing: {networks: [ext-net]}", "networks: [{name: ext-net, external: true}]")
    assert "network ext-net" not in {str(one.address) for one in cloud.plan(read(known)).changes}
    text = SHOP + "networks: [{name: office}]\n"
    assert "there is no network office in this cloud, and the account is no administrator" in refused(
        cloud, text
    )


def test_several_tenants_are_projects_of_their_names(api: Strict, tmp_path: Path) -> None:
    text = "name: acme\ntenants:\n  - {name: mine, networks: [{name: a}]}\n  - {name: yours, networks: [{name: b}]}\n"
    with served(api) as connection:
        alone = OtherCloud("other", account=Ordinary(connection), state=tmp_path)
        assert "acme.yaml:4:" in refused(alone, text)
        both = OtherCloud("other", account=Ordinary(connection, Project("p-yours", "yours")), state=tmp_path)
        assert both.apply(spec=read(text)).ok
    made = {one["name"]: one["project_id"] for one in api.things["/networks"][1:]}
    assert made == {"a": "p-mine", "b": "p-yours"}


def test_an_unknown_cloud_is_said_with_those_that_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "clouds.yaml"
    file.write_text("clouds: {known: {auth: {auth_url: 'http://127.0.0.1:1/v3'}}}\n")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    with pytest.raises(BadInput, match="there is no cloud 'unknown'") as caught:
        OtherCloud("unknown")
    assert "known" in caught.value.hint


# The way back.


def test_an_export_is_a_spec_that_adopts_without_changing(cloud: OtherCloud, api: Strict) -> None:
    assert cloud.apply(spec=read(SHOP)).ok
    for one in (*api.things["/networks"], *api.things["/routers"], *api.things["/subnets"]):
        one["description"] = "made by hand"
    found = cloud.export()
    assert read(found.text).tenants[0].name == "mine"
    assert "existing: {networks: [ext-net]}" in found.text
    plan = cloud.plan(read(found.text), adopt=True)
    assert {tuple(one.fields) for one in plan.changes} == {("owner",)}
    assert cloud.apply(spec=read(found.text), adopt=True).ok
    assert cloud.plan(read(found.text)).empty
    assert cloud.export().text.splitlines()[1:] == found.text.splitlines()[2:]
