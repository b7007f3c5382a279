"""What a cloud in memory has, as the API would say it, for exports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from onestack.workloads.kind.base import quota_key
from onestack.workloads.kind.existing import Existing
from onestack.workloads.plan import Address, Observed, Ref

sys.path.insert(0, str(Path(__file__).parents[1] / "plan"))
from model_cloud import ModelCloud


class SurveyedCloud(ModelCloud):
    """A `ModelCloud` that is exported."""

    class reach:
        """An administrator's."""

        projects: dict[str, str] = {}  # noqa: RUF012

    unavailable: dict[str, Any] = {}  # noqa: RUF012

    def survey(
        self, wanted: frozenset[Address], *, everything: bool = False
    ) -> list[tuple[Observed, dict[str, Any]]]:
        """All there is, with every field that the API has."""
        found = []
        for one in self.there.values():
            fields = dict.fromkeys(self.kinds[one.address.kind].fields) | dict(one.fields)
            if one.address.kind == "port" and fields["security_groups"] is None:
                fields["security_groups"] = [Ref(Address("security group", (one.address.path[0], "default")))]
            for key in ("admin_state_up", "port_security_enabled", "enable_dhcp", "enabled"):
                if key in fields and fields[key] is None:
                    fields[key] = True
            full = Observed(one.address, one.id, fields, one.owner, one.needs)
            found.append((full, self._raw(one)))
        tenants = [one for one, _ in found if one.address.kind == "tenant"]
        for tenant in tenants:
            address = Address("security group", (tenant.address.path[0], "default"))
            if address not in self.there:
                default = Observed(
                    address, f"default of {tenant.id}", {"description": ""}, None, (tenant.address,)
                )
                found += [(default, {}), *self._rules(default)]
        return found

    def _rules(self, group: Observed) -> list[tuple[Observed, dict[str, Any]]]:
        """The four rules that Neutron gives it."""
        rules = []
        for number, (direction, version) in enumerate(
            (direction, version) for direction in ("ingress", "egress") for version in ("IPv4", "IPv6")
        ):
            fields: dict[str, Any] = {"direction": direction, "ethertype": version}
            if direction == "ingress":
                fields["remote_group_id"] = Ref(group.address)
            address = Address("security group rule", (*group.address.path, f"{direction} {version}"))
            rules.append((Observed(address, f"{group.id} {number}", fields, None, (group.address,)), {}))
        return rules

    def _raw(self, one: Observed) -> dict[str, Any]:
        if one.address.kind == "server":
            ports = [self.there[ref.address].id for ref in one.fields["ports"]]
            return {"ports": ports, "OS-EXT-SRV-ATTR:user_data": None}
        return {"usual": {}} if one.address.kind == "quota" else {}


LIMITS: dict[str, dict[str, str]] = {}
for kind in ModelCloud.kinds.values():
    LIMITS.setdefault(quota_key(kind.service), {}).update(
        {key: limit.word for key, limit in kind.limits.items()}
    )


def existing(*found: tuple[Observed, dict[str, Any]], **words: Any) -> Existing:
    """What exists, for one kind's way back."""
    tenants = [one.address for one, _ in found if one.address.kind == "tenant"]
    kinds: Any = ModelCloud.kinds
    return Existing(found, kinds, tenants=tenants, platform=False, owner=None, limits=LIMITS, **words)
