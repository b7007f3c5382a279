"""What tenants used in a month: hours within it, by the records of what there is and what was deleted."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli
from onestack.cloud import Cloud
from onestack.core.errors import BadInput
from onestack.observe import usage
from onestack.observe.operations import Observing
from onestack.observe.usage import Period, Record, Usage

NOVEMBER = usage.month("2026-11")
HOUR = 3600.0
LATER = NOVEMBER.end + 90 * 24 * HOUR
MOMENTS = st.floats(NOVEMBER.begin - 1e7, NOVEMBER.end + 1e7)


def test_a_month_is_in_utc() -> None:
    assert NOVEMBER.begin == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert usage.month("2026-12").begin == NOVEMBER.end
    assert usage.month("2026-12").end == usage.month("2027-01").begin
    assert usage.month(None).begin <= datetime.now(UTC).timestamp() < usage.month(None).end


@pytest.mark.parametrize("text", ["2026", "2026-13", "26-11", "2026-11-01", "", "1969-11", "٢٠٢٦-11"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        usage.month(text)


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        (10, 14, 4),
        (-5, 3, 3),
        (-5, -1, 0),
        (718, 800, 2),
        (800, 900, 0),
        (-5, 800, 720),
        (10, None, 710),
        (14, 10, 0),
    ],
)
def test_only_the_hours_in_the_month_count(begin: float, end: float | None, hours: float) -> None:
    at = NOVEMBER.begin
    record = Record("p", {}, at + begin * HOUR, None if end is None else at + end * HOUR)
    assert NOVEMBER.hours(record, LATER) == pytest.approx(hours)


def test_what_is_there_counts_until_now() -> None:
    record = Record("p", {}, NOVEMBER.begin, None)
    assert NOVEMBER.hours(record, NOVEMBER.begin + 5 * HOUR) == 5
    assert NOVEMBER.hours(record, NOVEMBER.begin - 5 * HOUR) == 0


@given(MOMENTS, MOMENTS, MOMENTS, st.floats(0, 720))
def test_two_parts_of_a_month_are_the_month(begin: float, end: float, now: float, cut: float) -> None:
    middle = NOVEMBER.begin + cut * HOUR
    record = Record("p", {}, begin, end)
    parts = (Period("a", NOVEMBER.begin, middle), Period("b", middle, NOVEMBER.end))
    assert sum(each.hours(record, now) for each in parts) == pytest.approx(
        NOVEMBER.hours(record, now), abs=1e-6
    )


def row(*values: object) -> str:
    return json.dumps(values)


OUTPUT = "\n".join(
    [
        f"server_hours vcpu_hours memory_gib_hours disk_gib_hours\t{row('p1', NOVEMBER.begin, None, 1, 2, 0.5, 10)}",
        f"server_hours vcpu_hours memory_gib_hours disk_gib_hours\t{row('p1', 0, 3600, 1, 8, 8, 80)}",
        f"volume_gib_hours\t{row('p2', NOVEMBER.begin, NOVEMBER.begin + HOUR, 3)}",
        f"image_gib_hours\t{row(None, NOVEMBER.begin, None, 3)}",
        f"floating_ip_hours\t{row('gone', NOVEMBER.begin, None, 1)}",
        f"name\t{row('p1', 'shop')}",
        f"name\t{row('p2', 'lab')}",
    ]
)


def test_records_are_added_up_by_tenant() -> None:
    found = usage.totals(*usage.parse(OUTPUT), NOVEMBER, NOVEMBER.begin + 2 * HOUR)
    assert [(each.name, each.project) for each in found] == [("lab", "p2"), ("shop", "p1"), ("", "gone")]
    lab, shop, gone = (each.as_dict() for each in found)
    assert (lab["volume_gib_hours"], lab["server_hours"]) == (3.0, 0.0)
    assert (shop["server_hours"], shop["vcpu_hours"], shop["memory_gib_hours"], shop["disk_gib_hours"]) == (
        2,
        4,
        1,
        20,
    )
    assert gone["floating_ip_hours"] == 2


@pytest.mark.parametrize(
    "line", ["ERROR 1146: no such table", "volume_gib_hours\t[1]", "a b\t" + row("p", 0, 1, 2)]
)
def test_what_is_no_record_is_an_error(line: str) -> None:
    with pytest.raises(ValueError):
        usage.parse(line)


def shown(monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    found = usage.totals(*usage.parse(OUTPUT), NOVEMBER, NOVEMBER.begin + 2 * HOUR)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(Cloud, "site", None)

    def report(self: Observing, month: str | None) -> tuple[Period, list[Usage]]:
        return usage.month(month), found

    monkeypatch.setattr(Observing, "usage", report)
    done = CliRunner().invoke(cli, ["usage", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_csv_is_for_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(monkeypatch, "--csv", "--month", "2026-11"))))
    assert [(each["month"], each["name"]) for each in rows] == [
        ("2026-11", "lab"),
        ("2026-11", "shop"),
        ("2026-11", ""),
    ]
    assert float(rows[1]["vcpu_hours"]) == 4


def test_json_and_a_table_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(shown(monkeypatch, "--json", "--month", "2026-11"))
    assert (found["month"], found["tenants"][1]["name"]) == ("2026-11", "shop")
    table = shown(monkeypatch, "--month", "2026-11")
    assert "shop" in table and "20.0" in table
    assert "…" not in table, "it fits into 80 columns"
