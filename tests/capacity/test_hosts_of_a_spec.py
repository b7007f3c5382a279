"""The hosts that capacity and plans count: those that run, those of the spec that do not yet, and what is assumed."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from onestack import capacity, spec
from onestack.capacity import Inventory
from onestack.capacity.model import Amount
from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host import facts
from onestack.platform import inventories
from onestack.platform.hosts import room

TEXT = """\
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network]}
  - {name: n1, address: 192.0.2.21, roles: [compute], zone: east}
  - {name: n2, address: 192.0.2.22, roles: [compute]}
"""
N1 = capacity.Host("n1", (Inventory(8), Inventory(16384, 512), Inventory(100)), "east")
SIZES: dict[str, Amount] = {"n1": (8, 16384, 100), "n2": (4, 8192, 50)}


def asked(host: spec.Host) -> Amount:
    return SIZES[host.name]


def refused(host: spec.Host) -> Amount:
    if host.name == "n2":
        raise PermanentError("n2 cannot be reached")
    return SIZES[host.name]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def sizes(found: room.Room) -> dict[str, list[int]]:
    return {each.name: [one.total for one in each.inventories] for each in found.hosts}


def test_before_the_cloud_runs_every_host_with_the_role_compute_is_asked(paths: Paths) -> None:
    found = room.of_spec(paths, spec.loads(TEXT), ask=asked)
    assert sizes(found) == {"n1": [8, 16384, 100], "n2": [4, 8192, 50]}
    assert [each.zone for each in found.hosts] == ["east", ""]
    assert (found.source, found.notes) == ("the spec's hosts", ())


def test_one_that_cannot_be_asked_is_as_large_as_the_smallest_and_that_is_said(paths: Paths) -> None:
    found = room.of_spec(paths, spec.loads(TEXT), ask=refused)
    assert sizes(found)["n2"] == [8, 16384, 100]
    assert found.notes == (
        "n2 could not be asked (n2 cannot be reached): assumed to have 8 processors, 16,384 MiB, 100 GiB",
    )


def test_who_is_not_root_asks_no_other_machine(paths: Paths) -> None:
    found = room.of_spec(paths, spec.loads(TEXT))
    assert list(sizes(found)) == ["n1", "n2"]
    assert all("was not asked (as root it is): assumed to have" in note for note in found.notes)


def test_this_machine_is_not_asked_over_ssh(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    here = replace(facts.gather([paths.lib]), addresses=(ip_address("192.0.2.21"),), cpus=3)
    monkeypatch.setattr(facts, "gather", lambda disks=(): here)
    found = room.of_spec(paths, spec.loads(TEXT), ask=lambda host: {"n2": (2, 4096, 20)}[host.name])
    assert sizes(found)["n1"][0] == 3
    assert found.notes == ()


def test_a_host_that_the_spec_adds_is_counted_beside_those_that_run(paths: Paths) -> None:
    found = room.of_spec(paths, spec.loads(TEXT), [N1], ask=asked)
    assert sizes(found) == {"n1": [8, 16384, 100], "n2": [4, 8192, 50]}
    assert found.source == "Placement's inventories"
    assert found.notes == ("n2 is not in the cloud yet; `onestack up` takes it on",)


def test_the_fake_drivers_hosts_are_not_the_specs(paths: Paths) -> None:
    fake = spec.loads("platform: {compute: {driver: fake, hosts: 2}}\n" + TEXT)
    assert list(sizes(room.of_spec(paths, fake, ask=asked))) == ["fake-1", "fake-2"]


class Nova:
    """What is asked of Nova: hypervisors and services."""

    compute: Any

    def __init__(self) -> None:
        self.compute = self

    def hypervisors(self, details: bool) -> list[Any]:
        assert details
        return [SimpleNamespace(name="srv-17.example.org", service_details={"host": "n1"})]

    def services(self, binary: str) -> list[Any]:
        made = [("n1", "enabled", "down"), ("c1", "enabled", "up"), ("n3", "disabled", "up")]
        return [SimpleNamespace(host=host, status=status, state=state) for host, status, state in made]


def test_hosts_that_run_are_known_by_the_specs_names(paths: Paths) -> None:
    admin: Any = Nova()
    placed = replace(N1, name="srv-17.example.org")
    assert inventories.called_as_hosts(admin, [placed], {"n1", "n2"}) == [N1]
    assert inventories.called_as_hosts(admin, [placed], {"n2"}) == [placed]
    found = room.running(paths, spec.loads(TEXT), admin, [placed], ask=asked)
    assert list(sizes(found)) == ["n1", "n2"]
    assert found.notes[1:] == (
        "n1 is down; its room is counted",
        "n3 takes no new guests (it is drained or disabled); its room is counted",
    )


def test_the_report_says_what_was_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(TEXT)
    monkeypatch.setattr(room, "over_ssh", lambda paths: refused)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    said = CliRunner().invoke(cli, ["capacity", str(file), "--root", str(tmp_path)], catch_exceptions=False)
    assert "Available (the spec's hosts)" in said.output
    assert "n2 could not be asked" in " ".join(said.output.split())
    as_data = CliRunner().invoke(cli, ["capacity", str(file), "--root", str(tmp_path), "--json"])
    (note,) = json.loads(as_data.output)["notes"]
    assert note.startswith("n2 could not be asked")


def test_so_many_of_a_size_are_as_many_as_the_spec_has(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(TEXT)
    words = ["capacity", str(file), "--root", str(tmp_path), "--like", "4,8192,100", "--json"]
    assert json.loads(CliRunner().invoke(cli, words).output)["classic"]["N"] == 2
