"""The base class of all kinds of resource: desired state, observed state, create, update, delete, quota, removal.

Most of a kind is a declaration: its model in the spec, the API's path and fields, which fields contain ids of other
resources, which are immutable. Special behaviour is a method that the kind overrides. A new kind is one new module in
`onestack.workloads.resources`: the spec's keys, the schema, the reference, plans, apply, quotas and the removal of
`verify`'s temporary projects are derived from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from onestack.core import wait
from onestack.core.errors import PermanentError, Place, TemporaryError, Unready
from onestack.language.words import Named
from onestack.workloads.kind.exported import Exported
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import InDescription, Inherited, InTags, LabelPlace, OwnerLabel
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value

READY_SECONDS = 300.0
"""How long a resource may take to become ready."""
BROKEN_SECONDS = 3.0
"""Seconds between two requests for the list of failed resources."""
GONE_SECONDS = 180.0
"""How long a deletion may take."""
LISTED_IN = "onestack_listed_in"
"""A key that is added to what an ordinary account lists: the id of the project whose token was used."""


class Listed(NamedTuple):
    """A list in the spec: the model of its items, and its description in the reference."""

    model: type[Named]
    about: str


class Limit(NamedTuple):
    """A limit that a tenant's quota may set. `word`: its name in the API; `about`: its description."""

    word: str
    about: str


class Removal(NamedTuple):
    """A resource that is to be deleted. `path`: its URL below the service's endpoint."""

    name: str
    path: str


class Kind(Exported):
    """A kind of resource. The class attributes are the declaration."""

    name: ClassVar[str]
    """Its name in messages and addresses, such as `security group`."""
    service: ClassVar[str]
    """The type of the service that provides it."""
    key: ClassVar[str] = ""
    """The key under which the spec lists it."""
    in_tenant: ClassVar[Listed | None] = None
    """The list under `key` in a tenant."""
    in_platform: ClassVar[Listed | None] = None
    """The list under `key` at the top of the spec."""
    built_in: ClassVar[tuple[str, ...]] = ()
    """Names of resources that each new cloud has, so that specs may refer to them."""
    limits: ClassVar[Mapping[str, Limit]] = {}
    """Limits in the quota of its service, by their keys in the spec."""
    after: ClassVar[tuple[str, ...]] = ("tenant",)
    """Kinds that are observed before it, in addition to those in `refs`: its address is built from theirs."""
    path: ClassVar[str] = ""
    """The path of its collection in the API."""
    one: ClassVar[str] = ""
    """The key of a single resource in the API's requests and responses, such as `network`."""
    many: ClassVar[str] = ""
    """The key of a list in the API's responses, such as `networks`."""
    listed: ClassVar[Mapping[str, Any]] = {}
    """Query parameters that make its list complete."""
    fields: ClassVar[tuple[str, ...]] = ()
    """The API's fields that are compared."""
    refs: ClassVar[Mapping[str, str]] = {}
    """Fields that contain ids -> the kind of resource that the ids refer to."""
    unordered: ClassVar[frozenset[str]] = frozenset()
    """Fields that are lists whose order has no meaning."""
    immutable: ClassVar[frozenset[str]] = frozenset()
    """Fields that the API cannot update: a change replaces the resource."""
    exclusive: ClassVar[bool] = False
    """Whether the spec lists all such resources of a parent, so that others are deleted."""
    deleted_with_parent: ClassVar[bool] = False
    """Whether OpenStack deletes it with its parent."""
    label_in: ClassVar[LabelPlace] = InDescription()
    """Where its ownership label is stored."""
    project_key: ClassVar[str] = "project_id"
    """The field that contains its project's id."""
    administrative: ClassVar[bool] = False
    """Whether only administrators create it, by OpenStack's own policies: other accounts refer to what exists."""
    essential: ClassVar[tuple[str, ...]] = ()
    """Fields that are compared where an account only refers to it."""
    admins_only: ClassVar[frozenset[str]] = frozenset()
    """Fields that only administrators may set, by OpenStack's own policies."""
    own_clouds_only: ClassVar[str] = ""
    """Why it works in OneStack's own clouds only; empty if it works in any."""
    in_project: ClassVar[bool] = False
    """Whether it must be created with a token of its own project."""
    update_verb: ClassVar[str] = "PUT"
    concurrency: ClassVar[int] = 8
    """How many requests to create or delete may be in flight at its service."""

    # Desired state.

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        """All resources of this kind in a tenant's section of the spec, or at the top of the spec."""
        if self.key:
            for item, place in scope.items(self.key):
                yield self.want(scope, item, place)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        """The resource for one item of the list under `key`."""
        raise NotImplementedError

    def of_tenant(
        self,
        scope: Scope,
        name: str,
        place: Place,
        fields: Mapping[str, Value],
        *,
        create_only: Mapping[str, Value] | None = None,
        needs: tuple[Address, ...] = (),
    ) -> Wanted:
        """A named resource in the tenant's project; without a tenant, in the administrator's."""
        create_only = dict(create_only or {})
        if scope.tenant:
            create_only["project_id"] = Ref(scope.project)
            # Quotas first: otherwise the old limits apply to what is created.
            needs = (*needs, *quotas(scope, self.service))
        address = Address(self.name, (*scope.path, name))
        return Wanted(address, {"name": name, **fields}, create_only, needs, place)

    # Observed state.

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        """All existing resources of this kind, as the API returns them."""
        return collector.all(self.service, self.path, self.many, **self.listed)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        """The resource that contains it: by default its project."""
        return index.address("tenant", raw.get(self.project_key) or raw.get(LISTED_IN))

    def reachable(self, raw: dict[str, Any]) -> bool:
        """Whether others than its project may use it."""
        return not raw.get(self.project_key)

    def own_path(self, raw: dict[str, Any], index: Index, name: str) -> tuple[str, ...]:
        """The path of its address. `name`: the name in its ownership label; without one its own."""
        parent = self.parent(raw, index)
        return (*parent.path, name) if parent else (name,)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        """One existing resource, as the plan compares it; None for one that a spec cannot describe."""
        label = self.label_in.take(raw)
        parent = self.parent(raw, index)
        if parent is None and index.strict and not self.reachable(raw):
            return None
        if not raw.get("name"):
            # What somebody made without a name keeps none when it is adopted.
            raw["name"] = label.name if label else raw["id"]
        name = label.name if label else raw["name"]
        address = Address(self.name, self.own_path(raw, index, name))
        owner = label.owner if label else None
        if isinstance(self.label_in, Inherited):
            owner = index.inherited(parent, address)
        needs = (parent,) if parent else ()
        fields = {key: self.value(key, raw, index) for key in self.fields}
        if isinstance(self.label_in, InTags):
            fields["tags"] = raw["tags"]  # they are sent with the label
        return Observed(address, raw["id"], fields, owner, needs)

    @classmethod
    def reads_after(cls) -> frozenset[str]:
        """The kinds that are observed before it, since its address or fields refer to them."""
        return frozenset({*cls.after, *cls.refs.values()} - {cls.name})

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        """The value of a field, with addresses in place of ids."""
        value = raw.get(field)
        if field in self.refs:
            value = index.ref(self.refs[field], value)
        return sorted(value, key=str) if field in self.unordered and value else value

    # Limits of an account.

    def forbidden(self, sent: Mapping[str, Value]) -> list[str]:
        """Those of the fields to be sent that only an administrator may set, by OpenStack's own policies."""
        return sorted(self.admins_only & sent.keys())

    def uses(
        self, fields: Mapping[str, Value], found: Mapping[Address, Mapping[str, Value]]
    ) -> dict[str, int]:
        """How much a resource takes of its project's quota, by the API's names. `found`: the fields of others."""
        return {limit.word: 1 for limit in list(self.limits.values())[:1]}

    # Changes.

    def create(self, wanted: Wanted, session: Session) -> str:
        """Create it and return its id. It need not be ready yet."""
        body = session.fill({**wanted.fields, **wanted.create_only})
        project = body.get("project_id") if self.in_project else None
        if self.in_project:
            body.pop("project_id", None)
        self.mark(body, wanted, session)
        answer = session.rest(self.service, project).post(self.path, {self.one: self.body(body)})
        return str(answer[self.one]["id"])

    def mark(self, body: dict[str, Any], wanted: Wanted, session: Session) -> None:
        """Add the ownership label to the request that creates it."""
        self.label_in.put(body, self.label(wanted, session))

    def label(self, one: Wanted | Change, session: Session) -> OwnerLabel:
        """Its ownership label."""
        return OwnerLabel(session.owner, one.address.path[-1])

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields as the API expects them."""
        return fields

    def update(self, change: Change, ident: str, session: Session) -> None:
        """Update the fields that differ."""
        assert change.wanted is not None
        body = {name: session.fill(after) for name, (_, after) in change.fields.items() if name != "owner"}
        if "owner" in change.fields or "description" in body or "metadata" in body:
            body = self.labelled(body, change, session)
        if body:  # empty if only the owner differs, and the label is on the parent
            self.send(session, ident, body)

    def labelled(self, body: dict[str, Any], change: Change, session: Session) -> dict[str, Any]:
        """The body with the ownership label, and with the rest of the field that contains the label."""
        assert change.wanted is not None and change.observed is not None
        for shared in ("description", "metadata", "tags"):
            if shared in change.observed.fields and shared not in body:
                body[shared] = change.observed.fields[shared]
        self.label_in.put(body, self.label(change, session))
        return {key: value for key, value in body.items() if key != "description" or value is not None}

    def send(self, session: Session, ident: str, body: dict[str, Any]) -> None:
        session.rest(self.service).call(
            self.update_verb, f"{self.path}/{ident}", json={self.one: self.body(body)}
        )

    def delete(self, observed: Observed, session: Session) -> None:
        """Start the deletion. It is no error if the resource does not exist."""
        session.rest(self.service).delete(f"{self.path}/{observed.id}")

    def attribute(self, ident: str, name: str, session: Session) -> Any:
        """The value of a reference to another attribute than the id."""
        return (self.get(ident, session) or {}).get(name)

    def get(self, ident: str, session: Session) -> dict[str, Any] | None:
        """Its present state, as the API returns it; None if it does not exist."""
        try:
            found: dict[str, Any] = session.rest(self.service).get(f"{self.path}/{ident}")[self.one]
        except Fault as fault:
            if fault.status == 404:
                return None
            raise
        return found

    # Readiness, for kinds that are not ready when the request returns.

    asynchronous: ClassVar[bool] = False
    """Whether creation and deletion continue after the request."""
    unready: ClassVar[Mapping[str, Any]] = {}
    """Query parameters for the list of resources that are being created or have failed, which all waiting threads
    share."""
    broken: ClassVar[Mapping[str, Any]] = {}
    """Query parameters for the list of resources that have failed."""
    existing: ClassVar[Mapping[str, Any]] = {}
    """Query parameters for the list of all existing resources."""
    ready: ClassVar[frozenset[str]] = frozenset({"ACTIVE", "AVAILABLE", "IN-USE", "SHUTOFF"})

    def is_ready(self, raw: dict[str, Any]) -> bool | None:
        """True: ready. False: not yet. None: failed."""
        status = self.status(raw).upper()
        return None if status.startswith(("ERROR", "DELETED")) else status in self.ready

    def status(self, raw: dict[str, Any]) -> str:
        """Its status in OpenStack."""
        return str(raw.get("provisioning_status") or raw.get("status"))

    def wait_ready(self, address: Address, ident: str, session: Session) -> None:
        """Wait until it is ready. Raises PermanentError, with OpenStack's reason, if it has failed."""
        if not self.asynchronous:
            return

        is_unready = self._listed(session, ident, self.unready)
        is_broken = self._listed(session, ident, self.broken, BROKEN_SECONDS)

        def poll() -> tuple[bool, str]:
            if self.unready:
                if is_unready() is False:
                    return True, "done"
                if not is_broken():
                    return False, "being created"
            raw = self.get(ident, session)
            ready = self.is_ready(raw) if raw else None
            if ready is None:
                raise PermanentError(
                    f"{address} cannot be used: {self.reason(raw or {})}", where=self.service
                )
            return ready, self.status(raw or {})

        wait.until(f"{address} to be ready", poll, seconds=READY_SECONDS, every=0.5)

    def _listed(
        self, session: Session, ident: str, params: Mapping[str, Any], least: float = 0.0
    ) -> Callable[[], bool | None]:
        """A function that returns whether it is in a list that all waiting threads share; None if the list is older
        than this call.

        `least`: seconds between two requests for the list.
        """
        shared = session.shared(self.service, self.path, self.many, least, **params)
        started = time.monotonic()

        def listed() -> bool | None:
            requested, ids = shared.ids()
            return ident in ids if requested >= started else None

        return listed

    def reason(self, raw: dict[str, Any]) -> str:
        """The reason of its failure, from OpenStack."""
        fault = raw.get("fault") or {}
        return str(fault.get("message") or (self.status(raw) if raw else "it is gone"))

    def wait_gone(self, observed: Observed, session: Session) -> None:
        """Wait until it is gone."""
        if not self.asynchronous:
            return

        is_there = self._listed(session, observed.id, self.existing)

        def poll() -> tuple[bool, str]:
            if self.existing and is_there() is not False:
                return False, "there"
            raw = self.get(observed.id, session)
            return raw is None or self.status(raw).upper() == "DELETED", self.status(raw or {})

        try:
            wait.until(f"{observed.address} to be gone", poll, seconds=GONE_SECONDS, every=0.5)
        except Unready as error:
            raise TemporaryError(error.summary) from error

    # Removal of all resources of a temporary project, without a plan, for `verify`.

    removable: ClassVar[bool] = False
    """Whether a project's resources of this kind must be deleted before the project."""
    removed_after: ClassVar[tuple[str, ...]] = ()
    """Kinds that must be removed before it."""

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        """A project's resources of this kind, in an order in which they can be deleted.

        `everyone`: whether `rest` is the administrator's, who sees the resources of all projects.
        """
        for raw in rest.all(self.path, self.many, project_id=project):
            yield Removal(raw.get("name") or raw["id"], f"{self.path}/{raw['id']}")

    def remove(self, removal: Removal, rest: Rest) -> None:
        """Start the deletion. It is no error if the resource does not exist."""
        rest.delete(removal.path)


def quota_key(service: str) -> str:
    """The key of a service's quota in the spec; `volume` for block-storage."""
    return "volume" if service == "block-storage" else service.replace("-", "_")


def quotas(scope: Scope, service: str) -> Iterator[Address]:
    """The address of a tenant's quota of a service, if the spec sets one."""
    key = quota_key(service)
    section = getattr(scope.tenant.quota, key, None) if scope.tenant else None
    if section and section.model_fields_set:
        yield Address("quota", (*scope.path, key))
