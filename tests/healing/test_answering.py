"""When a guest that was started elsewhere is taken to answer."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.compute.v2.server import Server
from openstack.exceptions import NotFoundException, SDKException
from openstack.load_balancer.v2.health_monitor import HealthMonitor
from openstack.load_balancer.v2.member import Member as Member_
from openstack.load_balancer.v2.pool import Pool
from openstack.network.v2.port import Port

from onestack.cli.healing import _answer
from onestack.health.healing.answering import (
    BALANCER,
    CONSOLE,
    Answers,
    Cloud,
    Member,
    console_says_up,
    entry,
)
from onestack.health.healing.evacuation import Guest
from onestack.health.healing.history import Event, change, save
from onestack.platform.keyvalue import Kept

WEB = Guest("1", "web", 0)


@pytest.mark.parametrize(
    ("text", "up"),
    [
        ("", False),
        ("[    1.2] Freeing unused kernel memory\n", False),
        ("Last login: yesterday\nwelcome", False),
        ("Debian GNU/Linux 13 web ttyS0\r\n\r\nweb login: ", True),
        ("Please press Enter to activate this console. ", True),
        ("Cloud-init v. 24.1 finished at Sat, 28 Nov 2026\nmore", True),
    ],
)
def test_a_console_shows_when_a_guest_has_started(text: str, up: bool) -> None:
    assert console_says_up(text) is up


def test_what_a_monitor_found_before_the_loss_is_no_answer() -> None:
    one = Member("p", "m", stale=20.0)
    assert [one.answers("ONLINE", 5), one.answers("ONLINE", 20)] == [False, True]
    other = Member("p", "m", stale=20.0)
    assert [other.answers("ERROR", 1), other.answers("ONLINE", 2)] == [False, True]


@dataclass
class Pretended:
    """Answers as told."""

    state: str = "ACTIVE"
    text: str = ""
    of: list[Member] = field(default_factory=list)
    found: str = "ERROR"

    def status(self, ident: str) -> str:
        return self.state

    def console(self, ident: str) -> str:
        return self.text

    def members(self, ident: str) -> list[Member]:
        return [dataclasses.replace(each) for each in self.of]

    def member_status(self, member: Member) -> str:
        return self.found

    def ports(self, ident: str) -> str:
        return "its ports are up"


def looked(cloud: Pretended, *moments: float, seconds: float = 60) -> list[tuple[str, bool, str]]:
    """What is said of a guest that ran at 0, after looks at these moments."""
    said: list[tuple[str, bool, str]] = []
    now = [0.0]
    whole: Any = cloud
    answers = Answers(
        lambda: whole, lambda g, ok, words: said.append((g.name, ok, words)), lambda: now[0], seconds
    )
    answers.expect(WEB)
    for moment in moments:
        now[0] = moment
        answers.look(whole)
    return said


def test_each_guest_is_told_once_and_by_what() -> None:
    assert looked(Pretended(text="web login: "), 1, 2) == [("web", True, CONSOLE)]
    assert looked(Pretended(), 1, 2) == []


def test_a_balancers_monitor_comes_before_the_console() -> None:
    members = [Member("p", "m", stale=10)]
    assert looked(Pretended(text="web login: ", of=members), 1, 2) == []
    assert looked(Pretended(of=members, found="ONLINE"), 1, 11) == [("web", True, BALANCER)]


def test_a_guest_that_says_nothing_is_not_waited_for_for_ever() -> None:
    (found,) = looked(Pretended(), 30, 61)
    assert found[:2] == ("web", False)
    assert "not seen to answer within 60 s; its ports are up" in found[2]


def test_a_stopped_guest_is_not_asked() -> None:
    assert looked(Pretended(state="SHUTOFF"), 1) == [("web", False, "it is stopped")]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (NotFoundException("gone"), [("web", False, "it was deleted")]),
        (SDKException("503"), [("web", False, "the APIs did not answer")]),
    ],
)
def test_what_cannot_be_asked_ends_too(trouble: Exception, said: list[tuple[str, bool, str]]) -> None:
    class Silent(Pretended):
        def status(self, ident: str) -> str:
            raise trouble

    assert looked(Silent(), 1, 61) == said


class Balancers:
    """Octavia with two pools of a tenant, one with a health monitor. Answers are openstacksdk's own objects."""

    def pools(self, project_id: str) -> list[Any]:
        assert project_id == "shop"
        return [Pool.existing(id="plain"), Pool.existing(id="web", healthmonitor_id="h")]

    def get_health_monitor(self, ident: str) -> Any:
        assert ident == "h"
        return HealthMonitor.existing(id="h", delay=5, timeout=3, max_retries_down=4)

    def members(self, pool: Any) -> list[Any]:
        assert pool.id == "web"
        return [Member_.existing(id=f"at-{last}", address=f"10.1.0.{last}") for last in (7, 8)]

    def get_member(self, ident: str, pool: str) -> Any:
        return Member_.existing(id=ident, operating_status="ONLINE" if pool == "web" else "ERROR")


def asked(**compute: Any) -> Any:
    addresses = {"front": [{"addr": "10.1.0.8", "version": 4}]}
    one = Server.existing(id="1", status="ACTIVE", tenant_id="shop", addresses=addresses)
    ports = [Port.existing(status="ACTIVE"), Port.existing(status="DOWN")]
    return SimpleNamespace(
        compute=SimpleNamespace(get_server=lambda ident: one, **compute),
        load_balancer=Balancers(),
        network=SimpleNamespace(ports=lambda device_id: ports if device_id == "1" else []),
    )


def test_its_members_are_those_at_its_addresses_in_pools_with_a_monitor() -> None:
    cloud = Cloud(asked(), balanced=True)
    (found,) = cloud.members("1")
    # The monitor takes four failures, five seconds apart, and each may take three.
    assert found == Member("web", "at-8", stale=23.0)
    assert cloud.member_status(found) == "ONLINE"
    assert Cloud(asked(), balanced=False).members("1") == []


def test_what_else_is_asked_of_it() -> None:
    def output(ident: str, length: int) -> dict[str, Any]:
        return {"output": f"the last {length} lines"} if ident == "1" else {"output": None}

    cloud = Cloud(asked(get_server_console_output=output), balanced=False)
    assert (cloud.status("1"), cloud.console("1"), cloud.console("2")) == ("ACTIVE", "the last 40 lines", "")
    assert (cloud.ports("1"), cloud.ports("2")) == ("1 of its 2 ports are down", "it has no port")


class Store:
    """etcd's keys, as far as history needs them."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        self.keys[key] = value

    def get(self, key: str) -> Kept | None:
        return Kept(self.keys[key], 1) if key in self.keys else None

    def below(self, prefix: str) -> dict[str, Kept]:
        return {k.removeprefix(prefix): Kept(v, 1) for k, v in self.keys.items() if k.startswith(prefix)}


def test_an_answer_that_comes_late_leaves_the_rest_of_the_event() -> None:
    store: Any = Store()
    event = Event("1-n1", "n1", "lost", "c1", 1.0, moved=[{"id": "1", "answered": None, "seen": ""}])
    save(store, event)
    change(store, "1-n1", lambda found: setattr(found, "returned", 9.0))

    def answered(found: Event) -> None:
        one = entry(found.moved, "1")
        assert one is not None
        one.update(answered=31.0, seen=CONSOLE)

    change(store, "1-n1", answered)
    change(store, "of another time", answered)
    (kept,) = (Event.of(json.loads(each)) for each in store.keys.values())
    assert (kept.returned, kept.moved[0]["answered"]) == (9.0, 31.0)
    assert entry(kept.moved, "2") is None


def test_the_history_says_when_it_answered() -> None:
    assert _answer({}) == ""
    assert _answer({"answered": 31.2, "seen": CONSOLE}) == "; it answered after 31 s (its console)"
    assert _answer({"answered": None, "seen": "it is stopped"}) == "; it is stopped"
