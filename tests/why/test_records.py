"""What the services wrote about a request is found in their logs' lines, as they were captured from a real cloud."""

from __future__ import annotations

from onestack.health.why.model import Filter
from onestack.health.why.records import problems, records, request

REQUEST = "req-70f56b5a-2984-482c-91f3-356e84b867df"
_CONTEXT = f"[None {REQUEST} a4ae2211 49423d90 - - default default]"
PLACEMENT = (
    f"2026-11-27 15:44:14.569 18366 INFO placement.requestlog [{REQUEST} req-b9fafe72 6f68b33b - - default default]"
    '  "GET /placement/allocation_candidates?limit=1000&resources=DISK_GB%3A1%2CMEMORY_MB%3A40000%2CVCPU%3A16'
    '&root_required=OWNER_NOVA%2C%21COMPUTE_STATUS_DISABLED" status: 200 len: 53 microversion: 1.36'
)
NOVA = [
    f"2026-11-27 15:44:14.576 18370 INFO nova.scheduler.manager {_CONTEXT} Got no allocation candidates from the "
    "Placement API. This could be due to insufficient resources.",
    f"2026-11-27 15:44:22.928 18370 INFO nova.filters {_CONTEXT} Filter ServerGroupAntiAffinityFilter returned 0 "
    "hosts",
    f"2026-11-27 15:44:22.929 18370 INFO nova.filters {_CONTEXT} Filtering removed all hosts for the request with "
    "instance ID '5c15'. Filter results: ['ComputeFilter: (start: 1, end: 1)', "
    "'ServerGroupAntiAffinityFilter: (start: 1, end: 0)']",
    f"2026-11-27 15:44:22.980 18370 ERROR nova.conductor.manager {_CONTEXT} Failed to schedule instances: "
    "No valid host",
    f"2026-11-27 15:44:23.100 18370 ERROR nova.compute.manager {_CONTEXT} [instance: 5c15] Instance failed to spawn: "
    "no space left",
    "    raise exception.NoValidHost(reason=reason)",
]


def test_what_was_asked_for_is_read_from_placements_log() -> None:
    asked = records([PLACEMENT], REQUEST).placement_request
    assert asked is not None
    assert asked.resources == {"DISK_GB": 1, "MEMORY_MB": 40000, "VCPU": 16}
    assert (asked.required, asked.forbidden) == ({"OWNER_NOVA"}, {"COMPUTE_STATUS_DISABLED"})


def test_a_host_that_was_asked_for_is_known() -> None:
    assert request("resources=VCPU:1&in_tree=f13be58a&required=A,!B").provider == "f13be58a"


def test_filters_and_errors_are_read_from_novas_log() -> None:
    found = records(NOVA, REQUEST)
    assert found.no_candidates
    assert found.filters == (Filter("ComputeFilter", 1, 1), Filter("ServerGroupAntiAffinityFilter", 1, 0))
    assert found.errors == ("Instance failed to spawn: no space left",)


def test_the_short_line_alone_names_the_filter() -> None:
    assert records(NOVA[1:2], REQUEST).filters == (Filter("ServerGroupAntiAffinityFilter", 0, 0),)


def test_other_requests_lines_do_not_count() -> None:
    assert records([PLACEMENT, *NOVA], "req-other").placement_request is None


def test_problems_with_a_resource_are_the_latest_different_ones() -> None:
    lines = [
        "2026-11-28 08:00:01.000 1 ERROR cinder.volume [None req-1 a b - - d d] v1 is lost",
        "2026-11-28 08:00:01.000 1 ERROR cinder.volume Traceback v1",
        "2026-11-28 08:00:02.000 1 WARNING cinder.volume [-] no room for v1",
        "2026-11-28 08:00:03.000 1 INFO cinder.volume [-] v1 is created",
        "2026-11-28 08:00:04.000 1 WARNING oslo [None req-1 a] Deprecated: Option v1",
        "2026-11-28 08:00:05.000 1 ERROR cinder.volume [None req-2 a b - - d d] v1 is lost",
        "2026-11-28 08:00:06.000 1 ERROR cinder.volume [None req-2 a b - - d d] v2 is lost",
    ]
    assert problems(lines, ["v1"]) == ("v1 is lost", "no room for v1")
    assert problems(lines, []) == ()
