"""The cloud behind OpenStack's APIs, for plan and apply."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import IO, Any

from onestack.core.errors import BadInput, Place
from onestack.workloads.kind import discovery
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.session import Index, Shared
from onestack.workloads.openstack import download
from onestack.workloads.openstack.collected import READERS, Collected
from onestack.workloads.openstack.reach import REFUSED, Reach
from onestack.workloads.openstack.rest import Access, Rest
from onestack.workloads.openstack.shared_lists import SharedLists
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Secret, Value, convert


class OpenStack:
    """Implements `onestack.workloads.apply.Provider`."""

    def __init__(
        self,
        access: Access,
        services: Iterable[str],
        *,
        owner: str,
        secret: Callable[[Secret], str],
        keep: Callable[[str, str], None],
        kinds: Kinds | None = None,
        reach: Reach | None = None,
    ) -> None:
        """`owner`: the spec's name. `secret` returns a secret's text, `keep` stores one for its user only. `kinds`:
        by default OneStack's own. `reach`: by default an administrator's."""
        self.reach = reach or Reach()
        self.unavailable: dict[str, Fault] = {}
        """By the names of kinds: why the account could not read their lists."""
        self.kinds = kinds or discovery.kinds()
        self.owner = owner
        self._access = access
        self._services = frozenset(services)
        self._secret = secret
        self._keep = keep
        self._shared_lists = SharedLists(access)

    def missing(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """The wanted resources whose service this cloud does not run."""
        return [one for one in wanted if self.kinds[one.address.kind].service not in self._services]

    def observe(self, wanted: Iterable[Wanted], *, removing: bool = False) -> list[Observed]:
        """All resources of all kinds. `wanted`: kinds that need a request for each resource read only these.
        `removing`: what is wanted is to be removed."""
        return [one for one, _ in self.survey(frozenset(one.address for one in wanted), removing=removing)]

    def survey(
        self, wanted: frozenset[Address], *, removing: bool = False, everything: bool = False
    ) -> list[tuple[Observed, dict[str, Any]]]:
        """As `observe`, each with the API's response. `everything`: what no spec owns, too, for an export."""
        self.unavailable.clear()
        kinds = [kind for kind in self.kinds.values() if kind.service in self._services]
        with ThreadPoolExecutor(READERS, thread_name_prefix="collect") as pool:
            collector = Collected(
                self._access, pool, wanted, self.reach, services=self._services, everything=everything
            )
            self._access.rest("identity")  # authenticate once, before all threads do
            raws = collector.together([partial(self._collected, kind, collector) for kind in kinds])
        found: list[tuple[Observed, dict[str, Any]]] = []
        index = Index(
            self.owner,
            wanted,
            self.reach.given,
            strict=self.reach.strict,
            everything=everything,
            removing=removing,
        )
        # Two passes, since some kinds refer to each other, such as volumes and snapshots.
        for _ in range(2):
            found = []
            for kind, listed in zip(kinds, raws, strict=True):
                for raw in listed:
                    # A copy, since several kinds may read the same list, and each removes its label from it.
                    copy = dict(raw)
                    observed = kind.observe(copy, index)
                    if observed is not None:
                        index.add(kind.name, observed)
                        found.append((observed, copy))
        return found

    def _collected(self, kind: Kind, collector: Collected) -> list[dict[str, Any]]:
        try:
            return list(kind.collect(collector))
        except Fault as fault:
            if not self.reach.lenient or fault.status not in REFUSED:
                raise
            self.unavailable[kind.name] = fault
            return []

    def find(self, wanted: Wanted) -> str | None:
        """The id of a resource that was created for this spec; None if there is none."""
        ours = (one for one in self.observe((wanted,)) if one.owner == self.owner)
        return next((one.id for one in ours if one.address == wanted.address), None)

    def create(self, wanted: Wanted, ids: Callable[[Address], str]) -> str:
        kind = self.kinds[wanted.address.kind]
        return kind.create(wanted, _Session(self, ids, wanted.address))

    def wait_ready(self, address: Address, ident: str, ids: Callable[[Address], str]) -> None:
        self.kinds[address.kind].wait_ready(address, ident, _Session(self, ids, address))

    def update(self, change: Change, ident: str, ids: Callable[[Address], str]) -> None:
        self.kinds[change.address.kind].update(change, ident, _Session(self, ids, change.address))

    def delete(self, observed: Observed, ids: Callable[[Address], str]) -> None:
        kind = self.kinds[observed.address.kind]
        session = _Session(self, ids, observed.address)
        kind.delete(observed, session)
        kind.wait_gone(observed, session)

    def rest(self, service: str, project: str | None = None) -> Rest:
        return self._access.rest(service, project)

    def shared(
        self, service: str, path: str, key: str, least: float, project: str | None, **params: Any
    ) -> Shared:
        return self._shared_lists.list(service, path, key, least, project, **params)

    def as_user(self, user: str, password: Secret, project: str) -> Rest:
        return self._access.as_user(user, self._secret(password), project)

    @contextmanager
    def download(self, url: str, checksum: str | None, place: Place | None) -> Iterator[IO[bytes]]:
        """The content of a URL, downloaded by this machine. Raises BadInput, TemporaryError."""
        with download.content(url, checksum, place) as content:
            yield content

    def keep(self, label: str, secret: str) -> None:
        self._keep(label, secret)

    def secret(self, secret: Secret) -> str:
        return self._secret(secret)


class _Session:
    """Implements `kind.session.Session` for the changes of one resource."""

    def __init__(self, cloud: OpenStack, ids: Callable[[Address], str], address: Address) -> None:
        self._home = cloud.reach.home(address)
        self.owner = cloud.owner
        self.id = ids
        self._cloud = cloud

    def rest(self, service: str, project: str | None = None) -> Rest:
        return self._cloud.rest(service, project or self._home)

    def given(self, address: Address) -> bool:
        return self._cloud.reach.home(address) is not None

    def shared(self, service: str, path: str, key: str, least: float = 0.0, **params: Any) -> Shared:
        return self._cloud.shared(service, path, key, least, self._home, **params)

    def as_user(self, user: str, password: Secret, project: str) -> Rest:
        return self._cloud.as_user(user, password, project)

    def download(
        self, url: str, checksum: str | None, place: Place | None
    ) -> AbstractContextManager[IO[bytes]]:
        return self._cloud.download(url, checksum, place)

    def keep(self, label: str, secret: str) -> None:
        self._cloud.keep(label, secret)

    def fill(self, value: Value) -> Any:
        def word(item: Value) -> Any:
            if isinstance(item, Ref) and item.attribute != "id":
                kind = self._cloud.kinds[item.address.kind]
                return kind.attribute(self.id(item.address), item.attribute, self)
            if isinstance(item, Ref):
                return self.id(item.address)
            return self._cloud.secret(item) if isinstance(item, Secret) else item

        return convert(value, word)


def from_environment_or_file(secret: Secret) -> str | None:
    """A password from the environment or a file; None for one that is to be generated. Raises BadInput."""
    kind, _, where = secret.where.partition(":")
    if kind == "env":
        if where not in os.environ:
            raise BadInput(f"the variable {where} is not set: it holds the password of {secret.label}")
        return os.environ[where]
    if kind == "file":
        try:
            with open(where) as file:  # noqa: PTH123
                return file.read().strip()
        except OSError as error:
            raise BadInput(f"{where} cannot be read: {error.strerror}", hint="it holds a password") from error
    return None
