"""What `status` says of other hosts: their processes, which cannot be reached, whose clocks differ."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.health import hosts
from onestack.health.process_status import ProcessStatus


class FakeHost:
    """A host whose clock is ahead by so many seconds; its agent takes a while to start."""

    def __init__(self, name: str, ahead: float) -> None:
        self.name = name
        self._ahead = ahead
        self._started = False

    def ask(self, verb: str, given: dict[str, Any], kind: TypeAdapter[Any]) -> Any:
        if not self._started:
            time.sleep(0.05)
            self._started = True
        answer: Any = time.time() + self._ahead
        if verb == "status":
            answer = [asdict(ProcessStatus("nova", "RUNNING", answers=True))]
        return kind.validate_python(answer)


@pytest.mark.parametrize("ahead", [2.5, -2.5])
def test_a_clock_that_is_off_is_named(ahead: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = [FakeHost("n1", 0.0), FakeHost("n2", ahead), FakeHost("n3", 0.5)]

    @contextmanager
    def reachable(paths: Paths) -> Iterator[tuple[list[FakeHost], dict[str, BaseException]]]:
        yield there, {"n4": PermanentError("n4 is not reached", detail="ssh:\ntimed out")}

    monkeypatch.setattr(hosts.cluster, "reachable", reachable)
    found, reasons = hosts.collect(Paths(tmp_path))
    assert [each.host for each in found] == ["n1", "n2", "n3"]
    assert reasons == [
        "host n4: n4 is not reached (timed out)",
        "the clock of n2 differs by 2.5 s: have a time service run on every host (chrony, systemd-timesyncd)",
    ]
