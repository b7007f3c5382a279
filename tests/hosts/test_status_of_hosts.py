"""What `status` says of the other hosts: their processes, those that cannot be asked, those of another version, those
whose clocks differ."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.health import hosts
from onestack.health.process_status import ProcessStatus
from onestack.platform.hosts import cluster


class Far:
    """Another host. `pid`: of its only process, None: it is stopped. `ahead`: its clock, in seconds. Its agent
    takes a while to start."""

    def __init__(
        self, name: str, pid: int | None = 7, *, same_version: bool = True, ahead: float = 0.0
    ) -> None:
        self.name = name
        self.same_version = same_version
        self.pid = pid
        self.ahead = ahead
        self.started = False

    def ask(self, verb: str, given: dict[str, Any], kind: Any) -> Any:
        if not self.started:
            time.sleep(0.05)
            self.started = True
        if verb == "clock":
            return time.time() + self.ahead
        if verb == "watchers":
            assert self.same_version, "an older agent does not know it"
            return ["keeper does not run; see `onestack logs keeper`"]
        assert verb == "status"
        return [ProcessStatus("nova", "RUNNING", self.pid)]


def collected(
    monkeypatch: pytest.MonkeyPatch, found: list[Far], failed: dict[str, BaseException]
) -> hosts.Elsewhere:
    @contextmanager
    def reachable(paths: Paths) -> Iterator[tuple[list[Far], dict[str, BaseException]]]:
        yield found, failed

    monkeypatch.setattr(cluster, "reachable", reachable)
    return hosts.collect(Paths(Path("/nowhere")))


def test_each_hosts_processes_and_what_watches_them(monkeypatch: pytest.MonkeyPatch) -> None:
    away: dict[str, BaseException] = {
        "n3": PermanentError("n3 cannot be reached", detail="a\nPermission denied")
    }
    found = collected(monkeypatch, [Far("n1"), Far("n2", None)], away)
    assert [(each.host, each.name) for each in found.processes] == [("n1", "nova"), ("n2", "nova")]
    assert found.unreachable == ("host n3: n3 cannot be reached (Permission denied)",)
    # Where nothing runs, nothing watches.
    assert found.watchers == ("on n1: keeper does not run; see `onestack logs keeper`",)
    assert found.warnings == ()


def test_a_host_of_another_version_is_read_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = collected(monkeypatch, [Far("n1", same_version=False)], {})
    assert [each.host for each in found.processes] == ["n1"]
    assert found.warnings == (
        "n1 has another version of OneStack than this host; `onestack up` brings it to this one",
    )


@pytest.mark.parametrize("ahead", [2.5, -2.5])
def test_a_clock_that_is_off_is_named(monkeypatch: pytest.MonkeyPatch, ahead: float) -> None:
    found = collected(monkeypatch, [Far("n1"), Far("n2", ahead=ahead), Far("n3", ahead=0.5)], {})
    assert found.late == (
        "the clock of n2 differs by 2.5 s: have a time service run on every host (chrony, systemd-timesyncd)",
    )
