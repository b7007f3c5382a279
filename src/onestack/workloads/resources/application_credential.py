"""Application credentials. Only their user can create them, with a token of the tenant that they are for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from onestack.core.errors import Place
from onestack.language.types import Problem, Section, Text, example
from onestack.language.words import Named, RoleRef, UserRef
from onestack.workloads.kind.base import Kind, Listed
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Secret


class AccessRule(Section):
    """An API request that an application credential may be used for."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: robot, roles: [member]}]
    application_credentials:
      - name: ci
        user: robot
        access_rules: [{service: compute, method: GET, path: /v2.1/servers}]
""")

    service: Text
    """The service's type: compute."""
    method: Text
    """The HTTP method."""
    path: Text
    """The path; `*` matches one part of it, `**` any number of parts."""


class ApplicationCredential(Named):
    """An application credential, with which a program logs in instead of its user's password. The secret is written
    to a file that only root can read."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: robot, roles: [member]}]
    application_credentials:
      - {name: ci, user: robot, roles: [member], expires: "2030-01-01T00:00:00"}
""")

    user: UserRef
    """The user that it belongs to."""
    roles: tuple[RoleRef, ...] = ()
    """Its roles; default: all roles of its user."""
    access_rules: tuple[AccessRule, ...] = ()
    """The requests that it may be used for; default: all."""
    expires: Text | None = None
    """When it expires, in UTC: 2030-01-01T00:00:00"""
    description: Text = ""
    """Its description, free text."""

    def problems(self) -> Iterator[Problem]:
        if self.expires and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", self.expires):
            yield Problem(
                f"'{self.expires}' is not a valid time",
                "a moment in UTC: 2030-01-01T00:00:00",
                path=("expires",),
            )


class ApplicationCredentials(Kind):
    """Application credentials are immutable: a change creates a new one, with a new secret."""

    name, service = "application credential", "identity"
    administrative = True
    key = "application_credentials"
    in_tenant = Listed(ApplicationCredential, "Application credentials, with which programs log in.")
    after = ("tenant", "user")
    path, one, many = "/application_credentials", "application_credential", "application_credentials"
    fields = ("roles", "access_rules", "expires_at")
    immutable = frozenset(fields)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        user = scope.user(item.user)
        fields: dict[str, Any] = {}
        if item.roles:
            # A mapping, since implied roles are in the observed ones, too.
            fields["roles"] = dict.fromkeys(item.roles, True)
        if item.expires:
            fields["expires_at"] = f"{item.expires}T00:00:00" if "T" not in item.expires else item.expires
        if item.access_rules:
            fields["access_rules"] = [rule.model_dump() for rule in item.access_rules]
        listed = next(one for one, _ in scope.items("users") if one.name == item.user)
        create_only = {
            "user": user,
            "project": Ref(scope.project),
            "password": Secret(listed.password, "/".join(user.address.path)),
            **given(item, "description"),
        }
        # When it is created, its user must have its roles, directly or through a group.
        needs = [Address("role of user", (*scope.path, item.user, role)) for role in listed.roles]
        for group, _ in scope.items("groups"):
            if item.user in group.users:
                needs += [Address("role of group", (*scope.path, group.name, role)) for role in group.roles]
                needs.append(Address("group member", (*scope.group(group.name).address.path, item.user)))
        address = Address(self.name, (*scope.path, item.user, item.name))
        return Wanted(address, fields, create_only, (scope.project, user.address, *needs), place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        users = collector.all("identity", "/users", "users")
        ours = [user["id"] for user in users if KEY in user or collector.everything]
        lists = collector.each(
            ours, lambda user: collector.all("identity", f"/users/{user}{self.path}", self.many)
        )
        for user, credentials in zip(ours, lists, strict=True):
            yield from ({**raw, "user": user} for raw in credentials)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        label = self.label_in.take(raw)
        tenant = index.address("tenant", raw["project_id"])
        user = index.address("user", raw["user"])
        if tenant is None or user is None:
            return None
        expires = (raw.get("expires_at") or "").partition(".")[0].removesuffix("Z") or None
        rules = [
            {key: rule[key] for key in ("service", "method", "path")}
            for rule in raw.get("access_rules") or ()
        ]
        fields = {
            "roles": {role["name"]: True for role in raw["roles"]},
            "expires_at": expires,
            "access_rules": rules,
        }
        address = Address(self.name, (*tenant.path, user.path[-1], label.name if label else raw["name"]))
        ident = f"/users/{raw['user']}{self.path}/{raw['id']}"
        return Observed(address, ident, fields, label.owner if label else None, (user, tenant))

    def create(self, wanted: Wanted, session: Session) -> str:
        create_only, name = wanted.create_only, wanted.address.path[-1]
        user, project = session.fill(create_only["user"]), session.fill(create_only["project"])
        body = {"name": name, "description": create_only.get("description", ""), **wanted.fields}
        if "roles" in body:
            body["roles"] = [{"name": role} for role in body["roles"]]
        self.label_in.put(body, self.label(wanted, session))
        rest = session.as_user(user, create_only["password"], project)
        made = rest.post(f"/users/{user}{self.path}", {self.one: body})[self.one]
        session.keep("/".join((*wanted.address.path, "credential")), f"{made['id']} {made['secret']}")
        return f"/users/{user}{self.path}/{made['id']}"

    def delete(self, observed: Observed, session: Session) -> None:
        session.rest(self.service).delete(observed.id)

    def section(self, there: Existing, tenant: Address | None) -> dict[str, Any]:
        if tenant is None:
            return {}
        users = {one.address.path[-1] for one in there.kinds["user"].of_section(there, tenant)}
        found = []
        for one in there.all(self.name):
            if one.address.path[:1] != tenant.path or one.owner not in (None, there.owner):
                continue
            if one.address.path[1] in users and (item := self.told(one, there, ApplicationCredential)):
                found.append(item)
        return {self.key: found} if found else {}

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, (_, user, name) = one.fields, one.address.path
        there.comment(one, "its secret is not in this file; with a new credential comes a new one")
        return without_none(
            name=name,
            user=user,
            roles=sorted(fields["roles"]),
            access_rules=fields["access_rules"],
            expires=fields["expires_at"],
        )
