"""What a healer takes for lost, and when it does nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.health.healing.decide import Record, Watch
from onestack.health.healing.evacuation import guest, in_order
from onestack.health.healing.fencing import command, switch_off
from onestack.health.healing.lease import restrained, rules
from onestack.platform.infrastructure.lease import LEFT, SERVING
from onestack.platform.keyvalue import Kept
from onestack.spec.healing import Fence


def watched(renewing: dict[str, bool], seconds: int, state: str = SERVING) -> Watch:
    """What a healer saw after so many seconds in which some hosts renewed their leases."""
    watch = Watch(sorted(renewing), 0.5)
    for now in range(seconds + 1):
        watch.observe(
            now, {n: Kept(json.dumps({"state": state}), now if r else 1) for n, r in renewing.items()}
        )
        watch.judge(now, ())
    return watch


def test_one_silent_host_of_three_is_lost_after_fifteen_seconds() -> None:
    hosts = {"c1": True, "n1": False, "n2": True}
    assert watched(hosts, 14).judge(14, ()).lost == ()
    found = watched(hosts, 16).judge(16, ())
    assert (found.lost, found.restrained) == (("n1",), False)


def test_a_fence_agent_is_asked_sooner() -> None:
    found = watched({"c1": True, "n1": False, "n2": True}, 11).judge(11, ())
    assert (found.by_fence, found.lost) == (("n1",), ())


def test_nothing_is_lost_while_half_of_the_hosts_are_silent() -> None:
    found = watched({"n1": False, "n2": False, "n3": True, "n4": True}, 60).judge(60, ())
    assert (found.lost, found.restrained, found.suspects) == ((), True, ("n1", "n2"))


def test_after_too_many_were_silent_it_waits_anew() -> None:
    watch = watched({"n1": False, "n2": False, "n3": True}, 40)
    for now in range(41, 54):
        watch.observe(now, {n: Kept('{"state": "serving"}', 1 if n == "n1" else now) for n in watch.names})
        assert watch.judge(now, ()).lost == ()
    for now in range(54, 58):
        watch.observe(now, {n: Kept('{"state": "serving"}', 1 if n == "n1" else now) for n in watch.names})
    assert watch.judge(57, ()).lost == ("n1",)


def test_a_healer_that_did_not_read_for_a_while_counts_anew() -> None:
    watch = watched({"c1": True, "n1": False, "n2": True}, 8)
    for now in (68, 69, 70):
        watch.observe(now, {n: Kept('{"state": "serving"}', 1 if n == "n1" else now) for n in watch.names})
    assert watch.judge(70, ()).suspects == ()


def test_a_host_that_was_stopped_in_order_is_not_lost() -> None:
    found = watched({"c1": True, "n1": False, "n2": True}, 60, state=LEFT).judge(60, ())
    assert (found.lost, found.suspects) == ((), ())


def test_a_host_without_a_lease_is_not_lost() -> None:
    watch = Watch(("c1", "n1"), 0.5)
    for now in range(60):
        watch.observe(now, {"c1": Kept('{"state": "serving"}', now)})
    assert watch.judge(59, ()).lost == ()


def test_fenced_hosts_are_not_counted_again() -> None:
    watch = watched({"n1": False, "n2": False, "n3": True}, 40)
    for now in range(41, 60):
        watch.observe(now, {n: Kept('{"state": "serving"}', now if n == "n3" else 1) for n in watch.names})
        found = watch.judge(now, ("n1",))
    assert (found.restrained, found.lost) == (False, ("n2",))


@pytest.mark.parametrize(
    ("lost", "total", "share", "wanted"),
    [(1, 2, 0.5, False), (2, 4, 0.5, True), (1, 3, 0.5, False), (2, 3, 0.5, True), (2, 5, 0.5, False),
     (1, 1, 0.5, True), (3, 4, 1.0, False), (4, 4, 1.0, True), (0, 3, 0.5, False)],
)  # fmt: skip
def test_restraint(lost: int, total: int, share: float, wanted: bool) -> None:
    assert restrained(lost, total, share) is wanted


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '"x"', "null"])
def test_a_lease_that_cannot_be_read_is_unknown(text: str) -> None:
    assert Record.of(text).state == "unknown"


def server(name: str, **more: Any) -> Any:
    plain = {"id": name, "name": name, "status": "ACTIVE", "metadata": {}, "image": {"id": "i"}}
    return SimpleNamespace(**{**plain, **more})


def stays(one: Any, *, ceph: bool = False, volumes: tuple[str, ...] = ()) -> bool:
    return bool(guest(one, disks_elsewhere=ceph, volumes_here=volumes).stays)


def test_a_disk_in_a_file_is_built_anew_only_where_it_is_asked_for() -> None:
    assert stays(server("a"))
    assert not stays(server("a", metadata={"healing": "evacuate"}))
    assert not stays(server("a"), ceph=True)
    assert not stays(server("a", image={}))


def test_what_stays_in_any_case() -> None:
    assert stays(server("a", metadata={"healing": "leave"}), ceph=True)
    assert stays(server("a", status="PAUSED"), ceph=True)
    assert stays(server("a", metadata={"healing": "evacuate"}), ceph=True, volumes=("of-c1",))


def test_the_highest_priority_is_first() -> None:
    found = [
        guest(server(name, metadata={"healing_priority": priority}), disks_elsewhere=True, volumes_here=())
        for name, priority in (("b", "x"), ("a", "0"), ("c", "7"), ("d", "-1"))
    ]
    assert [each.name for each in in_order(found)] == ["c", "a", "b", "d"]


BMC = Fence.model_validate(
    {
        "agent": "redfish",
        "address": "192.0.2.9",
        "user": "fence",
        "password_file": "/root/bmc",
        "options": {"ssl_insecure": "1"},
    }
)


def test_a_fence_agent_gets_its_password_on_standard_input() -> None:
    argv, text = command(BMC, "off", "secret")
    assert argv == ["fence_redfish"]
    wanted = ["action=off", "ip=192.0.2.9", "username=fence", "password=secret", "ssl_insecure=1"]
    assert text.splitlines() == wanted


def test_a_host_is_off_only_when_its_agent_says_so_afterwards() -> None:
    fence = Fence.model_validate({"agent": "command", "command": ["/usr/local/bin/bmc", "n1"]})
    called: list[list[str]] = []

    def run(off: int, status: int) -> str:
        def answer(argv: list[str], text: str) -> int:
            called.append(argv)
            return off if argv[-1] == "off" else status

        return switch_off(fence, answer)

    assert "off" in run(0, 2)
    assert called == [["/usr/local/bin/bmc", "n1", "off"], ["/usr/local/bin/bmc", "n1", "status"]]
    for off, status in ((1, 2), (0, 0), (0, 1)):
        with pytest.raises(PermanentError, match="off"):
            run(off, status)


def test_a_hosts_rules_are_those_of_its_spec() -> None:
    ours = rules(True, 0.5, ["n1", "n2"])
    assert ours == rules(True, 0.5, ["n2", "n1"])
    assert ours not in (
        rules(True, 0.5, ["n1"]),
        rules(True, 0.6, ["n1", "n2"]),
        rules(False, 0.5, ["n1", "n2"]),
    )
    assert Record.of(json.dumps({"state": SERVING, "rules": ours})).rules == ours
    assert Record.of(json.dumps({"state": SERVING})).rules == ""


def test_a_host_is_back_only_when_its_lease_was_seen_to_change() -> None:
    watch = watched({"c1": True, "n1": False, "n2": True}, 20)
    assert not watch.is_fresh("n1", 20)
    # The healer was stopped for a minute: it counts anew, and n1 is as silent as before.
    watch.observe(80, {n: Kept('{"state": "serving"}', 1 if n == "n1" else 80) for n in watch.names})
    assert (watch.silence("n1", 80), watch.is_fresh("n1", 80), watch.is_fresh("n2", 80)) == (0, False, True)
    watch.observe(81, {"n1": Kept('{"state": "starting"}', 81)})
    assert watch.is_fresh("n1", 81)
