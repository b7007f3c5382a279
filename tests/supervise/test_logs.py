"""Lines of several logs, whatever way each process writes its times, in the order they were written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.health import logs

NOW = datetime(2026, 3, 1, 12, 0, 0)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("30s", datetime(2026, 3, 1, 11, 59, 30)),
        ("10m", datetime(2026, 3, 1, 11, 50)),
        ("10 min", datetime(2026, 3, 1, 11, 50)),
        ("2h", datetime(2026, 3, 1, 10)),
        ("1d", datetime(2026, 2, 28, 12)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12)),
    ],
)
def test_a_moment_is_an_age_or_a_time(text: str, wanted: datetime) -> None:
    assert logs.moment(text, NOW) == wanted


@pytest.mark.parametrize("text", ["", "yesterday", "10", "10 weeks", "-5m"])
def test_other_words_are_no_time(text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid time"):
        logs.moment(text, NOW)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("2026-03-01 11:22:33.123 77 INFO nova [-] x", datetime(2026, 3, 1, 11, 22, 33, 123000)),
        ("2026-03-01T11:22:33.123Z|00001|vlog|INFO|x", datetime(2026, 3, 1, 11, 22, 33, 123000)),
        ("2026-03-01  9:22:33 0 [Note] mariadbd", datetime(2026, 3, 1, 9, 22, 33)),
        ('  File "x.py", line 3, in y', None),
        ("2026-99-99 11:22:33 no such day", None),
        ("", None),
    ],
)
def test_a_line_tells_when_it_was_written(line: str, wanted: datetime | None) -> None:
    assert logs.stamp(line) == wanted


def test_a_traceback_belongs_to_the_line_before_it() -> None:
    lines = ["2026-03-01 09:00:00 old", "  trace of old", "2026-03-01 11:00:00 new", "  trace of new"]
    assert logs.since(lines, datetime(2026, 3, 1, 10)) == lines[2:]


def test_several_logs_are_merged_by_time(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("2026-03-01 09:00:00 a\n  more of a\n2026-03-01 09:00:02 c\n")
    (tmp_path / "two.log").write_text("2026-03-01 09:00:01 b\n")
    merged = logs.last(logs.read(tmp_path, None), lines=10, start=None)
    assert [name for name, _ in merged] == ["one", "one", "two", "one"]
    assert logs.last(logs.read(tmp_path, None), lines=2, start=None) == merged[-2:]
    assert logs.last(logs.read(tmp_path, "one"), lines=1, start=None) == [("one", "2026-03-01 09:00:02 c")]


def test_a_log_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "nova.log").touch()
    with pytest.raises(BadInput) as refused:
        logs.read(tmp_path, "novo")
    assert "nova" in refused.value.hint


def test_following_sees_new_lines_and_a_log_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "nova.log"
    file.write_text("old\n")
    lines = logs.follow(logs.read(tmp_path, None))
    # The generator looks at sizes when it is first asked: write in between by a helper thread.
    import threading

    def write() -> None:
        with file.open("a") as out:
            out.write("half")
            out.flush()
            out.write(" a line\nnext\n")

    timer = threading.Timer(0.1, write)
    timer.start()
    assert [next(lines), next(lines)] == [("nova", "half a line"), ("nova", "next")]
    file.write_text("new\n")
    assert next(lines) == ("nova", "new")
