"""Each compute host has a user of its own in Keystone, with the least rights; control hosts' services keep theirs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hosts.conftest import Views, views
from onestack.platform import catalogue, host_users, layout, secrets
from onestack.platform.services import _policies, identity
from services.test_declarations import read

SECTIONS = ("service_user", "placement", "neutron", "cinder")
"""Of nova.conf, by which nova-compute calls APIs."""


def users(name: str) -> set[str]:
    nova = read(layout.files(views()[name])["nova/nova.conf"])
    return {nova[section]["username"] for section in SECTIONS}


def test_nova_compute_is_its_hosts_user_in_every_section() -> None:
    assert users("n1") == {"nova-compute-n1"}
    assert users("n2") == {"nova-compute-n2"}
    assert users("c1") == {"nova", "neutron", "placement"}


def test_keystone_is_told_of_them_with_the_role_service_alone(hosts: Views) -> None:
    view = views()["c1"]
    found = identity.wanted(view, catalogue.services(view.cloud.services))["users"]
    assert found["nova-compute-n1"] == {"password": "secret-of-user-nova-compute-n1", "roles": ["service"]}
    assert {name for name, user in found.items() if user["roles"] == ["service"]} == {
        "nova-compute-n1",
        "nova-compute-n2",
    }
    assert found["nova"]["roles"] == ["admin", "service"]


def test_only_hosts_without_apis_have_one() -> None:
    everything = frozenset({"control", "network", "compute"})
    for roles, expected in (
        ({"c1": everything}, []),
        ({"c1": everything, "n1": frozenset({"network"})}, []),
        ({"c1": frozenset({"control", "network"}), "n1": frozenset({"compute"})}, ["nova-compute-n1"]),
    ):
        assert [*host_users.wanted(views(roles)["c1"])] == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("project", ["neutron", "cinder", "nova"])
def test_policies_are_there_only_for_such_hosts(project: str) -> None:
    main = f"{project}/{project}.conf"
    file = f"{project}/policy-of-hosts.yaml"
    found = layout.files(views()["c1"])
    assert json.loads(found[file]) == _policies.ALL[project]
    assert read(found[main])["oslo_policy"]["policy_file"] == f"/etc/onestack/{file}"
    alone = layout.files(views({"c1": views()["c1"].here.roles})["c1"])
    assert file not in alone
    assert "oslo_policy" not in read(alone[main])
    assert file not in layout.files(views()["n1"])


def test_without_nova_there_are_none() -> None:
    view = views()["c1"]
    view = replace(view, cloud=replace(view.cloud, services=frozenset({"identity", "network"})))
    assert host_users.wanted(view) == {}
    assert not [name for name in catalogue.secret_names(view.cloud.services, view.hosts) if "nova" in name]


def test_a_host_that_left_leaves_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    before = secrets.ensure(file, ["user/admin", "user/nova-compute-n1", "bus/n1", "bus/n2"])
    secrets.forget(file, host_users.secrets_of("n1"))
    assert json.loads(file.read_text()) == {name: before[name] for name in ("user/admin", "bus/n2")}
    assert file.stat().st_mode & 0o777 == 0o600
    again = secrets.ensure(file, ["bus/n1"])
    assert again["bus/n1"] != before["bus/n1"]
