"""What `up` would do is data: the order of tasks, what starts anew on a change, files and their modes."""

from __future__ import annotations

import json
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.platform import (
    bringup,
    catalogue,
    folders,
    graph,
    secrets,
    site,
    stop_order,
    takedown,
    watchers,
)
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts.work import Here
from onestack.platform.shape import Step, local
from onestack.platform.site import Site
from onestack.platform.stamps import stamps

Make = Callable[..., Site]


def needs(found: Site, image: Path) -> dict[str, tuple[str, ...]]:
    """The graph of a cloud of one host, without its name."""
    return {
        task.name.removesuffix("@host"): tuple(each.removesuffix("@host") for each in task.needs)
        for task in graph.tasks(found, [Here(found)], image, silent)
    }


def stamped(found: Site) -> dict[str, str]:
    return stamps(found, found.leader)


def all_before(graph: dict[str, tuple[str, ...]], name: str) -> set[str]:
    return set(graph[name]).union(*(all_before(graph, each) for each in graph[name]))


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\n",
        "platform: {compute: {driver: fake, hosts: 3}}\n",
        "platform: {services: [identity]}\n",
        "platform: {services: [image]}\n",
        "platform: {exclude: [compute]}\n",
        "platform: {exclude: [compute, network, load-balancer]}\n",
    ],
)
def test_every_choice_of_services_has_an_order(make: Make, tmp_path: Path, text: str) -> None:
    found = make(text)
    order = needs(found, tmp_path)
    assert {need for names in order.values() for need in names} <= set(order)
    assert len(list(TopologicalSorter(order).static_order())) == len(order)
    assert {each.name for each in catalogue.processes(found.view)} <= set(order)


def test_what_stands_on_something_waits_for_it(make: Make, tmp_path: Path) -> None:
    order = needs(make(), tmp_path)
    assert {"mariadb", "databases"} <= all_before(order, "keystone")
    assert {"mariadb", "databases"} <= all_before(order, "nova")
    assert {"ovsdb", "switch files", "switch settings"} <= all_before(order, "ovs-vswitchd")
    assert {"ovs-vswitchd", "ovn-northd", "external"} <= all_before(order, "ovn-controller")
    assert "virtlogd" in all_before(order, "libvirtd")


def test_a_cloud_stops_in_the_reverse_of_what_is_needed(make: Make) -> None:
    view = make().view
    databases = Step(graph.DATABASES, lambda site, node, emit: None, local("mariadb"))
    rows = stop_order.rows(catalogue.processes(view), [*catalogue.steps(view), databases])
    place = {name: index for index, row in enumerate(rows) for name in row}
    assert set(place) == {each.name for each in catalogue.processes(view)}
    # Through the step that makes the databases; through the one that tells OVS who it is; plainly.
    assert place["keystone"] < place["mariadb"]
    assert place["nova"] < place["libvirtd"] < place["virtlogd"]
    assert place["ovn-controller"] < place["ovs-vswitchd"] < place["ovsdb"]


def test_what_guests_need_goes_on_with_them(make: Make) -> None:
    found = make()
    (found.paths.etc / "choices.json").unlink(missing_ok=True)
    assert takedown.infrastructure(found.paths) == []
    found.leader.choices.save(choices_file(found.paths))
    site.spec_file(found.paths).write_text("version: 1\n")
    switches = {"ovsdb", "ovs-vswitchd", "ovn-northd", "ovn-controller"}
    every = {name for row in takedown.infrastructure(found.paths) for name in row}
    left = {name for row in takedown.infrastructure(found.paths, without_guests=True) for name in row}
    assert every - left == switches
    assert left == {"mariadb", "api-gateway", "libvirtd", "virtlogd"}


def test_a_site_has_secrets_that_stay(make: Make) -> None:
    view = make().view
    assert view.cloud.secrets["user/admin"] == make().view.cloud.secrets["user/admin"]
    assert len(set(view.cloud.secrets.values())) == len(view.cloud.secrets)
    assert (make().secrets_file).stat().st_mode & 0o777 == 0o600


def test_new_secrets_join_those_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = secrets.ensure(file, ["a", "b"])
    second = secrets.ensure(file, ["b", "c"])
    assert (second["a"], second["b"]) == (first["a"], first["b"])
    assert len(second["c"]) == 2 * secrets.LENGTH
    assert json.loads(file.read_text()) == second
    assert list(tmp_path.iterdir()) == [file]


def test_no_process_list_shows_a_secret(make: Make) -> None:
    found = make()
    for process in catalogue.processes(found.view):
        shown = " ".join(process.command)
        assert not [name for name, secret in found.view.cloud.secrets.items() if secret in shown], (
            process.name
        )


def test_a_process_starts_anew_when_what_it_reads_changes_and_only_then(make: Make) -> None:
    before = stamped(make())
    assert stamped(make()) == before
    port = stamped(make("platform: {listen: {port: 9000}}\n"))
    assert port["api-gateway"] != before["api-gateway"]
    assert (port["mariadb"], port["libvirtd"]) == (before["mariadb"], before["libvirtd"])
    ratio = stamped(make("platform: {compute: {cpu_allocation_ratio: 2}}\n"))
    assert {name for name in before if ratio[name] != before[name]} <= {"nova"}


def test_the_watchers_start_anew_with_another_platform_and_only_then(make: Make) -> None:
    def keeper(text: str) -> object:
        return watchers.watcher(make(text), watchers.KEEPER, "onestack.health.keeper")

    before = keeper("version: 1\n")
    assert keeper("roles: [{name: auditor}]\n") == before
    assert keeper("platform: {monitoring: {enabled: true}}\n") != before
    assert keeper("platform: {exclude: [dashboard]}\n") != before


def test_the_first_cause_is_told_with_the_names_of_the_others() -> None:
    first = PermanentError("mariadb broke", detail="its log")
    failures = {"mariadb@n1": first, "ovsdb@n2": ValueError("x")}
    assert bringup.first_cause(failures) is first
    assert first.detail == "its log\nfailed too: ovsdb"
    bringup.first_cause(failures, alone=False)
    assert first.detail.endswith("failed too: ovsdb@n2")


def test_places_inside_are_found_outside(make: Make) -> None:
    found = make()
    assert found.leader.outside("/run/api/nova.sock") == found.paths.run / "api/nova.sock"
    assert found.leader.outside("/etc/onestack/nova") == found.paths.etc / "nova"
    assert found.leader.outside("/var/lib/mysql") == found.paths.data / "mysql"
    with pytest.raises(ValueError, match="/usr/bin"):
        found.leader.outside("/usr/bin")
    with pytest.raises(ValueError, match="/etc/passwd"):
        found.leader.outside("/etc/passwd")


def test_configuration_is_roots_alone_and_replaced_only_when_it_changed(make: Make) -> None:
    found = make()
    folders.write(found.leader, {"nova/nova.conf": "one"})
    file = found.paths.etc / "nova/nova.conf"
    first = file.stat()
    assert first.st_mode & 0o777 == 0o600
    folders.write(found.leader, {"nova/nova.conf": "one"})
    assert file.stat().st_ino == first.st_ino
    folders.write(found.leader, {"nova/nova.conf": "two"})
    assert file.read_text() == "two"
    assert [each.name for each in file.parent.iterdir()] == ["nova.conf"]


def test_names_of_the_base_become_numbers(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n\nmysql:x:101:102::/nonexistent:/bin/false\nbroken\n")
    assert folders.identities(file) == {"root": 0, "mysql": 101}


def test_choices_are_kept(make: Make, tmp_path: Path) -> None:
    file, choices = tmp_path / "choices.json", make().leader.choices
    choices.save(file)
    assert Choices.load(file) == choices


def test_without_a_cloud_a_site_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no cloud under"):
        site.load(Paths(tmp_path))
