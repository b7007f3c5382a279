"""One command is run to its end or its deadline, and a failure shows what it said last."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.core.errors import PermanentError
from onestack.host.command import CommandFailed, last_lines, named, run, succeeds


def test_what_it_wrote_is_returned_stdout_and_stderr_together() -> None:
    assert run(["sh", "-c", "echo one; echo two >&2"]) == "one\ntwo\n"


def test_words_are_words_not_a_shells() -> None:
    assert run(["printf", "%s|", "a b", "$HOME", "'"]) == "a b|$HOME|'|"


def test_it_reads_what_it_is_given_and_nothing_else() -> None:
    assert run(["cat"], text_in="given") == "given"
    assert run(["cat"]) == ""


def test_a_failure_has_status_and_last_words() -> None:
    with pytest.raises(CommandFailed) as failed:
        run(["sh", "-c", "seq 30; exit 3"])
    assert failed.value.status == 3
    assert failed.value.summary == "sh -c seq 30; exit 3 ended with status 3"
    assert failed.value.detail.splitlines() == [str(n) for n in range(19, 31)]


def test_past_its_deadline_it_is_ended() -> None:
    with pytest.raises(CommandFailed, match="did not end in time") as failed:
        run(["sh", "-c", "echo begun; exec sleep 60"], seconds=0.3)
    assert (failed.value.status, failed.value.detail) == (None, "begun")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(PermanentError, match="no-such-program is not installed"):
        run(["no-such-program", "--secret=x"])
    assert not succeeds(["no-such-program"])


def test_a_log_gets_it_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("one", "two"):
        run(["echo", word], log=log)
    with pytest.raises(CommandFailed):
        run(["sh", "-c", "echo three; false"], log=log)
    assert log.read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/sbin/ip", "link", "show", "dev", "x"], "ip link show"),
        (["nsenter", "--mount=/x", "--", "virsh", "list"], "virsh list"),
        (
            ["python3", "-P", "-m", "onestack_runtime.admin.migrate", "nova", "--word"],
            "onestack_runtime.admin.migrate nova",
        ),
    ],
)
def test_a_command_is_called_by_its_first_words(argv: list[str], name: str) -> None:
    assert named(argv) == name


def test_blank_lines_do_not_count() -> None:
    assert last_lines("a\n\n  \nb  \nc\n\n", 2) == "b\nc"
