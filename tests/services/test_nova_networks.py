"""Nova asks Neutron once for what is fixed about a network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import nova_networks

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
