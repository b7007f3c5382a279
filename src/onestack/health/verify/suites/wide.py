"""Resources that openstacksdk's tests create outside any project, and how they are distinguished from others.

Most have a unique name (Unix time and a random UUID). The rest is recognized by comparison with the resources before
the run, and by the properties that the tests give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from openstack.connection import Connection

from onestack.health.verify.sdk import identity

STAMPED = re.compile(r"\d{10}-[0-9a-f]{32}$")
RANDOM = re.compile(r"^[0-9a-f]{32}$")
TEMPORARY = re.compile(r"^(Temporary project created for openstack\.|test project used only for the Test)")

Test = Callable[[Any], bool]


@dataclass(frozen=True)
class Kind:
    """A kind of resource, by openstacksdk's names. `ours`: whether the tests created a given resource.

    `unnamed`: `ours` is reliable only for resources that did not exist before the run.
    """

    service: str
    one: str
    many: str
    ours: Test
    unnamed: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """Its name in messages."""
        return f"{self.service} {self.one.replace('_', ' ')}"

    def listed(self, cloud: Connection) -> Iterable[Any]:
        """All resources of this kind in the cloud, with the administrator's connection."""
        found: Iterable[Any] = getattr(self._proxy(cloud), self.many)(**self.options)
        return found

    def delete(self, cloud: Connection, each: Any) -> None:
        """Delete one."""
        if self.one == "domain":
            identity(cloud).update_domain(each, is_enabled=False)
        # Load balancers' availability zones have no id.
        getattr(self._proxy(cloud), f"delete_{self.one}")(each if each.id else each.name)

    def _proxy(self, cloud: Connection) -> Any:
        return getattr(cloud, self.service.replace("-", "_"))


def _stamped(attribute: str = "name") -> Test:
    return lambda each: bool(STAMPED.search(str(getattr(each, attribute) or "")))


def _project(each: Any) -> bool:
    return _stamped()(each) or bool(TEMPORARY.search(str(each.description or "")))


def _open_port(each: Any) -> bool:
    """A rule for a single port, open to all, without a description."""
    one = each.port_range_min is not None and each.port_range_min == each.port_range_max
    return one and each.protocol in ("tcp", "udp") and not each.description and not each.remote_ip_prefix


def _metainfo(each: Any) -> bool:
    return str(each.meta_info).upper() == "FLAVOR_PROFILE_METAINFO"


KINDS: tuple[Kind, ...] = (
    Kind("identity", "limit", "limits", _stamped("resource_name")),
    Kind("identity", "registered_limit", "registered_limits", _stamped("resource_name")),
    # Endpoints are deleted with their service.
    Kind("identity", "service", "services", _stamped()),
    Kind(
        "identity",
        "region",
        "regions",
        lambda each: bool(RANDOM.match(each.id)) and not each.description,
        True,
    ),
    Kind("identity", "user", "users", _stamped()),
    Kind("identity", "group", "groups", _stamped()),
    Kind("identity", "domain", "domains", _stamped()),
    Kind(
        "compute", "flavor", "flavors", lambda each: bool(RANDOM.match(each.name)), True, {"is_public": None}
    ),
    Kind("placement", "resource_provider", "resource_providers", _stamped()),
    Kind("block-storage", "type", "types", _stamped(), options={"is_public": None}),
    Kind("block-storage", "group_type", "group_types", _stamped()),
    Kind("image", "metadef_namespace", "metadef_namespaces", _stamped("namespace")),
    Kind("network", "flavor", "flavors", _stamped()),
    Kind("network", "service_profile", "service_profiles", _metainfo, True),
    Kind("network", "default_security_group_rule", "default_security_group_rules", _open_port, True),
    Kind("load-balancer", "flavor", "flavors", _stamped()),
    Kind("load-balancer", "flavor_profile", "flavor_profiles", _stamped()),
    Kind("load-balancer", "availability_zone", "availability_zones", _stamped()),
    Kind("load-balancer", "availability_zone_profile", "availability_zone_profiles", _stamped()),
)
PROJECTS = Kind("identity", "project", "projects", _project)
"""Projects that tests create besides the suite's own; they are removed with all their resources."""


def existing(admin: Connection, services: frozenset[str]) -> dict[str, list[str]]:
    """The ids of existing resources of `unnamed` kinds, by kind."""
    kinds = [kind for kind in KINDS if kind.unnamed and kind.service in services]
    return {kind.word: [each.id for each in kind.listed(admin)] for kind in kinds}


def left(kind: Kind, listed: Iterable[Any], before: Mapping[str, Iterable[str]] | None) -> list[Any]:
    """The listed resources that the tests created. `before`: `existing` before the run; None if there was no run."""
    if kind.unnamed and (before is None or kind.word not in before):
        return []
    known = set(before[kind.word]) if before is not None and kind.unnamed else set()
    return [each for each in listed if each.id not in known and kind.ours(each)]
