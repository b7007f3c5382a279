"""What came of Tempest's tests, as data, from the lines that `follow.py` writes. Pure.

A class whose set-up is skipped or fails says so once, under its own name, and its tests never begin; here
each of them is counted with the class's reason, so that nothing that was chosen is missing from the sums.
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
NOT_RUN = "did not run: the worker that had it ended early"


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
    """What Tempest says of the cloud. `cut_short`: why it did not run to its end, or empty."""

    tests: tuple[TestResult, ...]
    seconds: float
    log: str = ""
    cut_short: str = ""

    def of(self, state: State) -> tuple[TestResult, ...]:
        """The tests that ended so."""
        return tuple(test for test in self.tests if test.state == state)

    @property
    def ok(self) -> bool:
        """Something passed, nothing failed, and it ran to its end."""
        return bool(self.of("passed")) and not self.of("failed") and not self.cut_short

    @property
    def exit_status(self) -> int:
        """0 when all is well, else 1."""
        return 0 if self.ok else 1

    def as_dict(self) -> dict[str, Any]:
        """Sums, every failure and every skip with its reason."""
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
    """Takes the lines one by one, so that a caller can say how far it is."""

    def __init__(self) -> None:
        self.chosen: list[str] = []
        self.ended: int | None = None
        self._said: dict[str, Mapping[str, Any]] = {}

    def take(self, line: str) -> TestResult | None:
        """The result a line tells of a test, if it does; lines that are not ours are passed over."""
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
        self._said[name] = data
        return None if _FIXTURE.match(name) else _result(name, data)

    def results(self) -> tuple[TestResult, ...]:
        """Every test that was chosen, and every fixture that failed beside them, sorted by name."""
        tests = {name: data for name, data in self._said.items() if not _FIXTURE.match(name)}
        found = [_result(name, data) for name, data in tests.items()]
        setups = self._fixtures("setUp")
        told = set()
        for name in dict.fromkeys(self.chosen):
            if name in tests:
                continue
            owner = next((place for place in setups if name.startswith(f"{place}.")), None)
            if owner is None:
                found.append(TestResult(short(name), "failed", reason=NOT_RUN))
                continue
            told.add(owner)
            found.append(_result(name, {**setups[owner], "seconds": None}))
        found += [_result(place, data) for place, data in setups.items() if place not in told]
        found += [
            _result(f"{place} (clean-up)", data)
            for place, data in self._fixtures("tearDown").items()
            if data.get("status") == "fail"
        ]
        return tuple(sorted(found, key=lambda test: test.name))

    def _fixtures(self, kind: str) -> dict[str, Mapping[str, Any]]:
        matches = [(_FIXTURE.match(name), data) for name, data in self._said.items()]
        return {match[2]: data for match, data in matches if match and match[1].startswith(kind)}


def collect(lines: Iterable[str]) -> tuple[TestResult, ...]:
    """The results that captured lines tell."""
    collector = Collector()
    for line in lines:
        collector.take(line)
    return collector.results()


def short(name: str) -> str:
    """A test's name without the tags that follow it in brackets."""
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
