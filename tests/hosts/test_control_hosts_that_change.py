"""What a file may ask of a cloud's control hosts, and which host may take the place of which."""

from __future__ import annotations

import pytest

from hosts.test_three_control_hosts import OVN_STATUS
from onestack import spec
from onestack.platform.hosts import control_hosts
from onestack.platform.infrastructure import ovn_databases
from onestack.spec import Spec


def cloud(control: str, compute: str = "n1", first: str = "") -> Spec:
    """A spec with these hosts, by their names."""
    names = control.split()
    lines = ["version: 1"]
    if len(names) > 1:
        lines.append(f"platform: {{address: 192.0.2.10{first}}}")
    lines.append("hosts:")
    for role, there in (("control, network, compute", names), ("compute", compute.split())):
        lines += [f"  - {{name: {each}, address: {address(each)}, roles: [{role}]}}" for each in there]
    return spec.loads("\n".join(lines) + "\n", "cloud.yaml")


def address(name: str) -> str:
    return f"192.0.2.{(10 if name[0] == 'c' else 20) + int(name[1])}"


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("c1", "c1"),
        ("c1", "c1 c2 c3"),
        ("c1 c2 c3", "c1 c3 c2"),
        ("c1 c2 c3", "c1 c2 c3 c4 c5"),
    ],
)
def test_more_control_hosts_are_taken_on(before: str, wanted: str) -> None:
    assert control_hosts.obstacle(before.split(), cloud(wanted)) is None


def test_a_cloud_does_not_go_back_to_fewer() -> None:
    wrong = control_hosts.obstacle(["c1", "c2", "c3"], cloud("c1", compute="c2 c3"))
    assert wrong is not None
    assert "the cloud has 3 control hosts, the spec 1: c2, c3 have copies of its databases" in wrong.summary
    assert "`onestack host replace c2 --with HOST`" in wrong.hint
    assert str(wrong.where).startswith("cloud.yaml:")
    assert control_hosts.obstacle(["c1", "c2", "c3", "c4", "c5"], cloud("c1 c2 c3")) is not None


def test_two_are_refused_by_the_file_alone() -> None:
    with pytest.raises(spec.BadSpec, match="2 control hosts bear the loss of no more of them than 1"):
        cloud("c1 c2")


def test_another_control_host_takes_the_place_of_one_by_a_command_of_its_own() -> None:
    wrong = control_hosts.obstacle(["c1", "c2", "c3"], cloud("c1 c3 c4"))
    assert wrong is not None
    assert wrong.summary == "the spec has the control host c4 in place of c2"
    assert "`onestack host replace c2 --with c4 cloud.yaml`" in wrong.hint


def test_the_leader_stays_the_first() -> None:
    wrong = control_hosts.obstacle(["c1", "c2", "c3"], cloud("c2 c1 c3"))
    assert wrong is not None
    assert wrong.hint == "list c1 before the other control hosts"


def test_a_control_host_is_not_removed() -> None:
    controls = ["c1", "c2", "c3"]
    assert control_hosts.unremovable("n1", controls, "c1") is None
    wrong = control_hosts.unremovable("c2", controls, "c1")
    assert wrong is not None
    assert "2 would be left" in wrong.summary
    assert "`onestack host replace c2 --with HOST FILE`" in wrong.hint
    assert control_hosts.unremovable("c1", ["c1"], "c1") is not None


@pytest.mark.parametrize(
    ("name", "other", "wanted", "compute"),
    [
        ("c2", "c4", "c1 c3 c4", "n1"),
        ("c2", "c4", "c1 c4 c3", "n1"),
        ("c2", "n1", "c1 c3 n1", ""),
    ],
)
def test_a_host_takes_the_place_of_a_control_host(name: str, other: str, wanted: str, compute: str) -> None:
    assert control_hosts.unreplaceable(name, other, cloud("c1 c2 c3"), cloud(wanted, compute)) is None


@pytest.mark.parametrize(
    ("name", "other", "wanted", "compute", "why"),
    [
        ("c9", "c4", "c1 c3 c4", "n1", "this cloud has no host 'c9'"),
        ("c1", "c4", "c2 c3 c4", "n1", "c1 leads the cloud"),
        ("n1", "n2", "c1 c2 c3", "n2", "n1 is no control host"),
        ("c2", "c3", "c1 c3 c4", "n1", "c3 is a control host of the cloud already"),
        ("c2", "c4", "c1 c2 c3", "n1", "the file still has c2"),
        ("c2", "c4", "c1 c3 c5", "n1 c4", "no host c4 with the role control"),
        ("c2", "c4", "c1 c3 c4", "n1 n2", "changes more than c2: n2"),
        ("c2", "c4", "c1 c3 c4", "", "changes more than c2: n1"),
        ("c2", "c4", "c1 c4 c5", "n1 c3", "changes more than c2: c5"),
        ("c2", "c4", "c3 c1 c4", "n1", "first control host is c3"),
    ],
)
def test_what_cannot_take_its_place_is_refused(
    name: str, other: str, wanted: str, compute: str, why: str
) -> None:
    wrong = control_hosts.unreplaceable(name, other, cloud("c1 c2 c3"), cloud(wanted, compute))
    assert wrong is not None
    assert why in wrong.summary


def test_a_changed_platform_is_no_part_of_it() -> None:
    wanted = cloud("c1 c3 c4", first=", exclude: [dashboard]")
    wrong = control_hosts.unreplaceable("c2", "c4", cloud("c1 c2 c3"), wanted)
    assert wrong is not None
    assert wrong.summary == "the file changes the platform, too"


def test_ovns_member_is_found_by_its_address() -> None:
    status = (
        OVN_STATUS.format(leader="1f2a") + "\n    aa11 (aa11 at ssl:[2001:db8::1]:6643) last msg 1 ms ago\n"
    )
    assert ovn_databases.server_at(status, "ssl:192.0.2.13:6643") == "77c0"
    assert ovn_databases.server_at(status, "ssl:192.0.2.11:6643") == "8d1e"
    assert ovn_databases.server_at(status, "ssl:[2001:db8::1]:6643") == "aa11"
    assert ovn_databases.server_at(status, "ssl:192.0.2.1:6643") == ""
