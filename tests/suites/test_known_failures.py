"""A failure of upstream's has an entry with its reason; any other fails the run. An entry that passes is stale."""

from pathlib import Path

import pytest

from onestack.core import data
from onestack.core.errors import PermanentError
from onestack.health.verify.suites import SUITES, known
from onestack.health.verify.suites.report import SuiteReport
from onestack.health.verify.tempest_results import TestResult

PASSED = TestResult("t.a", "passed", 1.0)
FAILED = TestResult("t.b", "failed", 1.0, detail="Traceback\n  in b\nMismatchError: 1 != 2\n")
SKIPPED = TestResult("t.c", "skipped", reason="not here")


def report(*tests: TestResult, **known_failures: str) -> SuiteReport:
    listed = {f"t.{name}": reason for name, reason in known_failures.items()}
    return SuiteReport("some", tests, 12.34, listed, "run")


def test_a_failure_without_an_entry_fails_the_run() -> None:
    found = report(PASSED, FAILED)
    assert (found.exit_status, found.failed, found.known_failures) == (1, (FAILED,), ())
    assert found.failed[0].last_line == "MismatchError: 1 != 2"


def test_a_failure_with_an_entry_does_not_and_has_its_reason() -> None:
    found = report(PASSED, FAILED, b="wants a service nobody has")
    assert (found.exit_status, found.failed) == (0, ())
    assert found.as_dict()["known_failures"][0]["reason"] == "wants a service nobody has"
    assert found.sums() == "1 passed, 0 failed, 1 known to fail, 0 skipped"


def test_an_entry_whose_test_passes_is_stale() -> None:
    found = report(PASSED, SKIPPED, a="was wrong once", c="skipped today")
    assert (found.stale, found.exit_status) == (("t.a",), 0)


@pytest.mark.parametrize("tests", [(), (SKIPPED,)])
def test_a_run_in_which_nothing_ran_is_not_well(tests: tuple[TestResult, ...]) -> None:
    assert report(*tests).exit_status == 1


def test_a_run_that_was_stopped_is_not_well() -> None:
    assert SuiteReport("some", (PASSED,), 1, cut_short="it was stopped after 5 s").exit_status == 1


def test_the_file_has_groups_of_tests_with_one_reason(tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text("- reason: |\n    asks for X\n  tests: [t.a, t.b]\n- reason: y\n  tests: [t.c]\n")
    assert known.load(file) == {"t.a": "asks for X", "t.b": "asks for X", "t.c": "y"}
    assert known.load(tmp_path / "none.yaml") == {}


@pytest.mark.parametrize(
    "text",
    [
        "- reason: x\n",
        "- tests: [a]\n",
        "- reason: ''\n  tests: [a]\n",
        "a: b\n",
        "- [\n",
        "- reason: x\n  tests: [a]\n- reason: y\n  tests: [a]\n",
    ],
)
def test_any_other_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "known.yaml"
    file.write_text(text)
    with pytest.raises(PermanentError) as refused:
        known.load(file)
    assert refused.value.where == str(file)


@pytest.mark.parametrize("series", data.releases())
@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_every_release_has_each_suite_locked_and_its_known_failures_readable(
    series: str, suite: object
) -> None:
    folder = data.having(series, "suites") / "suites" / suite.name
    assert "--hash=sha256:" in (folder / "requirements.txt").read_text()
    assert all(name.startswith(suite.prefix) for name in known.load(folder / known.FILE))
