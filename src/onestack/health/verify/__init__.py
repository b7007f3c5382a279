"""Checks that the cloud works: quick ones, with tenants of their own; upstream's Tempest; and other suites of
upstream's.
"""

from onestack.health.verify.calls import verify_quick, verify_tempest
from onestack.health.verify.report import Report, StepResult
from onestack.health.verify.suites import SuiteReport
from onestack.health.verify.tempest_results import SmokeReport, TestResult

__all__ = [
    "Report",
    "SmokeReport",
    "StepResult",
    "SuiteReport",
    "TestResult",
    "verify_quick",
    "verify_tempest",
]
