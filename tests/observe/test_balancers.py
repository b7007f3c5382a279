"""What happened at pools and members between two looks, by HAProxy's own tables; never negative or huge."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from onestack.observe import balancers
from onestack.observe.balancers import Counts, Key, Row
from onestack.observe.observation import MemberRates

INFO = "Name: HAProxy\nVersion: 3.0.11\nPid: 4711\nStart_time_sec: 1790000000\n\n"
COLUMNS = [
    *("pxname", "svname", "qcur", "scur", "stot", "econ", "eresp", "status", "check_status"),
    *("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "req_tot", "rtime", "ttime"),
    "mode",
]


def line(**values: object) -> str:
    return ",".join(str(values.get(each, "")) for each in COLUMNS) + ","


def table(*rows: str) -> str:
    return INFO + "# " + ",".join(COLUMNS) + ",\n" + "\n".join(rows) + "\n\n"


SERVER = {
    "pxname": "p1:l1", "svname": "m1", "qcur": 1, "scur": 2, "stot": 90, "econ": 1, "eresp": 2, "status": "UP",
    "check_status": "L7OK", "hrsp_2xx": 95, "hrsp_5xx": 5, "req_tot": 100, "rtime": 12, "ttime": 900, "mode": "http",
}  # fmt: skip


def row(**values: object) -> Row:
    found = balancers.parse(table(line(**{**SERVER, **values})))
    return next(iter(found.values()))


def key(process: str, each: Row, listener: str = "l1") -> Key:
    return process, f"{each.pool}:{listener}", each.server


def seen(process: str, *rows: Row) -> dict[Key, Row]:
    return {key(process, each): each for each in rows}


def rate_of(*looks: Mapping[Key, Row]) -> float | None:
    """A member's requests a second at the last of looks that are 5 s apart."""
    counts = Counts()
    members: Mapping[tuple[str, str], MemberRates] = {}
    for number, look in enumerate(looks):
        members, _ = counts.rates(look, 5.0 * number)
    return members["p1", "m1"].requests


def test_rows_are_read() -> None:
    text = table(
        line(pxname="l1", svname="FRONTEND", mode="http", req_tot=5),
        line(**SERVER),
        line(**{**SERVER, "svname": "BACKEND", "qcur": 7}),
        line(pxname="stats", svname="BACKEND"),
    )
    found = balancers.parse(text)
    assert set(found) == {("p1:l1", "m1"), ("p1:l1", "BACKEND")}
    assert found["p1:l1", "m1"] == Row("p1", "m1", True, 100, 8, 2, 1, 12.0)
    assert found["p1:l1", "BACKEND"].queue == 7
    assert balancers.process(text) == "4711@1790000000"


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="Permission denied"):
        balancers.parse("Permission denied\n")
    with pytest.raises(ValueError, match="nothing"):
        balancers.parse("")


@pytest.mark.parametrize(
    ("status", "check", "up"),
    [
        ("UP", "L7OK", True),
        ("UP 1/3", "L4OK", True),
        ("DRAIN", "L7OK", True),
        ("DRAIN", "", None),
        ("no check", "", None),
        ("DOWN", "L4CON", False),
        ("DOWN 1/2", "L7OK", False),
        ("MAINT", "", False),
    ],
)
def test_whether_a_member_is_up(status: str, check: str, up: bool | None) -> None:
    assert row(status=status, check_status=check).up is up


def test_requests_by_answers_where_a_server_does_not_count_them() -> None:
    assert row(req_tot="").counted == 100
    assert row(mode="tcp", req_tot="").counted == 90


def test_rates_are_since_the_look_before() -> None:
    first, second = row(), row(req_tot=150, hrsp_5xx=15)
    counts = Counts()
    members, _ = counts.rates(seen("a", first), 100.0)
    assert members["p1", "m1"].requests is None
    members, _ = counts.rates(seen("a", second), 105.0)
    assert members["p1", "m1"].requests == 10.0
    assert members["p1", "m1"].errors == 2.0


def test_a_reload_gives_no_rate_and_the_next_look_one_again() -> None:
    before, after = row(req_tot=10_000), row(req_tot=3)
    assert rate_of(seen("a", before), seen("b", after)) is None
    assert rate_of(seen("a", before), seen("b", after), seen("b", row(req_tot=53))) == 10.0
    # More than before: by the numbers alone one would not know.
    assert rate_of(seen("a", row(req_tot=10)), seen("b", row(req_tot=5000))) is None


def test_counters_that_were_cleared_give_no_rate() -> None:
    assert rate_of(seen("a", row(req_tot=10_000)), seen("a", row(req_tot=3))) is None


def test_one_that_was_not_seen_between_has_no_rate() -> None:
    assert rate_of(seen("a", row()), {}, seen("a", row(req_tot=9000))) is None


def test_a_pool_behind_two_listeners_is_added_up() -> None:
    one, two = row(rtime=10), row(pxname="p1:l2", rtime=30)
    counts = Counts()
    counts.rates({key("a", one): one, key("a", two, "l2"): two}, 0.0)
    later, other = row(req_tot=200, rtime=10), row(pxname="p1:l2", req_tot=150, rtime=30)
    members, _ = counts.rates({key("a", later): later, key("a", other, "l2"): other}, 10.0)
    found = members["p1", "m1"]
    assert (found.requests, found.connections, found.queue) == (15.0, 4, 2)
    assert found.response_time == pytest.approx((200 * 10 + 150 * 30) / 350)


def test_half_of_the_listeners_is_not_the_whole() -> None:
    one, two = row(), row(pxname="p1:l2")
    counts = Counts()
    counts.rates({key("a", one): one}, 0.0)
    members, _ = counts.rates({key("a", one): row(req_tot=200), key("a", two, "l2"): two}, 10.0)
    assert members["p1", "m1"].requests is None


def test_a_member_without_requests_has_no_response_time() -> None:
    members, _ = Counts().rates(seen("a", row(req_tot=0, rtime=0)), 0.0)
    assert members["p1", "m1"].response_time is None


def test_the_pool_is_its_backend() -> None:
    backend = row(svname="BACKEND", hrsp_5xx=5, econ=9, eresp=0)
    counts = Counts()
    counts.rates(seen("a", backend), 0.0)
    later = row(svname="BACKEND", hrsp_5xx=15, econ=9, eresp=0, req_tot=110, qcur=4)
    members, pools = counts.rates(seen("a", later), 2.0)
    assert members == {}
    assert (pools["p1"].requests, pools["p1"].queue, pools["p1"].errors) == (5.0, 4, 3.0)
