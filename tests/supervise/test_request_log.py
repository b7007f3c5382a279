"""`logs --request`: one request is followed through the logs of all services, with its tracebacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.health import merged_logs, request_log

REQUEST = "req-70f56b5a-2984-482c-91f3-356e84b867df"
OWN = "req-b9fafe72-1f54-4ed6-9bd3-11b2cde1b0a7"
OTHER = "req-00000000-2984-482c-91f3-356e84b867df"
ERROR = "2026-11-27 15:44:22.980 18370 ERROR nova.conductor.manager"
NOVA = f"""\
2026-11-27 15:44:14.100 18370 INFO nova.api [None {OTHER} a b - - default default] another one
2026-11-27 15:44:14.576 18370 INFO nova.scheduler.manager [None {REQUEST} a b - - default default] Got none
{ERROR} [None {REQUEST} a b - - default default] Failed to schedule instances
{ERROR} Traceback (most recent call last):
2026-11-27 15:44:22.985 18370 INFO nova.api [None {OTHER} a b - - default default] between
{ERROR}   File "manager.py", line 1683
{ERROR} [None {OTHER} a b - - default default] the same moment, another request
2026-11-27 15:44:23.980 18370 ERROR nova.compute Traceback (most recent call last):
"""
PLACEMENT = (
    f"2026-11-27 15:44:14.569 18366 INFO placement.requestlog [{REQUEST} {OWN} a - - default default] GET\n"
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path)
    found.log.mkdir(parents=True)
    (found.log / "nova.log").write_text(NOVA)
    (found.log / "placement.log.1").write_text(PLACEMENT)
    (found.log / "placement.log").write_text("")
    return found


def read(paths: Paths, request: str, service: str | None = None) -> list[str]:
    found = merged_logs.lines(paths, service, None, since=None, number=1, follow=False, request=request)
    return [
        f"{process}: {line.partition(' 1837')[0].partition(' 18366')[0][-12:]}" for process, line in found
    ]


def test_all_services_lines_are_found_in_the_order_of_time_with_tracebacks(paths: Paths) -> None:
    assert read(paths, REQUEST) == [
        "placement: 15:44:14.569",
        "nova: 15:44:14.576",
        "nova: 15:44:22.980",
        "nova: 15:44:22.980",
        "nova: 15:44:22.980",
    ]


def test_the_id_that_a_service_gave_itself_leads_to_the_request_it_was_asked_for(paths: Paths) -> None:
    assert read(paths, OWN) == read(paths, REQUEST)
    assert request_log.origins(PLACEMENT.splitlines(), REQUEST) == set()


def test_a_line_of_another_request_ends_a_traceback_without_timestamps() -> None:
    lines = [f"2026-11-27 1 2 3 4 {REQUEST}", "  trace", "2026-11-27 1 2 3 5 other", "  trace of other"]
    assert list(request_log.about(lines, [REQUEST])) == lines[:2]


def test_rotated_files_come_first_the_oldest_before(tmp_path: Path) -> None:
    for name in ("nova.log", "nova.log.1", "nova.log.2", "nova.log.bak", "nova-x.log.1"):
        (tmp_path / name).touch()
    assert [each.name for each in request_log.files(tmp_path / "nova.log")] == [
        "nova.log.2",
        "nova.log.1",
        "nova.log",
    ]


@pytest.mark.parametrize("wrong", ["", "req-1", "70f56b5a-2984-482c-91f3-356e84b867df", "req-.*"])
def test_what_is_no_request_id_is_refused(paths: Paths, wrong: str) -> None:
    with pytest.raises(BadInput, match="is not a request id"):
        read(paths, wrong)


def test_a_request_that_no_log_has_is_said(paths: Paths) -> None:
    with pytest.raises(BadInput, match="no log has the request"):
        read(paths, OTHER.replace("2984", "1111"))
    with pytest.raises(BadInput, match="there is no log of 'none'"):
        read(paths, REQUEST, "none")
