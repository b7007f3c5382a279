"""Reads what services logged about one request or resource. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from onestack.health.why.model import Filter, Records, Request

_CANDIDATES = re.compile(r'"GET \S*/allocation_candidates\?([^\s"]+)')
_FILTERS = re.compile(r"'(\w+): \(start: (\d+), end: (\d+)\)'")
_LAST = re.compile(r"Filter (\w+) returned 0 hosts")
# Nova's own line about a failure, without the following traceback, whose lines have the same prefix.
_ERROR = re.compile(
    r" ERROR (?!nova\.(?:conductor\.manager|scheduler\.utils)\b)[\w.]+ \[[^]]*req-[^]]*\] "
    r"(?:\[instance: [^]]*\] )?(.+)"
)
_PROBLEM = re.compile(
    r" (?:WARNING|ERROR|CRITICAL) [\w.]+ \[[^]]*\] (?!Deprecated: )(?:\[instance: [^]]*\] )?(.+)"
)
_MOST_ERRORS = 3


def records(lines: Iterable[str], request_id: str) -> Records:
    """The records of a request; only lines with its id count."""
    placement_request: Request | None = None
    no_candidates = False
    filters: list[Filter] = []
    errors: list[str] = []
    for line in lines:
        if request_id not in line:
            continue
        if found := _CANDIDATES.search(line):
            placement_request = request(found[1])
        elif "Got no allocation candidates" in line:
            no_candidates = True
        elif steps := _FILTERS.findall(line):
            filters = [Filter(name, int(before), int(after)) for name, before, after in steps]
        elif (last := _LAST.search(line)) and not filters:
            filters = [Filter(last[1], 0, 0)]
        elif (error := _ERROR.search(line)) and error[1] not in errors:
            errors.append(error[1].strip())
    return Records(placement_request, no_candidates, tuple(filters), tuple(errors[-_MOST_ERRORS:]))


def request(query: str) -> Request:
    """The request in the query of `GET /allocation_candidates?…`."""
    words = parse_qsl(query)
    traits = [
        trait
        for key, value in words
        if key in ("required", "root_required")
        for trait in value.split(",")
        if not value.startswith("in:")
    ]
    amounts = [each.partition(":") for key, value in words if key == "resources" for each in value.split(",")]
    return Request(
        {name: int(amount) for name, _, amount in amounts if amount.isdigit()},
        frozenset(trait for trait in traits if not trait.startswith("!")),
        frozenset(trait[1:] for trait in traits if trait.startswith("!")),
        next((value for key, value in words if key == "in_tree"), ""),
    )


def problems(lines: Iterable[str], words: Sequence[str]) -> tuple[str, ...]:
    """The last different warnings and errors with one of the words, the latest first, without tracebacks."""
    found: dict[str, None] = {}
    for line in lines:
        if any(word in line for word in words) and (problem := _PROBLEM.search(line)):
            # A message that comes again is as late as its last one.
            found.pop(problem[1].strip(), None)
            found[problem[1].strip()] = None
    return tuple([*found][: -_MOST_ERRORS - 1 : -1])
