"""What several threads ask a service to make at a time is asked by one request; each gets its own answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import pytest

from onestack.core.errors import TemporaryError
from onestack.resources.gathered import Gathered
from onestack.resources.rest import Access, Fault, PassingFault

SECONDS = 10.0


class Neutron:
    """Makes ports; the first request waits until the others have come."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.error: Callable[[list[str]], Exception | None] = lambda names: None
        self.begun, self.go_on = Event(), Event()

    def rest(self, service: str) -> Neutron:
        assert service == "network"
        return self

    def post(self, path: str, body: Any) -> Any:
        assert path == "/ports"
        many = "ports" in body
        bodies = body["ports"] if many else [body["port"]]
        names = [each["name"] for each in bodies]
        self.requests.append(names)
        if len(self.requests) == 1:
            self.begun.set()
            assert self.go_on.wait(SECONDS)
        error = self.error(names)
        if error:
            raise error
        made = [{**each, "id": f"id of {each['name']}"} for each in bodies]
        return {"ports": made} if many else {"port": made[0]}


def ask(neutron: Neutron, *names: str) -> dict[str, Future[Any]]:
    """The first is under way before the others ask."""
    gathered = Gathered(cast(Access, neutron))

    def make(name: str) -> Any:
        return gathered.make("network", "/ports", "port", "ports", {"name": name})["id"]

    with ThreadPoolExecutor() as pool:
        asked = {names[0]: pool.submit(make, names[0])}
        assert neutron.begun.wait(SECONDS)
        asked |= {name: pool.submit(make, name) for name in names[1:]}
        (gathering,) = gathered._kinds.values()
        while len(gathering._waiting) < len(names) - 1:
            assert not any(each.done() for each in asked.values())
        neutron.go_on.set()
    return asked


def test_who_comes_while_one_is_under_way_goes_together_with_the_next() -> None:
    neutron = Neutron()
    asked = ask(neutron, "a", "b", "c", "d")
    assert {name: each.result() for name, each in asked.items()} == {
        name: f"id of {name}" for name in ("a", "b", "c", "d")
    }
    first, together = neutron.requests
    assert first == ["a"]
    assert sorted(together) == ["b", "c", "d"]


def test_one_that_is_refused_does_not_stop_the_others() -> None:
    neutron = Neutron()
    neutron.error = lambda names: (
        Fault(400, "no such group", "network", "POST", "-") if "c" in names else None
    )
    asked = ask(neutron, "a", "b", "c")
    assert asked["b"].result() == "id of b"
    with pytest.raises(Fault, match="no such group"):
        asked["c"].result()
    assert sorted(neutron.requests[2:]) == [["b"], ["c"]]


def test_what_passes_is_each_ones_to_try_again() -> None:
    neutron = Neutron()
    passing = PassingFault(502, "broken", "network", "POST", "-", 1.0)
    neutron.error = lambda names: passing if len(names) > 1 else None
    asked = ask(neutron, "a", "b", "c")
    for name in ("b", "c"):
        with pytest.raises(TemporaryError) as caught:
            asked[name].result()
        # Whether it was made, nobody knows.
        assert caught.value.unsure
    assert len(neutron.requests) == 2


def test_an_answer_that_is_too_short_is_an_error_of_all() -> None:
    class Short(Neutron):
        def post(self, path: str, body: Any) -> Any:
            answer = super().post(path, body)
            return {"ports": answer["ports"][1:]} if "ports" in answer else answer

    asked = ask(Short(), "a", "b", "c")
    for name in ("b", "c"):
        with pytest.raises(ValueError, match="zip"):
            asked[name].result()
