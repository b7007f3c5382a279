"""Suites of tests that upstream publishes in packages, run against this cloud: `verify --suite NAME`."""

from onestack.health.verify.suites.report import SuiteReport
from onestack.health.verify.suites.site import SUITES, verify

__all__ = ["SUITES", "SuiteReport", "verify"]
