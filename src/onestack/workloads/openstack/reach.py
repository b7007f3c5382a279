"""What an account reaches in a cloud: the projects it works in, and what it knows instead of lists it may not
read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onestack.workloads.kind.scope import DOMAIN
from onestack.workloads.plan.values import Address

_KEYSTONES = ("/users", "/groups", "/roles", "/role_assignments")
REFUSED = (0, 401, 403, 404, 405, 501)
"""HTTP statuses that say: this account may not read the list, or the cloud lacks it (0: it is not in the
catalogue)."""


@dataclass(frozen=True)
class Reach:
    """By default that of the administrator of a cloud of OneStack's own.

    `projects`: for an account that is no administrator, the ids of the projects that stand for the tenants, by the
    first part of their addresses. `strict`: consider no other tenants than the spec's. `lenient`: lists that the
    account may not read, or the cloud does not have, are left out.
    """

    projects: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    lenient: bool = False

    @property
    def given(self) -> frozenset[Address]:
        """The addresses of the tenants whose projects the account was given."""
        return frozenset(Address("tenant", (name,)) for name in self.projects)

    def home(self, address: Address) -> str | None:
        """The id of the project in which a resource is; None: it makes no difference."""
        return self.projects.get(address.path[0]) if address.path else None

    def known(self, service: str, path: str) -> list[dict[str, Any]] | None:
        """What the account knows instead of a list; None for a list that it reads."""
        if not self.projects or service != "identity":
            return None
        parts = {name: (name.partition("@")[0], name.partition("@")[2] or DOMAIN) for name in self.projects}
        if path == "/domains":
            return [
                {"id": f"domain {each}", "name": each} for each in sorted({at for _, at in parts.values()})
            ]
        if path == "/projects":
            return [
                {"id": self.projects[key], "name": name, "domain_id": f"domain {at}", "enabled": True}
                for key, (name, at) in parts.items()
            ]
        return [] if path.startswith(_KEYSTONES) else None
