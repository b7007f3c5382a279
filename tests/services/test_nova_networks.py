"""Nova asks Neutron once for what is fixed about a network."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import nova_networks, threads

ADMIN, USER = SimpleNamespace(admin=True), SimpleNamespace(admin=False)


class Neutron:
    """Nova's client, as far as this goes."""

    asked: list[tuple[bool, str]]

    def __init__(self) -> None:
        self.asked = []

    def _get_physnet_tunneled_info(self, context: Any, neutron: Any, net_id: str) -> tuple[str, bool]:
        self.asked.append((neutron.admin, net_id))
        if net_id == "gone":
            raise LookupError(net_id)
        return f"physical of {net_id}", neutron.admin


@pytest.fixture
def api() -> Neutron:
    class Own(Neutron):
        pass

    nova_networks.remember(Own)
    return Own()


def ask(api: Neutron, who: Any, network: str) -> Any:
    return api._get_physnet_tunneled_info(None, who, network)


def test_an_answer_to_nova_itself_is_remembered_and_none_to_a_user(api: Neutron) -> None:
    asked = ((ADMIN, "a"), (ADMIN, "b"), (USER, "a"), (ADMIN, "a"), (USER, "a"))
    for who, net in asked:
        assert ask(api, who, net) == (f"physical of {net}", who.admin)
    assert api.asked == [(True, "a"), (True, "b"), (False, "a"), (False, "a")]


def test_it_is_asked_again_after_a_while(api: Neutron, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(nova_networks.time, "monotonic", lambda: now[0])
    for seconds in (0, nova_networks.SECONDS, 1):
        now[0] += seconds
        ask(api, ADMIN, "a")
    assert api.asked == [(True, "a")] * 2


def test_what_could_not_be_told_is_asked_again(api: Neutron) -> None:
    for _ in range(2):
        with pytest.raises(LookupError):
            ask(api, ADMIN, "gone")
    assert api.asked == [(True, "gone")] * 2


def test_it_does_not_grow_without_bound(api: Neutron, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nova_networks, "MOST", 2)
    for net in "abca":
        ask(api, ADMIN, net)
    assert api.asked == [(True, net) for net in "abca"]


class Ports:
    """Nova's client of Neutron where a server's ports are checked before it is made."""

    asked: list[tuple[str, str, Any]]

    def __init__(self) -> None:
        self.asked = []

    def _show_port(self, context: Any, port_id: str, neutron_client: Any = None, fields: Any = None) -> Any:
        if port_id == "gone":
            raise LookupError(port_id)
        self.asked.append((port_id, neutron_client or "user", fields))
        return {"id": port_id, "vnic": "normal"}

    def validate_networks(self, context: Any, ports: list[str]) -> int:
        return sum(bool(self._show_port(context, port, neutron_client="user")) for port in ports)

    def is_remote_managed_port(self, context: Any, port: str) -> bool:
        return bool(self._show_port(context, port)["vnic"] == "remote")

    def _get_port_vnic_info(self, context: Any, neutron: Any, port: str) -> str:
        return str(self._show_port(context, port, neutron_client=neutron, fields=["vnic"])["vnic"])


@pytest.fixture
def ports() -> Ports:
    class Own(Ports):
        pass

    nova_networks.look_once(Own)
    return Own()


def checks(ports: Ports, context: Any, port: str) -> None:
    assert ports.validate_networks(context, [port]) == 1
    assert ports._get_port_vnic_info(context, "admin", port) == "normal"
    assert ports.is_remote_managed_port(context, port) is False


def test_the_checks_of_one_request_look_at_a_port_once(ports: Ports) -> None:
    context = SimpleNamespace(is_admin=True)
    checks(ports, context, "a")
    checks(ports, SimpleNamespace(is_admin=True), "a")
    checks(ports, context, "b")
    assert ports.asked == [("a", "user", None), ("a", "user", None), ("b", "user", None)]


def test_what_a_user_was_told_will_not_do_for_nova_itself(ports: Ports) -> None:
    checks(ports, SimpleNamespace(is_admin=False), "a")
    assert ports.asked == [("a", "user", None), ("a", "admin", ["vnic"])]


def test_the_first_check_and_whatever_comes_after_the_checks_ask_anew(ports: Ports) -> None:
    context = SimpleNamespace(is_admin=True)
    for _ in range(2):
        checks(ports, context, "a")
    with pytest.raises(LookupError):
        ports.validate_networks(context, ["gone"])
    ports._show_port(context, "a")
    assert ports.asked == [("a", "user", None)] * 3


def test_what_a_user_was_told_will_not_do_for_a_copy_of_the_request_with_more_rights(ports: Ports) -> None:
    user = SimpleNamespace(is_admin=False)
    ports.validate_networks(user, ["a"])
    assert ports._get_port_vnic_info(SimpleNamespace(**{**vars(user), "is_admin": True}), "admin", "a")
    assert ports.asked == [("a", "user", None), ("a", "admin", ["vnic"])]


def test_a_check_within_a_check_leaves_the_outer_one_as_it_was() -> None:
    here = threading.local()
    seen = []
    with pytest.raises(LookupError), threads.during(here, "check", "first"):
        with threads.during(here, "check", "later"):
            seen.append(here.check)
        seen.append(here.check)
        raise LookupError
    assert [*seen, here.check] == ["later", "first", None]
