"""Operations on scaling groups: show, explain, history, resize, suspend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from onestack.autoscaling import record
from onestack.autoscaling import status as autoscaling_status
from onestack.autoscaling.autoscaler import journal, process
from onestack.autoscaling.autoscaler.tenants import Tenants
from onestack.autoscaling.decision import from_spec
from onestack.autoscaling.reading import Record
from onestack.core.errors import BadInput
from onestack.platform.site import Site
from onestack.workloads.resources.scaling_group import patch

STALE_SECONDS = 30.0
"""A status older than this (seconds) means that no autoscaler is running."""


@dataclass(frozen=True)
class Group:
    """A group with its tenant's name, and its status from the autoscaler's last cycle (empty before the first)."""

    record: Record
    tenant: str
    status: dict[str, Any]

    @property
    def title(self) -> str:
        return f"{self.tenant}/{self.record.name}"

    def as_dict(self) -> dict[str, Any]:
        group = self.record
        return {
            "tenant": self.tenant,
            "name": group.name,
            "min": group.settings.min,
            "max": group.settings.max,
            "desired": group.desired,
            "suspended": group.suspended,
            "phase": group.phase,
            "members": self.status.get("members", {}),
            "decision": self.status.get("decision", ""),
            "problems": self.status.get("problems", []),
        }


class ScalingGroups:
    """The scaling groups of a cloud."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def groups(self) -> list[Group]:
        """All groups of all tenants."""
        tenants = Tenants(self._site)
        names = {each["id"]: each["name"] for each in tenants.admin("identity").all("/projects", "projects")}
        status = self.status().get("groups", {})
        records, _ = tenants.records()
        made = [Group(one, names.get(one.project, one.project), status.get(one.id, {})) for one in records]
        return sorted(made, key=lambda each: each.title)

    def group(self, name: str) -> Group:
        """A group, by its name or TENANT/NAME. Raises BadInput."""
        found = self.groups()
        matching = [each for each in found if name in (each.record.name, each.title)]
        if not matching:
            known = ", ".join(sorted(each.title for each in found))
            raise BadInput(
                f"there is no scaling group '{name}'",
                hint=f"there are: {known}"
                if known
                else "this cloud has none: list one in a spec and apply it",
            )
        if len(matching) > 1:
            raise BadInput(
                f"several tenants have a scaling group '{name}'",
                hint=f"choose one: {', '.join(each.title for each in matching)}",
            )
        return matching[0]

    def history(self, name: str, last: int = 50) -> Iterator[dict[str, Any]]:
        """Its decisions and actions, oldest first."""
        group = self.group(name).record
        return journal.read(journal.file_of(self._site.paths.log, group.project, group.name), last)

    def address(self, name: str) -> str:
        """The address of the group: its load balancer's floating IP. Raises BadInput if there is none."""
        group = self.group(name)
        address = self._floating_ip(group.record)
        if address is None:
            raise BadInput(
                f"{group.title} has no load balancer with a floating IP",
                hint="examples/shop.yaml has one",
            )
        return address

    def _floating_ip(self, group: Record) -> str | None:
        if group.pool is None:
            return None
        tenants = Tenants(self._site)
        pool = tenants.admin("load-balancer").get(f"/lbaas/pools/{group.pool}")["pool"]
        lb = tenants.admin("load-balancer").get(f"/lbaas/loadbalancers/{pool['loadbalancers'][0]['id']}")
        port = lb["loadbalancer"]["vip_port_id"]
        found = tenants.admin("network").all("/floatingips", "floatingips", port_id=port)
        return str(found[0]["floating_ip_address"]) if found else None

    def resize(self, name: str, to: int) -> Group:
        """Set the size. It applies for `stabilize` seconds; then the policies decide again. Raises BadInput."""
        found = self.group(name)
        limits = found.record.settings
        if not limits.min <= to <= limits.max:
            raise BadInput(
                f"{found.title} has {limits.min} to {limits.max} members, not {to}",
                hint="change min and max in the spec for other limits",
            )
        return self._write(found, {record.DESIRED: str(to), record.ASKED: record.ASKED_SIZE})

    def suspend(self, name: str, rest: bool) -> Group:
        """Suspend (`rest`): decisions are made and recorded, but not executed. Or resume."""
        return self._write(self.group(name), {record.SUSPENDED: "yes" if rest else "no"})

    def follow(self, name: str, policy: str) -> Group:
        """Execute one policy's recommendation once. The policy has its name in the history, such as `target cpu`.
        Raises BadInput."""
        found = self.group(name)
        known = [each.name for each in from_spec.group(found.record.settings).policies]
        matching = [
            each for each in known if policy in (each, each.partition(" ")[2], each.partition(" ")[0])
        ]
        if len(matching) != 1:
            raise BadInput(
                f"{found.title} has no policy '{policy}'"
                if not matching
                else f"'{policy}' matches several policies",
                hint=f"one of: {', '.join(known) or 'it has none'}",
            )
        return self._write(found, {record.ASKED: f"{record.ASKED_POLICY}{matching[0]}"})

    def status(self) -> dict[str, Any]:
        """The status that the autoscaler wrote last; empty if it never ran."""
        return autoscaling_status.read(self._site.paths.run)

    def _write(self, found: Group, changed: dict[str, str]) -> Group:
        patch(Tenants(self._site).admin("image"), found.record.id, changed)
        process.nudge_file(self._site.paths).touch()
        return self.group(found.title)
