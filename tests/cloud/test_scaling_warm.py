"""Members made beforehand and stopped: taken first, made again, and never counted before they serve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import groups
from onestack import Cloud
from onestack.autoscaling import record
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

WEB = "warm/web"
SPEC = """\
name: warm
tenants:
  - name: warm
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    scaling_groups:
      - name: web
        min: 1
        max: 3
        server: {image: tiny, flavor: m1.nano, network: front}
        warm_up: 0s
        warm_pool: {size: 1, state: stopped}
"""


@pytest.fixture
def project(pretending: Cloud, tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "warm.yaml"
    file.write_text(SPEC)
    with groups.applied(pretending, file, WEB) as found:
        groups.settles(pretending, WEB, 1, warm=1)
        yield found


def stopped(cloud: Cloud, project: str) -> str:
    """Wait for the one that waits to be stopped; its id."""
    found: list[str] = []

    def look() -> tuple[bool, str]:
        waiting = [each for each in groups.members(cloud, project) if record.WARM in each["metadata"]]
        found[:] = [each["id"] for each in waiting if each["status"] == "SHUTOFF"]
        return len(found) == len(waiting) == 1, str([(each["id"], each["status"]) for each in waiting])

    until("a stopped member in the warm pool", look, seconds=groups.SECONDS, every=0.5)
    return found[0]


def test_a_stopped_member_is_started_before_one_is_made(pretending: Cloud, project: str) -> None:
    first = stopped(pretending, project)
    pretending.scaling_groups.resize(WEB, 2)
    groups.settles(pretending, WEB, 2, warm=1)
    serving = {
        each["id"]: each["status"]
        for each in groups.members(pretending, project)
        if record.WARM not in each["metadata"]
    }
    assert serving[first] == "ACTIVE"
    assert stopped(pretending, project) not in serving
