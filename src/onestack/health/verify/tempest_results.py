"""The results of Tempest's tests, as data, from the lines that `follow.py` writes. Pure.

If the set-up of a test class is skipped or fails, Tempest reports the class once and starts none of its tests. Here
each of them is counted with the class's reason, so that the totals include every selected test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["passed", "failed", "skipped"]

_STATES: Mapping[str, State] = {"success": "passed", "xfail": "passed", "skip": "skipped"}
_FIXTURE = re.compile(r"(setUpClass|tearDownClass|setUpModule|tearDownModule) \((.+)\)$")
NOT_RUN = "did not run: its test worker ended early"


@dataclass(frozen=True)
class TestResult:
    """One test: `seconds` it took (None: never began), `reason` it was skipped, `detail` of its failure."""

    __test__ = False

    name: str
    state: State
    seconds: float | None = None
    reason: str = ""
    detail: str = ""

    @property
    def last_line(self) -> str:
        """Why it failed, in a line: the end of its traceback, or the reason that is given."""
        lines = [line.strip() for line in self.detail.splitlines() if line.strip()]
        return lines[-1] if lines else self.reason

    def as_dict(self) -> dict[str, Any]:
        """The result as data, empty parts left out."""
        return {key: value for key, value in vars(self).items() if value not in (None, "")}


@dataclass(frozen=True)
class SmokeReport:
    """Tempest's results for the cloud. `cut_short`: why the run was not completed, or empty."""

    tests: tuple[TestResult, ...]
    seconds: float
    log: str = ""
    cut_short: str = ""

    def of(self, state: State) -> tuple[TestResult, ...]:
        """The tests with this result."""
        return tuple(test for test in self.tests if test.state == state)

    @property
    def ok(self) -> bool:
        """Something passed, nothing failed, and the run was completed."""
        return bool(self.of("passed")) and not self.of("failed") and not self.cut_short

    @property
    def exit_status(self) -> int:
        """0 when all is well, else 1."""
        return 0 if self.ok else 1

    def as_dict(self) -> dict[str, Any]:
        """Totals, and every failure and skip with its reason."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "passed": len(self.of("passed")),
            "failed": [test.as_dict() for test in self.of("failed")],
            "skipped": [test.as_dict() for test in self.of("skipped")],
            "log": self.log,
            **({"cut_short": self.cut_short} if self.cut_short else {}),
        }


class Collector:
    """Parses the lines one by one, so that a caller can report progress."""

    def __init__(self) -> None:
        self.chosen: list[str] = []
        self.ended: int | None = None
        self._records: dict[str, Mapping[str, Any]] = {}

    def take(self, line: str) -> TestResult | None:
        """The test result in a line, or None. Other programs' lines are ignored."""
        try:
            data = json.loads(line)
        except ValueError:
            return None
        if not isinstance(data, dict):
            return None
        if "ended" in data:
            self.ended = int(data["ended"])
        name = data.get("id")
        if not isinstance(name, str):
            return None
        if data.get("status") == "exists":
            self.chosen.append(name)
            return None
        self._records[name] = data
        return None if _FIXTURE.match(name) else _result(name, data)

    def results(self) -> tuple[TestResult, ...]:
        """The results of all selected tests, and of fixtures that failed, sorted by name."""
        tests = {name: data for name, data in self._records.items() if not _FIXTURE.match(name)}
        results = [_result(name, data) for name, data in tests.items()]
        setups = self._fixtures("setUp")
        reported = set()
        for name in dict.fromkeys(self.chosen):
            if name in tests:
                continue
            owner = next((owner for owner in setups if name.startswith(f"{owner}.")), None)
            if owner is None:
                results.append(TestResult(short(name), "failed", reason=NOT_RUN))
                continue
            reported.add(owner)
            results.append(_result(name, {**setups[owner], "seconds": None}))
        results += [_result(owner, data) for owner, data in setups.items() if owner not in reported]
        results += [
            _result(f"{owner} (clean-up)", data)
            for owner, data in self._fixtures("tearDown").items()
            if data.get("status") == "fail"
        ]
        return tuple(sorted(results, key=lambda test: test.name))

    def _fixtures(self, kind: str) -> dict[str, Mapping[str, Any]]:
        matches = [(_FIXTURE.match(name), data) for name, data in self._records.items()]
        return {match[2]: data for match, data in matches if match and match[1].startswith(kind)}


def collect(lines: Iterable[str]) -> tuple[TestResult, ...]:
    """The results in captured lines."""
    collector = Collector()
    for line in lines:
        collector.take(line)
    return collector.results()


def short(name: str) -> str:
    """A test's name without the tags in brackets after it."""
    return name.partition("[")[0]


def _result(name: str, data: Mapping[str, Any]) -> TestResult:
    state = _STATES.get(str(data.get("status")), "failed")
    return TestResult(
        short(name),
        state,
        data.get("seconds"),
        str(data.get("reason", "")),
        str(data.get("detail", "")) if state == "failed" else "",
    )
