"""Key pairs. Nova stores them by user, so one is created for each listed user, and one for OneStack's user, which
creates servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onestack.language.types import example
from onestack.language.words import (
    Content,
    Named,
    UserRef,
    is_resource_name,
)
from onestack.workloads.kind.base import Kind, Limit, Listed
from onestack.workloads.kind.existing import Existing
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, FromFile, Ref, Value


def content(text: str) -> Value:
    """A text, or the content of the file that it names."""
    return FromFile(text.removeprefix("file:")) if text.startswith("file:") else text


class Keypair(Named):
    """A public key for logging in to servers."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: anna, roles: [member]}]
    keypairs:
      - {name: laptop, public_key: "file:/root/.ssh/id_ed25519.pub", users: [anna]}
""")

    public_key: Content
    """The public key, or its file: `file:/root/.ssh/id_ed25519.pub`."""
    users: tuple[UserRef, ...] = ()
    """Users who have this key pair as well."""


class Keypairs(Kind):
    """They cannot have an ownership label: a key pair named `TENANT.KEY` belongs to the tenant."""

    name, service = "keypair", "compute"
    key = "keypairs"
    in_tenant = Listed(Keypair, "SSH key pairs.")
    after = ("tenant", "user")
    limits = {"key_pairs": Limit("key_pairs", "Key pairs of each user.")}  # noqa: RUF012
    path = "/os-keypairs"
    label_in = Inherited()
    fields = ("public_key",)
    immutable = frozenset(fields)

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        used = {server.keypair for server, _ in scope.items("servers")}
        for item, place in scope.items("keypairs"):
            fields = {"public_key": content(item.public_key)}
            if item.name in used:
                address = Address(self.name, (*scope.path, item.name))
                yield Wanted(address, fields, needs=(scope.project,), place=place)
            for user in item.users:
                who = scope.user(user)
                address = Address(self.name, (*scope.path, item.name, user))
                yield Wanted(address, fields, {"user_id": who}, (scope.project, who.address), place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        wanted = sorted(address.path for address in collector.wanted if address.kind == self.name)
        users = {raw["name"]: raw["id"] for raw in collector.all("identity", "/users", "users")}
        owners = [
            None,
            *dict.fromkeys(users[path[2]] for path in wanted if len(path) > 2 and path[2] in users),
        ]

        def read(user: str | None) -> list[dict[str, Any]]:
            who = {"user_id": user} if user else {}
            return [
                {**raw["keypair"], "user": user}
                for raw in collector.all(self.service, self.path, "keypairs", **who)
            ]

        found = [raw for raws in collector.each(owners, read) for raw in raws]
        # One that OneStack made goes before one that has the same name without the tenant's.
        return sorted(found, key=lambda raw: "." not in raw["name"])

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        fields = {"public_key": raw["public_key"].strip()}
        tenant, _, key = raw["name"].partition(".")
        if raw["user"] is None:
            parent = Address("tenant", (tenant,))
            if not key or (parent not in index.given and index.owner(parent) is None):
                if len(index.given) != 1:
                    return None
                # The account's own: servers of the one project that it works in may use it.
                (parent,) = index.given
                key = raw["name"]
            address = Address(self.name, (*parent.path, key))
            owner = index.inherited(parent, address, marked=key != raw["name"])
            return Observed(address, raw["name"], fields, owner, (parent,))
        user = index.address("user", raw["user"])
        if user is None:
            return None
        # A user may have other key pairs; those with a tenant's name are OneStack's.
        ident = f"{raw['name']}?user_id={raw['user']}"
        return Observed(
            Address(self.name, (tenant, key, user.path[-1])), ident, fields, index.owner(user), (user,)
        )

    def uses(
        self, fields: Mapping[str, Value], found: Mapping[Address, Mapping[str, Value]]
    ) -> dict[str, int]:
        return {}  # the limit is a user's

    def section(self, there: Existing, tenant: Address | None) -> dict[str, Any]:
        """Those that a server has, or a user: others a spec would not create."""
        if tenant is None:
            return {}
        used = {one.fields["key_name"] for one in there.inside("server", tenant)}
        found: dict[str, dict[str, Any]] = {}
        for one in there.all(self.name):
            path = one.address.path
            if path[:1] != tenant.path or not is_resource_name(path[1]):
                continue
            if len(path) == 2 and Ref(one.address) not in used:
                continue
            item = found.setdefault(path[1], {"name": path[1], "public_key": one.fields["public_key"]})
            if len(path) > 2:
                item.setdefault("users", []).append(path[2])
        return {self.key: list(found.values())} if found else {}

    def create(self, wanted: Wanted, session: Session) -> str:
        body = {"name": ".".join(wanted.address.path[:2]), "type": "ssh"}
        body |= session.fill({**wanted.fields, **wanted.create_only})
        session.rest(self.service).post(self.path, {"keypair": body})
        return body["name"] + (f"?user_id={body['user_id']}" if "user_id" in body else "")


def named(scope: Scope, name: str) -> Ref:
    """The key pair with which OneStack creates a server."""
    return Ref(Address("keypair", (*scope.path, name)))
