"""What supervisord is told keeps every word of a command and every value of an environment as it was."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from onestack.host.supervisor import Program, configuration

RUN, LOG = Path("/run/cloud"), Path("/var/log/cloud")

words = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\u2028\u2029\x85"), min_size=1
)


def parsed(tmp_path: Path, *programs: Program) -> ServerOptions:
    """The configuration as supervisord itself reads it."""
    file = tmp_path / "supervisor.conf"
    file.write_text(configuration(programs, RUN, LOG))
    options = ServerOptions()
    # supervisord checks that folders of logs are there.
    options.realize(["-c", str(file)])
    return options


def program(tmp_path: Path, name: str = "nova", **rest: object) -> Program:
    values = {
        "command": ("nsenter", "--", "nova"),
        "environment": {},
        "log": tmp_path / f"{name}.log",
        **rest,
    }
    return Program(name, **values)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("test_supervisor_configuration.RUN", tmp_path)
    monkeypatch.setattr("test_supervisor_configuration.LOG", tmp_path)
    return tmp_path


def test_supervisord_reads_a_program_as_it_was_meant(place: Path) -> None:
    wanted = program(
        place,
        command=("nsenter", "--mount=/run/ns/mnt", "--", "sh", "-c", "echo 100% 'of it' \"$HOME\""),
        environment={"PYTHONPATH": "/a:/b", "WORDS": "50% 'and' more, even"},
        stop_seconds=42,
    )
    (group,) = parsed(place, wanted).process_group_configs
    (found,) = group.process_configs
    assert shlex.split(found.command) == list(wanted.command)
    assert found.environment == wanted.environment
    assert (found.name, found.stopwaitsecs, found.autostart) == ("nova", 42, False)
    assert found.stdout_logfile == str(place / "nova.log")
    assert found.redirect_stderr


def test_its_socket_is_roots_alone(place: Path) -> None:
    options = parsed(place, program(place))
    (server,) = options.server_configs
    assert (server["file"], server["chmod"]) == (str(place / "supervisor.sock"), 0o600)


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=5))
def test_any_words_survive(given_words: list[str]) -> None:
    text = configuration([Program("x", ("env", *given_words), {}, LOG / "x.log")], RUN, LOG)
    (line,) = [line for line in text.splitlines() if line.startswith("command = ")]
    assert shlex.split(line.removeprefix("command = ").replace("%%", "%")) == ["env", *given_words]


def test_the_same_programs_give_the_same_text(place: Path) -> None:
    one = program(place, environment={"A": "1", "B": "2"})
    other = program(place, environment={"B": "2", "A": "1"})
    assert configuration([one], RUN, LOG) == configuration([other], RUN, LOG)
