"""The result of a suite's run, with known upstream failures listed apart from others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onestack.health.verify.tempest_results import State, TestResult


@dataclass(frozen=True)
class SuiteReport:
    """`known`: reason by test that is known to fail. `cut_short`: why it did not run to its end, or empty."""

    suite: str
    tests: tuple[TestResult, ...]
    seconds: float
    known: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    cut_short: str = ""

    @property
    def passed(self) -> tuple[TestResult, ...]:
        """The tests that passed."""
        return self._of("passed")

    @property
    def skipped(self) -> tuple[TestResult, ...]:
        """The tests that did not apply; each has its reason."""
        return self._of("skipped")

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """The tests that failed and are not known to fail."""
        return tuple(test for test in self._of("failed") if test.name not in self.known)

    @property
    def known_failures(self) -> tuple[tuple[TestResult, str], ...]:
        """The tests that failed and are known to fail, each with upstream's reason."""
        failed = self._of("failed")
        return tuple((test, self.known[test.name]) for test in failed if test.name in self.known)

    @property
    def stale(self) -> tuple[str, ...]:
        """The tests that are known to fail but passed."""
        return tuple(test.name for test in self.passed if test.name in self.known)

    @property
    def ok(self) -> bool:
        """Whether something ran, nothing failed unexpectedly, and the run was completed."""
        ran = self.passed or self.known_failures
        return bool(ran) and not self.failed and not self.cut_short

    @property
    def exit_status(self) -> int:
        """0 when all is well, else 1."""
        return 0 if self.ok else 1

    def as_dict(self) -> dict[str, Any]:
        """Sums; every failure, known or not, and every skip with its reason."""
        return {
            "suite": self.suite,
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "passed": len(self.passed),
            "failed": [test.as_dict() for test in self.failed],
            "known_failures": [{**test.as_dict(), "reason": reason} for test, reason in self.known_failures],
            "stale": list(self.stale),
            "skipped": [test.as_dict() for test in self.skipped],
            "log": self.log,
            **({"cut_short": self.cut_short} if self.cut_short else {}),
        }

    def sums(self) -> str:
        """The totals in words."""
        counts = f"{len(self.passed)} passed, {len(self.failed)} failed"
        return f"{counts}, {len(self.known_failures)} known to fail, {len(self.skipped)} skipped"

    def _of(self, state: State) -> tuple[TestResult, ...]:
        return tuple(test for test in self.tests if test.state == state)
