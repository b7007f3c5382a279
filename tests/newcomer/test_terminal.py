"""Commands are run at a terminal, and of what they draw stays what a person sees in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from newcomer import terminal
from onestack.cli.view import HumanEvents
from onestack.core.events import Event


def test_what_is_wiped_and_written_over_is_not_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    with HumanEvents(Console(force_terminal=True, width=80)) as view:
        for name in ("nova", "neutron"):
            view(Event(name, "started", "first"))
            view(Event(name, "progressed", "looks"))
        view(Event("nova", "finished", "", 1.0))
        view(Event("neutron", "finished", "", 2.0))
    drawn = capsys.readouterr().out
    assert "\x1b[" in drawn
    lines = [line.rstrip() for line in terminal.screen(drawn).splitlines()]
    assert [line for line in lines if line] == [" ✓    1.0 s  nova", " ✓    2.0 s  neutron"]


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10 %\r100 %", "100 %"),
        ("gone\r\x1b[2Khere", "here"),
        ("up\nhere\x1b[1A\r\x1b[2Kthere", "there\nhere"),
        ("\x1b[1;32mgreen\x1b[0m", "green"),
    ],
)
def test_control_sequences_do_what_they_say(said: str, seen: str) -> None:
    assert terminal.screen(said) == seen


def test_a_command_at_a_terminal_is_asked_and_answered(tmp_path: Path) -> None:
    ask = r"test -t 0 && test -t 1 && printf '\033[1mDo it?\033[0m (yes or no): ' && read -r x && echo =$x… && exit 3"
    said = terminal.run(ask, tmp_path, dict(os.environ), 60)
    assert said.status == 3
    assert "Do it? (yes or no): " in said.output
    assert "=yes…" in said.output


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match=r"not done after 1 s; it showed:\nbegun"):
        terminal.run("echo begun; exec sleep 600", tmp_path, dict(os.environ), 1)
