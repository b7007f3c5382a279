"""How a cloud is while something is done to it, asked as `status` asks."""

from __future__ import annotations

from onestack import Cloud
from onestack.core.wait import until
from onestack.health import process_status, status

# Every process of a default cloud but supervisord, as `status` shows them; tests hold this to the declarations.
PROCESSES = (
    "api-gateway",
    "virtlogd",
    "libvirtd",
    "mariadb",
    "ovsdb",
    "ovs-vswitchd",
    "ovn-northd",
    "ovn-controller",
    "keystone",
    "glance",
    "neutron",
    "placement",
    "cinder",
    "nova",
    "horizon",
    "octavia",
)

TOGETHER = (
    ("mariadb", "ovn-northd", "virtlogd"),
    ("ovsdb", "glance", "horizon"),
    ("ovs-vswitchd", "libvirtd", "keystone"),
    ("api-gateway", "ovn-controller"),
    ("neutron", "placement", "cinder"),
    ("nova", "octavia"),
    ("keeper",),
)
"""Processes that may be killed at the same time, and the keeper. None needs another one of its group, so that one
which ends with what it needs still shows. The keeper is killed alone: it counts how often the others were."""


def pids(cloud: Cloud) -> dict[str, int]:
    """Process id by name, of those that run, supervisord and the keeper among them."""
    supervisor = cloud.site.leader.supervisor
    found = {name: each.pid for name, each in supervisor.programs().items() if each.pid}
    return found | ({"supervisord": supervisor.pid} if supervisor.pid else {})


def wait_healthy(cloud: Cloud, seconds: float = 180.0) -> status.Status:
    """Wait until `status` finds nothing wrong."""
    seen: list[status.Status] = []

    def look() -> tuple[bool, str]:
        seen.append(cloud.status())
        return seen[-1].health == "healthy", "; ".join(seen[-1].reasons)

    until("the cloud to be healthy", look, seconds=seconds, every=1.0)
    return seen[-1]


def wait_back(cloud: Cloud, name: str, before: int, seconds: float = 120.0) -> None:
    """Wait until a process runs under another id and answers."""

    def look() -> tuple[bool, str]:
        now = next((each for each in process_status.process_statuses(cloud.site) if each.name == name), None)
        if now is None:
            pid = pids(cloud).get(name, 0)
            return pid not in (0, before), f"pid {pid}"
        return now.pid not in (None, before) and now.answers, f"{now.state}, pid {now.pid}: {now.seen}"

    until(f"{name} to come back", look, seconds=seconds, every=0.3, where=cloud.site.leader.log(name))
