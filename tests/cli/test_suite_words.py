"""`verify --suite NAME` runs a suite of upstream's, or a part of it, and shows why what failed did."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from onestack.cli import use
from onestack.cli.main import cli
from onestack.cloud import Cloud
from onestack.health.verify.suites import SUITES, SuiteReport
from onestack.health.verify.tempest_results import TestResult

TESTS = (
    TestResult("openstack.t.a", "failed", detail="Traceback\nMismatchError: [1] != [2]"),
    TestResult("openstack.t.b", "failed"),
    TestResult("openstack.t.c", "passed"),
    TestResult("openstack.t.d", "skipped", reason="[no] such service"),
)
REPORT = SuiteReport(
    "openstacksdk", TESTS, 61.0, {"openstack.t.b": "upstream's own", "openstack.t.c": "once"}
)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What was asked of the cloud."""
    calls: list[SimpleNamespace] = []

    def verify_suite(self: Cloud, name: str, **words: object) -> SuiteReport:
        calls.append(SimpleNamespace(name=name, **words))
        return REPORT

    monkeypatch.setattr(Cloud, "verify_suite", verify_suite)
    return calls


def test_a_part_of_a_suite_is_asked_for_by_name(asked: list[SimpleNamespace]) -> None:
    words = ["verify", "--suite", "openstacksdk", "--only", "image|network", "--concurrency", "3", "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 1
    assert [(each.name, each.only, each.concurrency) for each in asked] == [
        ("openstacksdk", "image|network", 3)
    ]


def test_failures_known_and_unknown_are_shown_with_their_reasons() -> None:
    done = CliRunner().invoke(cli, ["verify", "--suite", "openstacksdk"])
    shown = " ".join(done.stdout.split())
    for expected in (
        "failed openstack.t.a MismatchError: [1] != [2]",
        "known to fail openstack.t.b upstream's own",
        "stale openstack.t.c",
        "skipped openstack.t.d [no] such service",
        "1 passed, 1 failed, 1 known to fail, 1 skipped in 61 s",
    ):
        assert expected in shown


@pytest.mark.parametrize(
    "words",
    [
        ["--suite", "other"],
        ["--suite", "openstacksdk", "--tempest", "smoke"],
        ["--suite", "openstacksdk", "--quick"],
        ["--only", "image"],
        ["--suite", "openstacksdk", "--concurrency", "0"],
    ],
)
def test_other_words_are_refused(words: list[str], asked: list[SimpleNamespace]) -> None:
    done = CliRunner().invoke(cli, ["verify", *words])
    assert (done.exit_code, asked) == (2, [])


def test_the_suites_of_the_command_are_those_that_there_are() -> None:
    assert tuple(SUITES) == use.SUITES
