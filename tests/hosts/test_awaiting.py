"""At boot the leader waits for the other control hosts, and says for whom, and how it ended."""

from __future__ import annotations

import pytest

from onestack import spec
from onestack.core.errors import PermanentError
from onestack.core.events import Event
from onestack.core.graph import Task
from onestack.platform.hosts import awaiting

HOSTS = spec.loads("""\
platform: {address: 192.0.2.10}
hosts:
  - {name: c1, address: 192.0.2.11}
  - {name: c2, address: 192.0.2.12, roles: [control]}
  - {name: c3, address: 192.0.2.13, roles: [control]}
""").control_hosts[1:]


class Others:
    """The hosts, as they come back. `rounds`: those that do not answer, each time they are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *rounds: set[str]) -> None:
        self._rounds = list(rounds)
        self.said: list[Event] = []
        monkeypatch.setattr(awaiting, "execute", self._execute)

    def _execute(self, tasks: list[Task], workers: int) -> dict[str, BaseException]:
        away = self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]
        return {each.name: PermanentError("no answer") for each in tasks if each.name in away}

    def wait(self, seconds: float) -> list[str]:
        awaiting.control_hosts(HOSTS, seconds, self.said.append)
        return [each.message for each in self.said if each.message]


def test_nothing_is_said_where_all_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Others(monkeypatch, set()).wait(60) == []


def test_it_waits_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Others(monkeypatch, {"c2", "c3"}, {"c3"}, set()).wait(60)
    assert said[0] == "waiting up to 60 s for c2, c3"
    assert said[-1] == "all answer"


def test_a_majority_waits_a_while_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaiting, "GRACE_SECONDS", 0.0)
    assert Others(monkeypatch, {"c2", "c3"}, {"c3"}).wait(60)[-1] == "without c3"


def test_after_the_deadline_it_says_who_did_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Others(monkeypatch, {"c2", "c3"}).wait(0.05)[-1] == "no answer from c2, c3 in 0 s"
