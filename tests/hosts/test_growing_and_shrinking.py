"""Hosts that come and go: what the stored spec says afterwards, and what is refused before anything is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosts.conftest import Views
from onestack import spec
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.platform import zones
from onestack.platform.choices import Choices, choices_file
from onestack.platform.choose import require_same_name
from onestack.platform.hosts import clocks, cluster, known
from onestack.platform.services.compute import fake_hosts
from onestack.platform.site import on_this_host, spec_file
from onestack.platform.view import HostView

TEXT = """\
# the lab's cloud
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute], zone: a}
  - {name: n1, address: 192.0.2.21, roles: [compute], zone: b}
  - {name: n2, address: 192.0.2.22, roles: [compute], zone: b}
"""
CHOICES = Choices("c1", "qemu", "netdev", False, "/b", "/e", "/r", {})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.etc.mkdir(parents=True)
    spec_file(found).write_text(TEXT)
    CHOICES.save(choices_file(found))
    hosts = tuple(
        HostView(each.name, str(each.address), "qemu", "netdev", frozenset(each.roles))
        for each in spec.loads(TEXT).hosts
    )
    known.save(found, known.Hosts("c1", hosts))
    return found


def test_a_file_that_lacks_a_host_of_the_cloud_is_refused(paths: Paths) -> None:
    fewer = TEXT.replace("  - {name: n2, address: 192.0.2.22, roles: [compute], zone: b}\n", "")
    with pytest.raises(BadInput, match="the cloud has the host n2, the spec has not") as raised:
        cluster.require_all_hosts(paths, spec.loads(fewer, "cloud.yaml"))
    assert raised.value.hint == "`onestack host remove n2` takes it out of the cloud"
    cluster.require_all_hosts(paths, spec.loads(TEXT))
    cluster.require_all_hosts(
        paths, spec.loads(TEXT + "  - {name: n3, address: 192.0.2.23, roles: [compute]}\n")
    )


def test_a_host_that_was_removed_is_not_in_the_stored_spec(paths: Paths) -> None:
    cluster.forget(paths, "n1")
    stored = spec_file(paths).read_text()
    assert [each.name for each in spec.loads(stored).hosts] == ["c1", "n2"]
    assert "# the lab's cloud" in stored
    assert spec_file(paths).stat().st_mode & 0o777 == 0o600
    cluster.require_all_hosts(paths, spec.loads(stored))


def test_a_host_keeps_its_name(paths: Paths) -> None:
    renamed = spec.loads(TEXT.replace("name: c1", "name: control-1"), "cloud.yaml")
    with pytest.raises(BadInput, match="this host is called c1 in its cloud, not control-1") as raised:
        require_same_name(paths, renamed, "control-1")
    assert str(raised.value.where) == "cloud.yaml:3:12"


def test_zones_are_those_of_hosts_that_run_guests(paths: Paths) -> None:
    site = on_this_host(paths, spec.loads(TEXT), CHOICES, known.load(paths))
    assert zones.wanted(site) == {"a": {"c1"}, "b": {"n1", "n2"}}


@pytest.mark.parametrize(
    ("clock", "difference"),
    [(100.5, 0.0), (100.0, 0.0), (101.0, 0.0), (103.5, 2.5), (97.0, 3.0)],
)
def test_a_clock_is_compared_with_the_time_the_question_took(clock: float, difference: float) -> None:
    assert clocks.difference(clock, 100.0, 101.0) == pytest.approx(difference)


@pytest.mark.parametrize("number", [1, 2, 3, 50, 100])
def test_the_fake_hosts_are_shared_out_without_overlap(hosts: Views, number: int) -> None:
    from dataclasses import replace

    seen: list[int] = []
    for view in hosts.values():
        said = fake_hosts(replace(view, cloud=replace(view.cloud, fake_hosts=number)))
        if said != "0":
            first, _, last = said.partition("-")
            seen += range(int(first), int(last) + 1)
    assert sorted(seen) == list(range(1, number + 1))
