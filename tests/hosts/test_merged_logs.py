"""Logs of several hosts are one log, by time; a host that cannot be asked is named in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from onestack.core.errors import BadInput, PermanentError
from onestack.core.paths import Paths
from onestack.health import merged_logs
from onestack.platform.hosts import cluster

HERE = "2026-11-27 10:00:01 one\n2026-11-27 10:00:05 five\n"

REQUEST = "req-70f56b5a-2984-482c-91f3-356e84b867df"
OWN = "req-b9fafe72-1f54-4ed6-9bd3-11b2cde1b0a7"


class Far:
    """Another host, with logs of its own."""

    name = "n1"
    same_version = True

    def ask(self, verb: str, given: dict[str, Any], kind: Any, emit: Any = None) -> list[tuple[str, str]]:
        assert verb == "logs"
        if "requests" in given:
            return [
                ("nova", f"2026-11-27 10:00:00 3 INFO nova.compute [{each} {OWN} a] far")
                for each in given["requests"]
            ]
        if given["service"] == "mariadb":
            raise BadInput("there is no log of 'mariadb'")
        return [("nova", "2026-11-27 10:00:03 three"), ("nova", "  and more of it")]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    found = Paths(tmp_path)
    found.log.mkdir(parents=True)
    (found.log / "nova.log").write_text(HERE)
    (found.log / "mariadb.log").write_text("2026-11-27 10:00:02 two\n")

    @contextmanager
    def reachable(of: Paths) -> Iterator[tuple[list[Far], dict[str, BaseException]]]:
        yield [Far()], {"n2": PermanentError("n2 cannot be reached")}

    monkeypatch.setattr(cluster, "reachable", reachable)
    monkeypatch.setattr(cluster, "led_from_here", lambda of: object())
    monkeypatch.setattr(cluster, "here_name", lambda of: "c1")
    return found


def read(paths: Paths, service: str | None, host: str | None = None) -> list[tuple[str, str]]:
    return list(merged_logs.lines(paths, service, host, since=None, number=100, follow=False))


def test_lines_of_all_hosts_are_in_the_order_of_time(paths: Paths) -> None:
    assert read(paths, "nova") == [
        ("nova", "2026-11-27 10:00:01 one"),
        ("nova@n1", "2026-11-27 10:00:03 three"),
        ("nova@n1", "  and more of it"),
        ("nova", "2026-11-27 10:00:05 five"),
        ("onestack@n2", "cannot be asked: n2 cannot be reached"),
    ]


def test_a_process_that_only_one_host_has_is_enough(paths: Paths) -> None:
    assert ("mariadb", "2026-11-27 10:00:02 two") in read(paths, "mariadb")


def test_one_host_can_be_asked_alone(paths: Paths) -> None:
    assert {process for process, _ in read(paths, "nova", "n1")} == {"nova@n1"}
    assert {process for process, _ in read(paths, None, "c1")} == {"nova", "mariadb"}
    with pytest.raises(PermanentError, match="n2 cannot be reached"):
        read(paths, "nova", "n2")
    with pytest.raises(BadInput, match="no host 'n9'"):
        read(paths, "nova", "n9")


def test_a_process_that_no_host_has_is_refused(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    (paths.log / "mariadb.log").unlink()
    with pytest.raises(BadInput, match="no log of 'mariadb'"):
        read(paths, "mariadb")


def test_a_request_is_followed_to_the_other_hosts(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked() -> list[tuple[str, str]]:
        return list(merged_logs.lines(paths, None, None, since=None, number=1, follow=False, request=REQUEST))

    (paths.log / "nova.log").write_text(f"2026-11-27 10:00:01 1 INFO nova.api [None {REQUEST} a] near\n")
    far, near, away = asked()
    assert (far[0], near[0]) == ("nova@n1", "nova")
    assert away == ("onestack@n2", "cannot be asked: n2 cannot be reached")
    monkeypatch.setattr(Far, "same_version", False)
    assert [name for name, _ in asked()] == ["nova", "onestack@n2", "onestack@n1"]
    (paths.log / "nova.log").write_text("")
    with pytest.raises(BadInput, match="no log has the request") as error:
        asked()
    assert "n1 cannot be asked: it has another version" in str(error.value.detail)
