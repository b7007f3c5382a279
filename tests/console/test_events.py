"""What happened last: the keeper's restarts, scaling, and what operators did, in one list."""

from __future__ import annotations

import json
import time

from onestack.console import audit, events
from onestack.core.paths import Paths
from onestack.health.healing.history import Event


def test_all_sources_are_merged_newest_first(paths: Paths) -> None:
    (paths.log / "scaling").mkdir(parents=True)
    (paths.log / "keeper.log").write_text(
        "2026-01-01 10:00:00,000 INFO watching\n"
        "2026-01-01 10:00:05,000 WARNING nova was started again (pid 7, before 5)\n"
        "2026-01-01 10:00:09,000 ERROR glance has not answered for 30 s: restarting it\n"
    )
    at = time.mktime((2026, 1, 1, 10, 0, 7, 0, 0, -1))
    rows = [
        {"time": at, "kind": "decision", "group": "web", "action": "out", "size": 2, "to": 3},
        {"time": at, "kind": "decision", "group": "web", "action": "hold", "size": 2, "to": 2},
        {"time": at - 1, "kind": "action", "verb": "create", "member": "web-3", "failed": "no host"},
    ]
    (paths.log / "scaling/p-web.jsonl").write_text(
        "".join(f"{json.dumps(each)}\n" for each in rows) + '{"half'
    )
    audit.write(paths, "restart", "ada", about="nova")
    found = [(each["source"], each["level"], each["text"]) for each in events.recent(paths)]
    assert found == [
        ("console", "", "ada: restart nova"),
        ("keeper", "bad", "glance has not answered for 30 s: restarting it"),
        ("scaling", "good", "web: 2 to 3 members"),
        ("scaling", "bad", "create web-3 failed: no host"),
        ("keeper", "warn", "nova was started again (pid 7, before 5)"),
    ]


def test_what_the_healer_did_is_among_them() -> None:
    moved = [{"name": "web-1", "host": "n2", "away": 20.0}, {"name": "web-2", "host": "n2", "away": 21.0}]
    left = [{"name": "db", "why": "its disk is on the host"}]
    rows = [
        Event("1", "n1", "lost", "c1", 1000.0, moved=moved, left=left, outcome="evacuated", ended=1060.0),
        Event("2", "n2", "lost", "c1", 2000.0),
    ]
    found = [(each["time"], each["level"], each["text"]) for each in events.healed(rows)]
    assert found == [
        (1060.0, "warn", "n1: lost; evacuated; 2 guests moved; 1 guests not moved"),
        (2000.0, "bad", "n2: lost"),
    ]


def test_a_cloud_without_logs_has_no_events(paths: Paths) -> None:
    assert events.recent(paths) == []


def test_the_record_of_operators_does_not_grow_without_end(paths: Paths) -> None:
    audit.write(paths, "login", "ada")
    file = audit.file_of(paths)
    file.write_text("x" * (audit.LARGEST + 1))
    audit.write(paths, "restart", "ada", about="nova")
    assert [each["kind"] for each in audit.read(paths, 9)] == ["restart"]
    assert file.with_suffix(".1.jsonl").exists()
