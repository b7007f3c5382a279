"""restic's command lines and messages; its failures become words that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, Busy, PermanentError
from onestack.health.backup import restic
from onestack.health.backup.restic import Repository

HERE = Repository(Path("/srv/backup"), "se-cret", Path("/cache/backup-12345678"))


def exit_error(status: int, message: str) -> str:
    return json.dumps({"message_type": "exit_error", "code": status, "message": message})


def test_the_key_is_in_no_command_line() -> None:
    words = HERE.argv("snapshots", "--tag", "onestack")
    assert "/cache/backup-12345678/usr/bin/restic" in words
    assert words[words.index("--repo") + 1] == "/srv/backup"
    assert not any("se-cret" in word for word in words)
    assert HERE.environment["RESTIC_PASSWORD"] == "se-cret"


@pytest.mark.parametrize(
    ("status", "output", "kind", "said"),
    [
        (10, exit_error(10, "repository does not exist"), BadInput, "there is no repository of backups"),
        (12, exit_error(12, "wrong password or no key found"), BadInput, "the key is not that of"),
        (11, exit_error(11, "already locked"), Busy, "another command works in the repository"),
        (1, "Save(<data/..>) failed: write: no space left on device", PermanentError, "the disk is full"),
        (
            3,
            '{"message_type":"error","error":{"message":"gone"},"item":"/x"}',
            PermanentError,
            "could not be read",
        ),
        (1, exit_error(1, "unexpected EOF"), PermanentError, "restic failed"),
        (None, "", PermanentError, "restic failed"),
    ],
)
def test_failures_are_explained(
    status: int | None, output: str, kind: type[PermanentError], said: str
) -> None:
    error = restic.explained(Path("/srv/backup"), status, output)
    assert type(error) is kind
    assert said in error.summary
    assert error.hint


def test_the_reason_is_restics_own() -> None:
    assert restic.reason(exit_error(1, "unexpected EOF")) == "unexpected EOF"
    assert restic.reason('{"message_type":"error","error":{"message":"gone"},"item":"/x"}') == "/x: gone"
    assert restic.reason("one\ntwo\n") == "one\ntwo"


def test_progress_is_told_of_status_messages_only() -> None:
    status = {"message_type": "status", "percent_done": 0.25, "total_bytes": 8_000_000}
    assert restic.percent(status) == "25% of 8 MB"
    assert restic.percent({"message_type": "summary"}) == ""


def test_what_is_kept() -> None:
    assert restic.keeping({"last": 1, "daily": 7, "weekly": 0}) == ["--keep-last", "1", "--keep-daily", "7"]


class Said(Repository):
    """A repository with these snapshots."""

    def ask(self, *words: str) -> str:
        assert words[0] == "snapshots"
        rows = [
            {"id": each * 8, "time": f"2026-11-0{number}T00:00:00Z", "tags": ["onestack", "complete"]}
            for number, each in enumerate(("aa", "ab", "b0"), 1)
        ]
        return json.dumps(rows[::-1])


def test_a_backup_is_found_by_the_beginning_of_its_id() -> None:
    found = Said(Path("/srv/backup"), "", Path("/"))
    assert found.find(None).short == found.find("latest").short == "b0b0b0b0"
    assert found.find("aa").id == "aa" * 8
    for name in ("a", "c", ""):
        with pytest.raises(BadInput, match=r"have ids|no complete backup"):
            found.find(name)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(BadInput, match="neither empty nor a repository"):
        Repository(tmp_path, "", Path("/")).create()
    assert [each.name for each in tmp_path.iterdir()] == ["letters.txt"]
