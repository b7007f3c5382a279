"""`logs --since` takes each line at the time its writer meant."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from onestack.health import logs


@pytest.fixture(autouse=True)
def east_of_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Etc/GMT-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("line", "local"),
    [
        ("2026-11-23 14:53:36.123 1 INFO nova.service started", datetime(2026, 11, 23, 14, 53, 36, 123000)),
        ("2026-11-23  4:53:36 0 [Note] InnoDB: ready", datetime(2026, 11, 23, 4, 53, 36)),
        ("2026-11-23T14:53:36.002Z|00007|bridge|INFO|added", datetime(2026, 11, 23, 17, 53, 36, 2000)),
        ("2026-11-23 14:53:36.411+0000: 1: error : refused", datetime(2026, 11, 23, 17, 53, 36, 411000)),
    ],
)
def test_local_time_whatever_the_writer_uses(line: str, local: datetime) -> None:
    assert logs.stamp(line) == local


def test_a_line_without_a_time_belongs_to_the_one_before() -> None:
    lines = ["2026-11-23 10:00:00 old", "  more of it", "2026-11-23 12:00:00 new", "  its trace"]
    assert logs.since(lines, datetime(2026, 11, 23, 11)) == lines[2:]
