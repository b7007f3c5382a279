"""Waits until Nova sees its hypervisors and Neutron its agents: before that no server can start."""

from __future__ import annotations

from collections.abc import Collection

from openstack.connection import Connection

from onestack.core.errors import PermanentError
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


def force_down(admin: Connection, service: str, forced: bool) -> None:
    """Have Nova take a host for lost whatever it hears, or no more. `service`: the id of its nova-compute's record.
    Raises PermanentError, SDKException."""
    answer = admin.compute.put(f"/os-services/{service}", json={"forced_down": forced}, microversion="2.53")
    if answer.status_code != 200:
        raise PermanentError(f"Nova refused to change forced_down: {answer.text[:300]}")


def lift(site: Site, admin: Connection, present: Collection[str]) -> list[str]:
    """Where healing is off, have Nova listen again to hosts that are forced down; which they were. A host that was on
    its way back when healing was switched off would be waited for in vain. Raises PermanentError, SDKException."""
    if site.view.cloud.healing is not None:
        return []
    forced = [
        each
        for each in admin.compute.services(binary="nova-compute")
        if each.is_forced_down and each.host in present
    ]
    for each in forced:
        force_down(admin, each.id, False)
    return [str(each.host) for each in forced]


def wait_up(site: Site, present: Collection[str], emit: Emit) -> None:
    """Wait until Nova sees its hypervisors and Neutron its agents: before that no server can start.

    `present`: the hosts that are waited for; others cannot be reached.
    """
    admin = connect.connection(site)
    lift(site, admin, present)
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
        services = list(admin.compute.services())
        out = [
            each.host for each in services if out_by_itself(each.disabled_reason) and each.host not in away
        ]
        answer = f"{len(up)} of {wanted} hypervisors up, {len(agents)} network agents, dead: {dead or 'none'}"
        if forced := [each.host for each in services if each.is_forced_down]:
            answer += f", forced down: {', '.join(forced)}"
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
