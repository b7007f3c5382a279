"""What each host knows of the others, and which of them a machine is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from onestack import spec
from onestack.core.errors import BadInput, PermanentError
from onestack.core.paths import Paths
from onestack.host import facts
from onestack.platform import site
from onestack.platform.choices import Choices
from onestack.platform.hosts import cluster, known
from onestack.platform.view import HostView

TEXT = """\
hosts:
  - {name: n1, address: 192.0.2.21, roles: [compute]}
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute]}
"""
CHOICES = Choices("n1", "qemu", "netdev", False, "/b", "/e", "/r", {})
HOSTS = known.Hosts(
    "c1",
    (
        HostView("c1", "192.0.2.11", "kvm", "system", frozenset({"control", "network", "compute"})),
        HostView("n1", "192.0.2.21", "qemu", "netdev", frozenset({"compute"})),
    ),
)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert known.load(paths) is None
    paths.etc.mkdir(parents=True)
    known.save(paths, HOSTS)
    assert known.load(paths) == HOSTS
    assert known.file(paths).stat().st_mode & 0o777 == 0o600
    known.save(paths, None)
    assert known.load(paths) is None


def test_a_compute_host_knows_that_another_leads(tmp_path: Path) -> None:
    found = site.on_this_host(Paths(tmp_path), spec.loads(TEXT), CHOICES, HOSTS)
    assert (found.here.name, found.here.address, found.here.roles) == ("n1", "192.0.2.21", {"compute"})
    assert [each.name for each in found.peers] == ["c1"]
    assert not found.leads
    with pytest.raises(PermanentError, match="done on the control host c1, not on n1"):
        assert found.leader


def test_a_host_that_knows_no_other_yet_has_its_own_address(tmp_path: Path) -> None:
    found = site.on_this_host(Paths(tmp_path), spec.loads(TEXT), CHOICES)
    assert (found.here.view.address, found.here.view.roles) == ("192.0.2.21", {"compute"})
    one = site.on_this_host(Paths(tmp_path), spec.loads("hosts: [{name: n1, address: 192.0.2.21}]"), CHOICES)
    assert one.here.view.address == "127.0.0.1"


def test_a_compute_host_makes_no_secrets(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.etc.mkdir(parents=True)
    (paths.etc / "secrets.json").write_text('{"user/nova": "given"}')
    found = site.on_this_host(paths, spec.loads(TEXT), CHOICES, HOSTS)
    assert found.view.cloud.secrets == {"user/nova": "given"}
    assert (paths.etc / "secrets.json").read_text() == '{"user/nova": "given"}'


def test_the_leader_is_the_machine_with_the_control_hosts_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = facts.gather()
    monkeypatch.setattr(
        facts, "gather", lambda disks=(): replace(here, addresses=(ip_address("192.0.2.11"),))
    )
    assert cluster.here(spec.loads(TEXT)) == "c1"
    assert cluster.here(spec.loads("version: 1")) is None


def test_elsewhere_the_command_is_refused_and_says_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = facts.gather()
    monkeypatch.setattr(
        facts, "gather", lambda disks=(): replace(here, addresses=(ip_address("192.0.2.21"),))
    )
    with pytest.raises(BadInput, match=r"not the control host.* 192\.0\.2\.11") as raised:
        cluster.here(spec.loads(TEXT, "cloud.yaml"))
    assert str(raised.value.where) == "cloud.yaml:3:25"
    assert "run the command on c1" in raised.value.hint


def test_the_apis_listen_on_the_control_hosts_address() -> None:
    assert spec.loads(TEXT).listen.url == "https://192.0.2.11:8080"
    named = spec.loads("platform: {listen: {address: 192.0.2.99}}\n" + TEXT)
    assert named.listen.url == "https://192.0.2.99:8080"
    one = "hosts: [{name: c1, address: 192.0.2.11}]"
    assert spec.loads(one).listen.url == "http://127.0.0.1:8080"
