"""Waits until Nova sees its hypervisors and Neutron its agents: before that no server can start."""

from __future__ import annotations

from collections.abc import Collection

from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.platform import connect
from onestack.platform.readiness import progress
from onestack.platform.site import Site

AUTO = "AUTO: "
"""The beginning of the reason with which Nova itself disables a host."""


def out_by_itself(disabled_reason: str | None) -> str:
    """Why Nova itself disabled a host, from the disabled service's reason; "" if an operator disabled it, or
    nobody."""
    reason = disabled_reason or ""
    return reason.removeprefix(AUTO) if reason.startswith(AUTO) else ""


def wait_up(site: Site, present: Collection[str], emit: Emit) -> None:
    """Wait until Nova sees its hypervisors and Neutron its agents: before that no server can start.

    `present`: the hosts that are waited for; others cannot be reached.
    """
    admin = connect.connection(site)
    hosts = [each for each in site.hosts if each.name in present]
    wanted = site.view.cloud.fake_hosts or sum("compute" in each.roles for each in hosts)
    away = {each.name for each in site.hosts} - {each.name for each in hosts}

    def poll() -> tuple[bool, str]:
        up = [each for each in admin.compute.hypervisors() if each.state == "up"]
        agents = [
            agent for agent in admin.network.agents() if agent.agent_type != "fake" and agent.host not in away
        ]
        dead = [agent.agent_type for agent in agents if not agent.is_alive]
        # Nova disables a host while libvirtd is down. Hosts that an operator disabled are not waited for.
        out = [
            each.host
            for each in admin.compute.services()
            if out_by_itself(each.disabled_reason) and each.host not in away
        ]
        answer = f"{len(up)} of {wanted} hypervisors up, {len(agents)} network agents, dead: {dead or 'none'}"
        if out:
            answer += f", out of service by themselves: {', '.join(out)}"
        return len(up) >= wanted and bool(agents) and not dead and not out, answer

    with step("hypervisor", emit) as at:
        at.outcome = until(
            "the hypervisor and the network agents",
            poll,
            seconds=90,
            every=0.3,
            where=site.leader.log("nova"),
            working=progress(site.leader),
        )
