"""What a control host keeps so that it can become the leader."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.platform import site
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts import cluster, giving, inheritance, known, succession
from onestack.platform.view import HostView
from onestack.spec import loads

SPEC = """\
name: three
platform: {address: 10.77.0.10}
hosts:
  - {name: c1, address: 10.77.0.11, roles: [control, compute]}
  - {name: n1, address: 10.77.0.21, roles: [compute]}
  - {name: c2, address: 10.77.0.12, roles: [control, network]}
  - {name: c3, address: 10.77.0.13, roles: [control]}
tenants: [{name: shop}]
"""
OF_OTHERS = SPEC.partition("tenants")[0]


def host(folder: Path, name: str, spec: str) -> Paths:
    """What a host has of the cloud, below a folder of its own."""
    paths = Paths.at(str(folder / name))
    paths.etc.mkdir(parents=True)
    site.spec_file(paths).write_text(spec)
    Choices(name, "qemu", "netdev", False, "/b", "/e", "/r", {}).save(choices_file(paths))
    views = [
        HostView(each.name, str(each.address), "qemu", "netdev", frozenset(each.roles))
        for each in loads(SPEC).hosts
    ]
    known.save(paths, known.Hosts("c1", tuple(views)))
    return paths


@pytest.fixture
def leader(tmp_path: Path) -> Paths:
    paths = host(tmp_path, "c1", SPEC)
    for name in ("tls/authority.pem", "tls/hosts/c2.pem", "passwords/shop@ada"):
        file = paths.etc / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name} of c1")
    (paths.etc / "secrets.json").write_text('{"user/admin": "all"}')
    return paths


def test_a_control_host_leads_with_all_that_the_lost_leader_had(leader: Paths, tmp_path: Path) -> None:
    other = host(tmp_path, "c2", OF_OTHERS)
    succession.receive(other, succession.text(leader))
    found = site.load(other)
    assert [each.name for each in succession.spec(found).control_hosts] == ["c2", "c1", "c3"]
    assert not found.leads, "what is read changes nothing"
    succession.take(found, ["c1"])
    now = site.load(other)
    assert now.leads
    assert now.generation == 1
    assert {each.name for each in now.peers if each.given_up} == {"c1"}
    assert [each.name for each in now.spec.tenants] == ["shop"]
    for name in ("secrets.json", "tls/authority.pem", "tls/hosts/c2.pem", "passwords/shop@ada"):
        file = other.etc / name
        assert file.read_text() == (leader.etc / name).read_text()
        assert file.stat().st_mode & 0o777 == 0o600
    assert cluster.led_from_here(other) is not None


def test_who_was_given_nothing_cannot_lead(leader: Paths, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="c2 was given nothing by the leader yet"):
        succession.spec(site.load(host(tmp_path, "c2", OF_OTHERS)))
    compute = host(tmp_path, "n1", OF_OTHERS)
    succession.receive(compute, succession.text(leader))
    with pytest.raises(BadInput, match="n1 is no control host") as refused:
        succession.take(site.load(compute), ["c1"])
    assert "c1" in (refused.value.hint or "")


def test_it_is_given_again_where_something_changed_or_another_host_is_to_have_it(leader: Paths) -> None:
    assert not succession.is_given(leader, succession.text(leader), {"c2", "c3"})
    succession.remember(leader, succession.text(leader), {"c2", "c3"})
    assert succession.is_given(leader, succession.text(leader), {"c3", "c2"})
    assert not succession.is_given(leader, succession.text(leader), {"c2", "c4"})
    (leader.etc / "passwords/shop@ben").write_text("new")
    assert not succession.is_given(leader, succession.text(leader), {"c2", "c3"})


class Other:
    """Another host, which is told, or cannot be."""

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error, self.told = name, error, 0

    def succeed(self, given: str) -> None:
        if self.error:
            raise self.error
        self.told += 1


def test_who_cannot_be_told_is_named_and_told_the_next_time(
    leader: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = [Other("c2"), Other("c3", PermanentError("it knows no succeed")), Other("n1")]
    monkeypatch.setattr(cluster, "reachable", lambda paths: nullcontext((hosts, {})))
    said: list[Event] = []
    giving.give(site.load(leader), said.append)
    assert [each.told for each in hosts] == [1, 0, 0], "compute hosts are told nothing"
    assert "c3 could not lead the cloud" in said[0].message
    hosts[1].error = None
    giving.give(site.load(leader), said.append)
    giving.give(site.load(leader), said.append)
    assert [each.told for each in hosts] == [2, 1, 0]
    assert len(said) == 1


def test_comments_and_the_other_hosts_order_stay() -> None:
    text = succession.with_first(f"# the company's\n{SPEC}", "c3")
    assert text.startswith("# the company's\n")
    assert [each.name for each in loads(text).hosts] == ["c3", "c1", "n1", "c2"]


def test_only_gateways_that_were_on_the_lost_host_alone_move() -> None:
    hosts = {"a": "c1", "b": "c1", "c": "c2", "d": "c2"}
    assert inheritance.alone_on("c1", [["a"], ["b", "c"], ["d"], []], hosts) == ["a"]
    assert inheritance.alone_on("c3", [["a"], []], hosts) == []
