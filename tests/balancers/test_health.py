"""Operating statuses and statistics, from what HAProxy says."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack_runtime.drivers.balancer import health, statistics
from onestack_runtime.drivers.balancer.health import Shape
from onestack_runtime.drivers.balancer.statistics import Statistics

SHAPE = Shape(listeners={"L": True}, pools={"P": ["m1", "m2"], "Q": ["m3"]})


def row(proxy: str, server: str, status: str, weight: str = "1") -> dict[str, str]:
    return {"pxname": proxy, "svname": server, "status": status, "weight": weight}


def rows(m1: str = "UP", m2: str = "UP", backend: str = "UP", listener: str = "OPEN") -> list[dict[str, str]]:
    return [
        row("L", "FRONTEND", listener),
        row("P:L", "m1", m1),
        row("P:L", "m2", m2),
        row("P:L", "BACKEND", backend),
    ]


@pytest.mark.parametrize(
    ("status", "weight", "wanted"),
    [
        ("UP", "1", "ONLINE"),
        ("UP 1/3", "1", "ONLINE"),
        ("DOWN", "1", "ERROR"),
        ("DOWN 1/2", "0", "ERROR"),
        ("DRAIN", "1", "DRAINING"),
        ("UP", "0", "DRAINING"),
        ("no check", "0", "DRAINING"),
        ("no check", "1", "NO_MONITOR"),
        ("MAINT", "1", "OFFLINE"),
        ("MAINT (resolution)", "0", "OFFLINE"),
    ],
)
def test_members(status: str, weight: str, wanted: str) -> None:
    assert health.member(row("P:L", "m1", status, weight)) == wanted


def test_all_is_well() -> None:
    found = health.statuses("lb", SHAPE, rows())
    assert found["loadbalancers"] == {"lb": "ONLINE"}
    assert found["pools"] == {"P": "ONLINE", "Q": "OFFLINE"}, "nothing uses the second pool"
    assert found["members"] == {"m1": "ONLINE", "m2": "ONLINE"}


def test_one_dead_member_degrades_what_is_above_it() -> None:
    found = health.statuses("lb", SHAPE, rows(m2="DOWN"))
    assert (found["pools"]["P"], found["loadbalancers"]["lb"], found["listeners"]["L"]) == (
        "DEGRADED", "DEGRADED", "ONLINE")  # fmt: skip


def test_all_members_dead_is_an_error() -> None:
    found = health.statuses("lb", SHAPE, rows("DOWN", "DOWN", "DOWN"))
    assert (found["pools"]["P"], found["loadbalancers"]["lb"]) == ("ERROR", "ERROR")


def test_a_full_listener_degrades_and_a_missing_one_is_an_error() -> None:
    full = health.statuses("lb", SHAPE, rows(listener="FULL"))
    assert (full["listeners"]["L"], full["loadbalancers"]["lb"]) == ("DEGRADED", "DEGRADED")
    assert health.statuses("lb", SHAPE, [])["listeners"] == {"L": "ERROR"}
    off = Shape(listeners={"L": False})
    assert health.statuses("lb", off, [])["listeners"] == {"L": "OFFLINE"}
    assert health.statuses("lb", Shape(enabled=False), [])["loadbalancers"] == {"lb": "OFFLINE"}


def test_only_news_are_reported() -> None:
    before = health.statuses("lb", SHAPE, rows())
    assert health.changes(before, health.statuses("lb", SHAPE, rows())) == {}
    assert health.changes(before, health.statuses("lb", SHAPE, rows(m2="DOWN"))) == {
        "members": [{"id": "m2", "operating_status": "ERROR"}],
        "pools": [{"id": "P", "operating_status": "DEGRADED"}],
        "loadbalancers": [{"id": "lb", "operating_status": "DEGRADED"}],
    }


def counts(total: int, now: int = 0) -> dict[str, dict[str, int]]:
    return {
        "L": {"bytes_in": 10 * total, "bytes_out": 0, "total_connections": total, "request_errors": 0,
              "active_connections": now}
    }  # fmt: skip


def test_counts_go_on_over_reloads_and_restarts_of_octavia(tmp_path: Path) -> None:
    file = tmp_path / "counted.json"
    first = Statistics(file)
    first.update({"100": counts(7, 2)})
    first.update({"100": counts(8, 1), "200": counts(3, 1)})
    assert first.totals()["L"] == {
        "bytes_in": 110, "bytes_out": 0, "total_connections": 11, "request_errors": 0,
        "active_connections": 2}  # fmt: skip
    again = Statistics(file)
    again.update({"200": counts(4)})
    assert again.totals()["L"]["total_connections"] == 12
    assert again.totals()["L"]["active_connections"] == 0


def test_counts_are_reported_when_they_change(tmp_path: Path) -> None:
    found = Statistics(tmp_path / "counted.json")
    found.update({"100": counts(7)})
    (told,) = found.report(["L", "other"])
    assert (told["id"], told["total_connections"], told["bytes_in"]) == ("L", 7, 70)
    assert found.report(["L"]) == []


def test_workers_new_and_old() -> None:
    text = """\
#<PID>          <type>          <reloads>       <uptime>        <version>
13677           master          1 [failed: 0]   0d00h00m27s     3.0.11
# workers
14029           worker          0               0d00h00m10s     3.0.11
# old workers
13678           worker          1               0d00h00m27s     3.0.11
# programs
"""
    assert statistics.workers(text) == ["14029", "13678"]
    assert statistics.frontends([{"pxname": "L", "svname": "FRONTEND", "bin": "5", "bout": "", "stot": "2",
                                  "ereq": "1", "scur": "3"}]) == {
        "L": {"bytes_in": 5, "bytes_out": 0, "total_connections": 2, "request_errors": 1,
              "active_connections": 3}}  # fmt: skip
