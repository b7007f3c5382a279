"""When a scheduled backup is due, when it is late, and what `status` and metrics say of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.core import Metric

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.observe import exporter
from onestack.platform import backups
from onestack.platform.backups import Record
from onestack.spec.platform import Platform

DAILY = Platform.model_validate({"backup": {"to": "/srv/backup", "every": "1d"}})
NONE = Platform()
DAY = 86400.0
GOOD = Record(to="/srv/backup", last="ab12", time=1000.0, tried=1000.0, since=500.0)
FAILED = Record(to="/srv/backup", last="ab12", time=1000.0, tried=1000.0 + DAY, since=500.0, error="full")


@pytest.mark.parametrize(
    ("platform", "record", "now", "due"),
    [
        (NONE, Record(), 1e9, False),
        (DAILY, Record(), 1000.0 + DAY, True),
        (DAILY, GOOD, 1000.0 + DAY - 1, False),
        (DAILY, GOOD, 1000.0 + DAY, True),
        (DAILY, FAILED, 1000.0 + DAY + backups.RETRY_SECONDS - 1, False),
        (DAILY, FAILED, 1000.0 + DAY + backups.RETRY_SECONDS, True),
        # One that was made elsewhere by hand is none of the schedule.
        (DAILY, Record(to="/mnt/usb", last="ab12", time=DAY, tried=DAY), DAY + 1, True),
    ],
)
def test_when_one_is_due(platform: Platform, record: Record, now: float, due: bool) -> None:
    assert backups.is_due(platform, record, now) is due


def test_what_is_said_of_the_last_one() -> None:
    found = backups.status(DAILY, GOOD, 1000.0 + DAY)
    assert found is not None
    assert (found.last, found.age, found.every, found.late) == ("ab12", DAY, DAY, False)
    assert backups.warnings(found) == []


def test_one_that_is_late() -> None:
    found = backups.status(DAILY, FAILED, 1000.0 + 2 * DAY + 1)
    assert found is not None and found.late
    assert backups.warnings(found) == [
        "no good backup since 1970-01-01 00:16 UTC; `onestack backup create` makes one",
        "the last backup failed: full",
    ]
    never = backups.status(DAILY, Record(since=1000.0), 1000.0 + 3 * DAY)
    assert never is not None and never.late and never.last is None


def test_without_a_schedule_only_what_was_made_by_hand_is_told() -> None:
    assert backups.status(NONE, Record(), 1000.0) is None
    found = backups.status(NONE, GOOD, 1e9)
    assert found is not None and not found.late and found.every is None
    assert list(exporter.backups(NONE, GOOD)) == []


def values(found: list[Metric]) -> dict[str, float]:
    return {sample.name: sample.value for each in found for sample in each.samples}


def test_metrics_for_the_alert() -> None:
    found = values(list(exporter.backups(DAILY, FAILED)))
    assert found["onestack_backup_interval_seconds"] == DAY
    assert found["onestack_backup_last_good_timestamp_seconds"] == 1000.0
    assert found["onestack_backup_failed"] == 1.0
    # Before the first one, the alert counts from when the schedule began.
    found = values(list(exporter.backups(DAILY, Record(since=7000.0))))
    assert found["onestack_backup_last_good_timestamp_seconds"] == 7000.0


def test_the_record_is_kept_and_a_broken_one_is_none(tmp_path: Path) -> None:
    paths = Paths.at(tmp_path)
    paths.etc.mkdir(parents=True)
    assert backups.read(paths) == Record()
    backups.write(paths, to="/srv/backup", last="ab12")
    backups.write(paths, error="full")
    assert backups.read(paths) == Record(to="/srv/backup", last="ab12", error="full")
    (paths.etc / backups.FILE).write_text("{")
    assert backups.read(paths) == Record()


def test_a_restore_that_was_cut_off_is_no_cloud(tmp_path: Path) -> None:
    paths = Paths.at(tmp_path)
    backups.require_whole(paths)
    (paths.lib / backups.RESTORING).mkdir(parents=True)
    with pytest.raises(PermanentError, match="was interrupted, so that what lies there is not a whole cloud"):
        backups.require_whole(paths)
