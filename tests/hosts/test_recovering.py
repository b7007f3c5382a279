"""What was found after the loss of a majority of control hosts, and what is done then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hosts.conftest import Views, replicated
from onestack.core.errors import BadInput
from onestack.platform import between_hosts, bus_nodes, layout
from onestack.platform.hosts import standing
from onestack.platform.hosts.members import Member
from onestack.platform.hosts.recovery import ACCEPT, decide, require_accepted
from onestack.platform.infrastructure import galera, gateway, ovn_databases, rabbitmq
from onestack.platform.view import View

THREE = ["c1", "c2", "c3"]
FIVE = [*THREE, "c4", "c5"]
OLD, NEW = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def away(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "no answer")


def database(host: str, newness: int = -1, *, last: bool = False) -> Member:
    return Member("galera", host, "", last, newness)


@pytest.mark.parametrize(("controls", "lost"), [(THREE, ()), (THREE, ("c3",)), (FIVE, ("c2", "c4"))])
def test_with_a_majority_up_is_the_way(controls: list[str], lost: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="a majority: nothing has to be given up") as refused:
        decide(controls, "c1", away(*lost), [])
    assert "onestack up" in (refused.value.hint or "")
    assert ("--leave-unreachable" in (refused.value.hint or "")) == bool(lost)


def test_the_only_one_left_begins() -> None:
    found = decide(THREE, "c1", away("c2", "c3"), [database("c1", 7)])
    assert (found.lost, found.remaining, found.begins) == (("c2", "c3"), ("c1",), "c1")
    assert not found.proved
    assert found.steps[0].startswith("c2, c3: given up")


@pytest.mark.parametrize(
    ("members", "begins", "proved"),
    [
        ([database("c1", 7), database("c4", 9)], "c4", False),
        ([database("c1", 9), database("c4", 9)], "c1", False),
        ([database("c1", 9), database("c4", 7, last=True)], "c4", True),
        ([database("c4")], "c4", False),
    ],
)
def test_of_several_the_newest_begins(members: list[Member], begins: str, proved: bool) -> None:
    found = decide(FIVE, "c1", away("c2", "c3", "c5"), members)
    assert (found.begins, found.proved) == (begins, proved)


def test_without_the_leader_another_one_leads_and_a_majority_has_all() -> None:
    found = decide(THREE, "c2", away("c1"), [database("c2", 7), database("c3", 7)], "c1")
    assert (found.lost, found.remaining, found.begins) == (("c1",), ("c2", "c3"), "c2")
    assert found.proved
    assert found.steps[0].startswith("c2: leads the cloud in place of c1")
    alone = decide(THREE, "c2", away("c1", "c3"), [database("c2", 7)], "c1")
    assert (alone.lost, alone.proved) == (("c1", "c3"), False)


def test_a_leader_that_is_reached_goes_on_leading() -> None:
    with pytest.raises(BadInput, match="c1 leads the cloud, and is reached") as refused:
        decide(THREE, "c2", away("c3"), [], "c1")
    assert "switch c1 off" in (refused.value.hint or "")


def test_what_may_be_lost_needs_an_option() -> None:
    unsure = decide(THREE, "c1", away("c2", "c3"), [database("c1", 7)])
    with pytest.raises(BadInput, match="c2, c3 may have newer data than c1") as refused:
        require_accepted(unsure, accepted=False)
    assert ACCEPT in (refused.value.hint or "")
    require_accepted(unsure, accepted=True)
    require_accepted(decide(THREE, "c1", away("c2", "c3"), [database("c1", last=True)]), accepted=False)


@pytest.mark.parametrize(
    ("state", "last", "newness"),
    [
        ("", False, -1),
        ("# GALERA saved state\nversion: 2.1\nuuid:    u\nseqno:   -1\nsafe_to_bootstrap: 0\n", False, -1),
        ("# GALERA saved state\nversion: 2.1\nuuid:    u\nseqno:   17\nsafe_to_bootstrap: 0\n", False, 17),
        ("# GALERA saved state\nversion: 2.1\nuuid:    u\nseqno:   17\nsafe_to_bootstrap: 1\n", True, 17),
    ],
)
def test_what_mariadb_wrote_down(state: str, last: bool, newness: int) -> None:
    assert galera.stopped(state)[1:] == (last, newness)


def test_what_was_written_before_a_recovery_is_older_than_all_after_it() -> None:
    states = {
        "c1": f"{NEW}:5 generation 1",
        "c2": f"{OLD}:9000 generation 0",
        "c3": f"{OLD}:9001 generation 0",
    }
    assert galera.choose(states, "c2") == "c1"
    assert galera.choose({"c2": f"{OLD}:9000 generation 0", "c3": f"{OLD}:9001 generation 0"}, "c2") == "c3"


def test_ovn_begins_with_what_was_before_and_joins_what_is() -> None:
    earlier, member = ovn_databases.EARLIER, ovn_databases.MEMBER
    assert ovn_databases.choose({"c1": earlier, "c2": ""}, "c1") == "c1"
    assert ovn_databases.choose({"c1": ovn_databases.ALONE, "c2": earlier}, "c1") == "c2"
    assert ovn_databases.choose({"c1": member, "c2": earlier}, "c1") is None


def recovered(views: Views) -> View:
    """As c1 is after c2 and c3 were lost."""
    view = views["c1"]
    peers = tuple(replace(each, given_up=each.name in ("c2", "c3")) for each in view.peers)
    return replace(view, cloud=replace(view.cloud, generation=1), peers=peers)


def test_those_that_were_given_up_are_members_of_nothing() -> None:
    before, view = replicated()["c1"], recovered(replicated())
    assert [each.name for each in view.controls] == ["c1"]
    assert view.replicated
    assert {each.name for each in layout.processes(view)} == {each.name for each in layout.processes(before)}
    others = [each.address for each in view.hosts if each.given_up]
    assert not [each for each in others if each in bus_nodes.addresses(view)]
    for line in between_hosts.rules(view, "t").splitlines():
        if str(ovn_databases.NORTH.raft_port) in line:
            assert not [each for each in others if each in line]


def test_its_clusters_are_other_ones() -> None:
    before, view = replicated()["c1"], recovered(replicated())
    assert "wsrep_cluster_name = onestack\n" in galera.settings(before)
    assert "wsrep_cluster_name = onestack-1\n" in galera.settings(view)
    assert ovn_databases.NORTH.file(before) != ovn_databases.NORTH.file(view)
    folders = [rabbitmq.environment(each)["RABBITMQ_MNESIA_BASE"] for each in (before, view)]
    assert folders[0] != folders[1]


def test_a_lone_member_knows_other_addresses_and_so_starts_again_after_a_failure() -> None:
    assert galera.settings(recovered(replicated())).count("gcomm://") == 1
    (line,) = (each for each in galera.settings(recovered(replicated())).splitlines() if "gcomm://" in each)
    assert line.count(",") == 2


def test_a_host_learns_that_it_was_given_up() -> None:
    assert '"1 c1"' in gateway.files(recovered(replicated()))["api-gateway/haproxy.cfg"]
    assert standing.newer("c2", 0, [("c1", "1 c1"), ("c3", "0 c1 c2 c3")]) == ["c1"]
    # It was taken on again, but does not know yet; or nobody knows anything.
    assert not standing.newer("c2", 0, [("c1", "1 c1 c2"), ("c3", "")])
    assert not standing.newer("c2", 1, [("c1", "1 c1 c2")])
