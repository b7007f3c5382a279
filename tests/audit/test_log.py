"""The audit log's files: written by several processes, bounded, read again."""

from __future__ import annotations

import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.health.securing import audit
from onestack.health.securing.audit import Wanted
from onestack_runtime.serving.audit_log import AuditLog


def event(number: int = 0, when: datetime | None = None, **who: str) -> dict[str, Any]:
    at = (when or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
    return {"eventTime": at, "initiator": who, "number": number}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.at(tmp_path, tmp_path / "cache")


@pytest.fixture
def log(paths: Paths) -> AuditLog:
    return AuditLog(paths.log / contract.AUDIT_LOG.removeprefix("/var/log/"))


def write(file: Path, first: int, many: int) -> None:
    log = AuditLog(file, size=20_000, files=100)
    for number in range(first, first + many):
        log(event(number))


def test_processes_write_beside_each_other_and_lose_nothing_while_files_are_renamed(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write, args=(file, 1000 * each, 500)) for each in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    files = list(tmp_path.glob("audit.jsonl*"))
    found = [json.loads(line)["number"] for each in files for line in each.read_text().splitlines()]
    assert sorted(found) == sorted(1000 * writer + number for writer in range(4) for number in range(500))
    assert len(files) > 3
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}


def test_the_oldest_files_go(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", size=100, files=3)
    for number in range(50):
        log(event(number))
    assert len(list(tmp_path.iterdir())) <= 4
    assert max(each.stat().st_size for each in tmp_path.iterdir()) < 300


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [0, 1, 2]),
        (Wanted(services=True), [0, 1, 2, 3]),
        (Wanted(user="alice"), [0, 1]),
        (Wanted(user="u2"), [2]),
        (Wanted(user="nova"), [3]),
        (Wanted(project="lab"), [0, 2]),
        (Wanted(project="p2"), [1]),
        (Wanted(since="90m"), [1, 2]),
        (Wanted(user="alice", project="lab", since="1h"), []),
    ],
)
def test_which_events_are_shown(paths: Paths, log: AuditLog, wanted: Wanted, numbers: list[int]) -> None:
    before = datetime.now(UTC)
    log(event(0, before - timedelta(hours=3), name="alice", id="u1", project_name="lab", project_id="p1"))
    log(event(1, before - timedelta(hours=1), name="alice", id="u1", project_name="shop", project_id="p2"))
    log(event(2, before, name="bob", id="u2", project_name="lab", project_id="p1"))
    log(event(3, before - timedelta(hours=2), name="nova", project_name="service"))
    assert sorted(each["number"] for each in audit.read(paths, wanted)) == numbers


def test_older_files_are_read_and_a_line_that_was_cut_off_is_left_out(paths: Paths, log: AuditLog) -> None:
    log(event(1))
    file = paths.log / contract.AUDIT_LOG.removeprefix("/var/log/")
    file.rename(file.with_name(f"{file.name}.1"))
    log(event(2))
    with file.open("a") as out:
        out.write('{"eventTime": "2026-\n')
    log(event(3))
    assert [each["number"] for each in audit.read(paths, Wanted())] == [1, 2, 3]


def test_a_wrong_time_and_a_missing_log_are_said(paths: Paths) -> None:
    with pytest.raises(BadInput, match="'yesterday' is not a valid time"):
        audit.read(paths, Wanted(since="yesterday"))
    with pytest.raises(BadInput, match="no audit log yet"):
        audit.require_any_log(paths)
