"""`verify` without a word is `verify --quick`; Tempest runs only when it is named."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from onestack.cli import use  # noqa: F401 - adds the command
from onestack.cli.main import cli
from onestack.cloud import Cloud


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """Which check was asked for, and which of its tests."""
    calls: list[tuple[str, object]] = []
    answer = SimpleNamespace(
        left_out=(),
        ok=True,
        exit_status=0,
        as_dict=dict,
        of=lambda state: (),
        seconds=0.0,
        cut_short="",
    )

    def remember(name: str) -> object:
        def call(self: Cloud, **words: object) -> SimpleNamespace:
            calls.append((name, words.get("tests")))
            return answer

        return call

    monkeypatch.setattr(Cloud, "verify", remember("quick"))
    monkeypatch.setattr(Cloud, "verify_tempest", remember("tempest"))
    return calls


@pytest.mark.parametrize(
    ("words", "check"),
    [
        ([], ("quick", None)),
        (["--quick"], ("quick", None)),
        (["--tempest", "smoke"], ("tempest", None)),
        (["--tempest", r"api\.volume"], ("tempest", r"api\.volume")),
    ],
)
def test_the_check_that_was_named_runs(
    words: list[str], check: tuple[str, str | None], asked: list[tuple[str, object]]
) -> None:
    done = CliRunner().invoke(cli, ["verify", *words, "--json"])
    assert (done.exit_code, asked) == (0, [check])
    assert json.loads(done.stdout) == {}


@pytest.mark.parametrize(
    "words", [["--tempest"], ["--tempest", "volume("], ["--quick", "--tempest", "smoke"]]
)
def test_other_words_are_refused(words: list[str], asked: list[tuple[str, object]]) -> None:
    done = CliRunner().invoke(cli, ["verify", *words])
    assert (done.exit_code, asked) == (2, [])
