"""etcd and the lease agents: which hosts have them, with which rights; and nothing of it without healing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hosts.conftest import Views, replicated, views, with_cloud
from onestack.platform import layout
from onestack.platform.between_hosts import rules
from onestack.platform.infrastructure import etcd, lease, libvirt
from onestack.platform.trees import trees
from onestack.platform.view import HealingView, View
from onestack.spec import loads

SPEC = Path(__file__).parents[2] / "examples/hosts.yaml"


def healed(found: Views) -> Views:
    """The same cloud with healing."""
    hosts = next(iter(found.values())).hosts
    secrets = {name: f"secret-of-{name}" for name in etcd.secret_names(hosts)}
    return {
        name: with_cloud(view, healing=HealingView(0.5, True, 4), secrets={**view.cloud.secrets, **secrets})
        for name, view in found.items()
    }


def names(view: View) -> set[str]:
    return {each.name for each in (*layout.processes(view), *layout.steps(view))}


def words(view: View) -> dict[str, str]:
    (process,) = etcd.processes(view)
    return dict(each[2:].split("=", 1) for each in process.command if each.startswith("--") and "=" in each)


def test_without_healing_there_is_nothing_of_it() -> None:
    for view in views().values():
        assert not names(view) & {etcd.NAME, etcd.USERS, lease.STEP}
        assert "2379" not in rules(view, "t") and "16517" not in rules(view, "t")


def test_control_hosts_have_etcd_and_compute_hosts_a_lease() -> None:
    for view in healed(views()).values():
        assert (etcd.NAME in names(view)) is view.control
        assert (lease.STEP in names(view)) is ("compute" in view.here.roles)
        assert ("2379" in rules(view, "t")) is view.control
        assert ("16517" in rules(view, "t")) is ("compute" in view.here.roles)


def test_libvirtd_waits_for_the_lease() -> None:
    for view in healed(views()).values():
        libvirtd = next(each for each in libvirt.processes(view) if each.name == libvirt.NAME)
        assert lease.STEP in {need.name for need in libvirtd.needs}


def test_a_compute_host_gets_its_own_password_alone() -> None:
    found = healed(views())
    for name, view in found.items():
        if not view.control:
            own = {each for each in layout.secret_names(view) if each.startswith("lease/")}
            assert own == {f"lease/host-{name}"}


def test_three_control_hosts_have_a_member_each() -> None:
    found = healed(replicated())
    said = [words(view) for view in found.values() if view.control]
    assert len({each["initial-cluster"] for each in said}) == 1
    assert said[0]["initial-cluster"].count("https://") == 3
    assert len({each["name"] for each in said}) == 3
    assert all(each["listen-peer-urls"].startswith("https://192.0.2.") for each in said)


def test_one_control_hosts_member_talks_to_no_other() -> None:
    (said,) = [words(view) for view in healed(views()).values() if view.control]
    assert said["listen-peer-urls"] == "https://127.0.0.1:2380"


def test_other_control_hosts_are_another_etcd() -> None:
    found = healed(replicated())["c1"]
    fewer = replace(found, peers=tuple(each for each in found.peers if each.name != "c3"))
    assert words(found)["data-dir"] != words(fewer)["data-dir"]


@pytest.mark.parametrize(("healing", "wanted"), [("{hosts: evacuate}", True), ("{hosts: 'off'}", False)])
def test_the_tree_is_there_where_it_is_needed(healing: str, wanted: bool) -> None:
    text = SPEC.read_text() + f"platform: {{healing: {healing}}}\n"
    platform = loads(text, "x").platform
    assert ("etcd" in trees(platform, ("control",), several=True)) is wanted
    assert "etcd" not in trees(platform, ("compute",), several=True)
    assert "etcd" not in trees(platform, ("control",), several=False)
