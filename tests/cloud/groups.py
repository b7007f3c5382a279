"""Scaling groups as the tests use them: applied, waited for, counted in OpenStack itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onestack import Cloud
from onestack.autoscaling import record
from onestack.core.wait import until

SECONDS = 300.0
"""For a change of size, on a busy machine."""


@contextmanager
def applied(cloud: Cloud, file: Path, name: str) -> Iterator[str]:
    """A spec with a group (`name`: TENANT/GROUP) in a cloud that runs; gives its project's id.

    Taken away after the body, with all of its members.
    """
    done = cloud.apply(spec=file)
    assert done.ok, done.failures
    project = cloud.scaling_groups.group(name).record.project
    try:
        yield project
    finally:
        gone = cloud.apply(cloud.removal(file), spec=file)
        assert gone.ok, gone.failures
    assert members(cloud, project) == []


def members(cloud: Cloud, project: str) -> list[dict[str, Any]]:
    """Every server of a project's groups, whatever becomes of it, as Nova lists them."""

    def look() -> list[dict[str, Any]]:
        compute = cloud.connect().compute
        answer = compute.get(
            f"/servers/detail?all_tenants=1&project_id={project}", microversion="2.96"
        ).json()["servers"]
        return [server for server in answer if record.GROUP in server["metadata"]]

    found: list[dict[str, Any]] = cloud.run(look)
    return found


def settles(cloud: Cloud, name: str, serving: int, warm: int = 0, seconds: float = SECONDS) -> None:
    """Wait until a group has exactly so many that serve, and so many that wait, by what is said from now on."""
    begun = time.time()

    def look() -> tuple[bool, str]:
        group = cloud.scaling_groups.group(name)
        fresh = (
            cloud.scaling_groups.status().get("time", 0.0) > begun and group.status.get("desired") == serving
        )
        there = Counter({phase: n for phase, n in group.status.get("members", {}).items() if n})
        wanted = Counter({"serving": serving, "warm": warm})
        seen = f"{group.record.desired} wanted, {dict(there)}, {group.status.get('problems')}"
        return fresh and there == +wanted, seen

    until(
        f"{name} to have {serving} members",
        look,
        seconds=seconds,
        every=1.0,
        where=cloud.paths.log / "autoscaler.log",
    )
