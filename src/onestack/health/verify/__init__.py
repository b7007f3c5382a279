"""Checks that the cloud works: `quick`, with a tenant of its own; `smoke`, with upstream's Tempest; and `suites`,
other tests of upstream's.
"""

from onestack.health.verify.quick import quick
from onestack.health.verify.report import Report, StepResult
from onestack.health.verify.suites import SuiteReport
from onestack.health.verify.tempest import install, smoke
from onestack.health.verify.tempest_results import SmokeReport, TestResult

__all__ = ["Report", "SmokeReport", "StepResult", "SuiteReport", "TestResult", "install", "quick", "smoke"]
