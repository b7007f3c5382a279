"""What Tempest said becomes sums in which every chosen test is counted once, each skip with its reason."""

import json
from pathlib import Path

import pytest

from onestack.health.verify.tempest import summary
from onestack.health.verify.tempest_results import NOT_RUN, Collector, SmokeReport, TestResult, collect

CAPTURED = Path(__file__).with_name("captured.jsonl").read_text().splitlines()
PORTS = "tempest.api.network.test_ports.PortsTestJSON"


@pytest.fixture
def results():
    return {test.name: test for test in collect(CAPTURED)}


def test_every_chosen_test_is_counted_once(results):
    chosen = [json.loads(line)["id"] for line in CAPTURED if '"exists"' in line]
    tests = [name for name in results if not name.endswith("(clean-up)")]
    assert sorted(tests) == sorted(name.partition("[")[0] for name in chosen)


def test_outcomes_of_tests_that_ran(results):
    assert results[f"{PORTS}.test_list_ports"] == TestResult(f"{PORTS}.test_list_ports", "passed", 1.25)
    failed = results[f"{PORTS}.test_show_port"]
    assert (failed.state, failed.seconds) == ("failed", 0.5)
    assert "MismatchError: 1 != 2" in failed.detail


def test_a_class_that_is_skipped_skips_its_tests_with_its_reason(results):
    skipped = {name: test.reason for name, test in results.items() if test.state == "skipped"}
    assert len(skipped) == 3
    dashboard = "tempest.scenario.test_dashboard_basic_ops.TestDashboardBasicOps.test_basic_scenario"
    assert skipped[dashboard] == "Horizon support is required"
    assert all(skipped.values())


def test_a_class_whose_set_up_fails_fails_its_tests(results):
    images = [test for name, test in results.items() if ".BasicOperationsImagesTest." in name]
    assert len(images) == 3
    assert all(test.state == "failed" and "Traceback" in test.detail for test in images)


def test_a_test_that_never_ran_and_a_failed_clean_up_are_failures(results):
    assert results[f"{PORTS}.test_lost"] == TestResult(f"{PORTS}.test_lost", "failed", reason=NOT_RUN)
    assert "still in use" in results[f"{PORTS} (clean-up)"].detail


def test_progress_is_told_for_tests_only():
    collector = Collector()
    told = [collector.take(line) for line in CAPTURED]
    assert [test.name for test in told if test] == [f"{PORTS}.test_list_ports", f"{PORTS}.test_show_port"]
    assert collector.ended == 0
    assert len(collector.chosen) == 11


def test_report_sums_and_exit_status(results):
    report = SmokeReport(tuple(results.values()), 12.34, "run/tempest.log")
    assert summary(report) == f"1 passed, {len(results) - 4} failed, 3 skipped"
    data = report.as_dict()
    assert (data["ok"], data["passed"], data["seconds"]) == (False, 1, 12.3)
    assert all(test["reason"] for test in data["skipped"])
    assert report.exit_status == 1
    json.dumps(data)


@pytest.mark.parametrize(
    ("tests", "cut_short", "ok"),
    [
        ((TestResult("a", "passed"), TestResult("b", "skipped", reason="why")), "", True),
        ((TestResult("a", "passed"),), "it was stopped after 5 s", False),
        ((TestResult("a", "skipped", reason="why"),), "", False),
        ((), "", False),
    ],
)
def test_ok_needs_a_pass_and_an_end(tests, cut_short, ok):
    assert SmokeReport(tests, 1, cut_short=cut_short).ok is ok
