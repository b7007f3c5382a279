"""The autoscaler is killed at any moment: afterwards there are the members that are wanted."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cloud import groups
from onestack import Cloud
from onestack.autoscaling import record
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

KILLS = 20
WEB = "killed/web"
SEED = int(os.environ.get("ONESTACK_TEST_SEED", "11"))
SPEC = """\
name: killed
tenants:
  - name: killed
    networks: [{{name: front, subnets: [{{cidr: 10.1.0.0/24}}]}}]
    scaling_groups:
      - name: web
        min: 1
        max: 4
        server: {{image: tiny, flavor: m1.nano, network: front, user_data: "{text}"}}
        warm_up: 0s
        warm_pool: {{size: 1, state: running}}
        scale_in: {{drain: 1s}}
        update: {{batch: 50%, min_healthy: 50%}}
"""


def spec(folder: Path, text: str) -> Path:
    file = folder / f"{text}.yaml"
    file.write_text(SPEC.format(text=text))
    return file


def kill(cloud: Cloud) -> None:
    """End the autoscaler, if supervisord has started it again since the last time."""
    running = cloud.site.leader.supervisor.program("autoscaler")
    if running is not None and running.pid:
        os.kill(running.pid, signal.SIGKILL)


def test_twenty_kills_leave_the_right_members(pretending: Cloud, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    first, second = spec(tmp_path, "first"), spec(tmp_path, "second")
    with groups.applied(pretending, first, WEB) as project:
        groups.settles(pretending, WEB, 1, warm=1)
        wanted, file = 1, first
        for number in range(KILLS):
            if number % 5 == 4:
                file = second if file == first else first
                assert pretending.apply(spec=file).ok
            else:
                wanted = chance.randint(1, 4)
                pretending.scaling_groups.resize(WEB, wanted)
            until(
                "the autoscaler to run",
                lambda: (
                    bool((now := pretending.site.leader.supervisor.program("autoscaler")) and now.pid),
                    str(now),
                ),
                seconds=60,
            )
            # A moment at random in what it does about it: this is no wait for anything.
            time.sleep(chance.uniform(0.0, 4.0))
            kill(pretending)
        groups.settles(pretending, WEB, wanted, warm=1)
        group = pretending.scaling_groups.group(WEB).record
        there: list[Any] = []

        def look() -> tuple[bool, str]:
            # A member that was removed may still be in Nova for a moment.
            there[:] = groups.members(pretending, project)
            kinds = Counter(record.WARM in server["metadata"] for server in there)
            return kinds == {False: wanted, True: 1}, f"warm or not: {kinds}"

        until("the members that are wanted", look, seconds=60)
        assert {server["metadata"][record.DIGEST] for server in there} == {group.digest}
        assert pretending.plan(file).empty
