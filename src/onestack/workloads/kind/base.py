"""The one shape of a kind of resource: how it is wanted, found, compared, made, changed and taken away.

Most kinds are a declaration: the names of the API's fields, which of them hold other resources' ids, which
cannot be changed. What is peculiar to a kind is a method of its class. Adding a kind is adding one module,
and its name to `onestack.workloads.resources.KINDS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from onestack.core import wait
from onestack.core.errors import PermanentError, Place, TemporaryError, Unready
from onestack.language.words import Named
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import InDescription, Inherited, Mark, Marking
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Hands, Look, Names, Rest
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value

READY_SECONDS = 300.0
BROKEN_SECONDS = 3.0
"""Between two looks for those that will never be ready."""
GONE_SECONDS = 180.0


class Listed(NamedTuple):
    """A list in the spec: the model of what is in it, and what the reference says of it."""

    model: type[Named]
    about: str


class Limit(NamedTuple):
    """A limit that a tenant's quota may set. `word`: the API's for it; `about`: the reference's."""

    word: str
    about: str


class Held(NamedTuple):
    """What a project has of a kind, when all it has is removed. `path`: what is deleted."""

    name: str
    path: str


class Kind:
    """A kind of resource. The class attributes are the declaration."""

    name: ClassVar[str]
    """As people call it: `security group`."""
    service: ClassVar[str]
    """The service type whose API it is in."""
    key: ClassVar[str] = ""
    """The key it is listed under in a tenant or in the spec."""
    in_tenant: ClassVar[Listed | None] = None
    """What a tenant lists under the key."""
    in_platform: ClassVar[Listed | None] = None
    """What the spec lists under the key for all tenants."""
    furnished: ClassVar[tuple[str, ...]] = ()
    """The names of those that every cloud has without being told."""
    limits: ClassVar[Mapping[str, Limit]] = {}
    """What a tenant's quota of the service may limit for it, by the key in the spec."""
    after: ClassVar[tuple[str, ...]] = ("tenant",)
    """Kinds that must be read before it, since their names are in its own; those in `refs` are."""
    path: ClassVar[str] = ""
    """Its collection in the API."""
    one: ClassVar[str] = ""
    many: ClassVar[str] = ""
    """What the API calls it in a body, and a list of it."""
    listed: ClassVar[Mapping[str, Any]] = {}
    """Parameters that make its list complete."""
    fields: ClassVar[tuple[str, ...]] = ()
    """What is compared, in the API's words."""
    refs: ClassVar[Mapping[str, str]] = {}
    """Fields that hold ids, and of which kind."""
    unordered: ClassVar[frozenset[str]] = frozenset()
    """Fields whose order means nothing."""
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Fields that cannot be changed: another value means another resource."""
    closed: ClassVar[bool] = False
    """Whether a parent has these and no others: what is added by hand is taken away."""
    goes_with: ClassVar[bool] = False
    """Whether OpenStack deletes it together with its parent."""
    marking: ClassVar[Marking] = InDescription()
    """Where its mark is."""
    project_key: ClassVar[str] = "project_id"
    """What a received one calls its project."""
    within: ClassVar[bool] = False
    """Whether it can only be made from within its tenant."""
    update_verb: ClassVar[str] = "PUT"
    at_a_time: ClassVar[int] = 8
    """How many of the service may be under way at once."""

    # Wanted.

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        """What a tenant, or the platform, wants of this kind."""
        if self.key:
            for item, place in scope.items(self.key):
                yield self.want(scope, item, place)

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        """One listed item. For kinds with a `key`."""
        raise NotImplementedError

    def of_tenant(
        self,
        scope: Scope,
        name: str,
        place: Place,
        fields: Mapping[str, Value],
        *,
        once: Mapping[str, Value] | None = None,
        needs: tuple[Address, ...] = (),
    ) -> Wanted:
        """A named resource in the scope's project (the platform's are in the administrator's)."""
        once = dict(once or {})
        if scope.tenant:
            once["project_id"] = Ref(scope.project)
            # Limits first: what comes before them is counted against the old ones.
            needs = (*needs, *quotas(scope, self.service))
        address = Address(self.name, (*scope.path, name))
        return Wanted(address, {"name": name, **fields}, once, needs, place)

    # Observed.

    def found(self, look: Look) -> Iterable[dict[str, Any]]:
        """All there are, as the API gives them."""
        return look.all(self.service, self.path, self.many, **self.listed)

    def outer(self, raw: dict[str, Any], names: Names) -> Address | None:
        """What it is in: by default its project."""
        return names.address("tenant", raw.get(self.project_key))

    def own_path(self, raw: dict[str, Any], names: Names, name: str) -> tuple[str, ...]:
        """The path of its address; `name` is the one in its mark, else its own."""
        outer = self.outer(raw, names)
        return (*outer.path, name) if outer else (name,)

    def observe(self, raw: dict[str, Any], names: Names) -> Observed | None:
        """One of them as plans see it; None: not a thing anybody lists in a spec."""
        mark = self.marking.take(raw)
        outer = self.outer(raw, names)
        name = mark.name if mark else raw.get("name") or raw["id"]
        owner = names.owner(outer) if isinstance(self.marking, Inherited) else (mark.owner if mark else None)
        needs = (outer,) if outer else ()
        fields = {key: self.value(key, raw, names) for key in self.fields}
        return Observed(Address(self.name, self.own_path(raw, names, name)), raw["id"], fields, owner, needs)

    @classmethod
    def reads_after(cls) -> frozenset[str]:
        """The kinds whose names must be known before its own can be told."""
        return frozenset({*cls.after, *cls.refs.values()} - {cls.name})

    def value(self, field: str, raw: dict[str, Any], names: Names) -> Value:
        """A field of it, with names in place of ids."""
        value = raw.get(field)
        if field in self.refs:
            value = names.ref(self.refs[field], value)
        return sorted(value, key=str) if field in self.unordered and value else value

    # Done.

    def create(self, wanted: Wanted, hands: Hands) -> str:
        """Make it; returns its id. It need not be ready yet."""
        body = hands.fill({**wanted.fields, **wanted.once})
        project = body.get("project_id") if self.within else None
        if self.within:
            body.pop("project_id", None)
        self.marking.put(body, self.mark(wanted, hands))
        answer = hands.rest(self.service, project).post(self.path, {self.one: self.body(body)})
        return str(answer[self.one]["id"])

    def mark(self, one: Wanted | Change, hands: Hands) -> Mark:
        """What is written on it."""
        return Mark(hands.owner, one.address.path[-1])

    def body(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fields as the API takes them."""
        return fields

    def update(self, change: Change, ident: str, hands: Hands) -> None:
        """Change what differs."""
        assert change.wanted is not None
        body = {name: hands.fill(after) for name, (_, after) in change.fields.items() if name != "owner"}
        if "owner" in change.fields or "description" in body or "metadata" in body:
            body = self.marked(body, change, hands)
        if body:  # what is marked by its parent needs nothing to be taken over
            self.send(hands, ident, body)

    def marked(self, body: dict[str, Any], change: Change, hands: Hands) -> dict[str, Any]:
        """With the mark in it, and what the mark shares its place with."""
        assert change.wanted is not None and change.observed is not None
        for shared in ("description", "metadata"):
            if shared in change.observed.fields and shared not in body:
                body[shared] = change.observed.fields[shared]
        self.marking.put(body, self.mark(change, hands))
        return {key: value for key, value in body.items() if key != "description" or value is not None}

    def send(self, hands: Hands, ident: str, body: dict[str, Any]) -> None:
        hands.rest(self.service).call(
            self.update_verb, f"{self.path}/{ident}", json={self.one: self.body(body)}
        )

    def delete(self, there: Observed, hands: Hands) -> None:
        """Begin to take it away; that it is gone already is fine."""
        hands.rest(self.service).delete(f"{self.path}/{there.id}")

    def attribute(self, ident: str, name: str, hands: Hands) -> Any:
        """What a Ref to more than the id stands for."""
        return (self.get(ident, hands) or {}).get(name)

    def get(self, ident: str, hands: Hands) -> dict[str, Any] | None:
        """It as it is now; None: gone."""
        try:
            found: dict[str, Any] = hands.rest(self.service).get(f"{self.path}/{ident}")[self.one]
        except Fault as fault:
            if fault.status == 404:
                return None
            raise
        return found

    # Readiness. Kinds that are ready when the call returns leave these.

    slow: ClassVar[bool] = False
    """Whether making or deleting it goes on after the call."""
    unready: ClassVar[Mapping[str, Any]] = {}
    """Parameters of a short list of those that are being made, and of the broken: waited for together, not each by
    a call."""
    broken: ClassVar[Mapping[str, Any]] = {}
    """The same for those alone that can never be used."""
    existing: ClassVar[Mapping[str, Any]] = {}
    """The same for those that are there at all."""
    ready: ClassVar[frozenset[str]] = frozenset({"ACTIVE", "AVAILABLE", "IN-USE", "SHUTOFF"})

    def is_ready(self, raw: dict[str, Any]) -> bool | None:
        """True: ready. False: not yet. None: it never will be."""
        status = self.status(raw).upper()
        return None if status.startswith(("ERROR", "DELETED")) else status in self.ready

    def status(self, raw: dict[str, Any]) -> str:
        """How it is, in OpenStack's word."""
        return str(raw.get("provisioning_status") or raw.get("status"))

    def wait_ready(self, address: Address, ident: str, hands: Hands) -> None:
        """Wait until it can be used. PermanentError with OpenStack's reason when it cannot be."""
        if not self.slow:
            return

        is_unready = self._listed(hands, ident, self.unready)
        is_broken = self._listed(hands, ident, self.broken, BROKEN_SECONDS)

        def look() -> tuple[bool, str]:
            if self.unready:
                if is_unready() is False:
                    return True, "done"
                if not is_broken():
                    return False, "in work"
            raw = self.get(ident, hands)
            ready = self.is_ready(raw) if raw else None
            if ready is None:
                raise PermanentError(
                    f"{address} cannot be used: {self.reason(raw or {})}", where=self.service
                )
            return ready, self.status(raw or {})

        wait.until(f"{address} to be ready", look, seconds=READY_SECONDS, every=0.5)

    def _listed(
        self, hands: Hands, ident: str, params: Mapping[str, Any], least: float = 0.0
    ) -> Callable[[], bool | None]:
        """Whether it is in a list that all who wait share; None where that was asked for before it was waited for."""
        shared = hands.shared(self.service, self.path, self.many, least, **params)
        begun = time.monotonic()

        def listed() -> bool | None:
            asked, ids = shared.ids()
            return ident in ids if asked >= begun else None

        return listed

    def reason(self, raw: dict[str, Any]) -> str:
        """Why it is in error, as OpenStack tells it."""
        fault = raw.get("fault") or {}
        return str(fault.get("message") or (self.status(raw) if raw else "it is gone"))

    def wait_gone(self, there: Observed, hands: Hands) -> None:
        """Wait until it is gone."""
        if not self.slow:
            return

        is_there = self._listed(hands, there.id, self.existing)

        def look() -> tuple[bool, str]:
            if self.existing and is_there() is not False:
                return False, "there"
            raw = self.get(there.id, hands)
            return raw is None or self.status(raw).upper() == "DELETED", self.status(raw or {})

        try:
            wait.until(f"{there.address} to be gone", look, seconds=GONE_SECONDS, every=0.5)
        except Unready as error:
            raise TemporaryError(error.summary) from error

    # Removal of all that a throw-away project holds, without a plan: so checks clean up.

    removable: ClassVar[bool] = False
    """Whether a project's must be deleted one by one before the project is."""
    removed_after: ClassVar[tuple[str, ...]] = ()
    """Kinds that a project must be rid of before these can be deleted."""

    def held(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Held]:
        """What a project has, in an order in which it can go. `everyone`: asked as the administrator."""
        for raw in rest.all(self.path, self.many, project_id=project):
            yield Held(raw.get("name") or raw["id"], f"{self.path}/{raw['id']}")

    def remove(self, held: Held, rest: Rest) -> None:
        """Begin to delete one; that it is gone already is fine."""
        rest.delete(held.path)


def quota_key(service: str) -> str:
    """What the spec calls the quota of a service's resources: `volume` for block-storage."""
    return "volume" if service == "block-storage" else service.replace("-", "_")


def quotas(scope: Scope, service: str) -> Iterator[Address]:
    """The limits of a service that a tenant is given, if it is given any."""
    key = quota_key(service)
    section = getattr(scope.tenant.quota, key, None) if scope.tenant else None
    if section and section.model_fields_set:
        yield Address("quota", (*scope.path, key))
