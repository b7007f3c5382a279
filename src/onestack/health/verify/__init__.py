"""Checks that the cloud works: `quick`, with a tenant of its own, and `smoke`, with upstream's Tempest."""

from onestack.health.verify.outside import look as look_outside
from onestack.health.verify.quick import quick
from onestack.health.verify.report import Report, StepResult
from onestack.health.verify.tempest import install, smoke
from onestack.health.verify.tempest_results import SmokeReport, TestResult

__all__ = ["Report", "SmokeReport", "StepResult", "TestResult", "install", "look_outside", "quick", "smoke"]
