"""The cloud behind OpenStack's APIs, for plan and apply."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Lock
from typing import IO, Any

from onestack.core.errors import BadInput, Place
from onestack.workloads.kind import discovery
from onestack.workloads.kind.base import Kind
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.kind.session import Index, Shared
from onestack.workloads.openstack import download
from onestack.workloads.openstack.rest import Access, Rest
from onestack.workloads.openstack.shared_lists import SharedLists
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Secret, Value, convert

READERS = 8
"""How many lists are requested in parallel."""


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
    ) -> None:
        """`owner`: the spec's name. `secret` returns a secret's text, `keep` stores one for root only. `kinds`: by
        default OneStack's own."""
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

    def observe(self, wanted: Iterable[Wanted]) -> list[Observed]:
        """All resources of all kinds. `wanted`: kinds that need a request for each resource read only these."""
        kinds = [kind for kind in self.kinds.values() if kind.service in self._services]
        with ThreadPoolExecutor(READERS, thread_name_prefix="collect") as pool:
            collector = _Collector(self._access, pool, frozenset(one.address for one in wanted))
            self._access.rest("identity")  # authenticate once, before all threads do
            raws = collector.together([partial(_collected, kind, collector) for kind in kinds])
        index = Index()
        found: list[Observed] = []
        # Two passes, since some kinds refer to each other, such as volumes and snapshots.
        for _ in range(2):
            found = []
            for kind, listed in zip(kinds, raws, strict=True):
                for raw in listed:
                    # A copy, since several kinds may read the same list, and each removes its label from it.
                    observed = kind.observe(dict(raw), index)
                    if observed is not None:
                        index.add(kind.name, observed)
                        found.append(observed)
        return found

    def find(self, wanted: Wanted) -> str | None:
        """The id of a resource that was created for this spec; None if there is none."""
        ours = (one for one in self.observe((wanted,)) if one.owner == self.owner)
        return next((one.id for one in ours if one.address == wanted.address), None)

    def create(self, wanted: Wanted, ids: Callable[[Address], str]) -> str:
        kind = self.kinds[wanted.address.kind]
        return kind.create(wanted, _Session(self, ids))

    def wait_ready(self, address: Address, ident: str, ids: Callable[[Address], str]) -> None:
        self.kinds[address.kind].wait_ready(address, ident, _Session(self, ids))

    def update(self, change: Change, ident: str, ids: Callable[[Address], str]) -> None:
        self.kinds[change.address.kind].update(change, ident, _Session(self, ids))

    def delete(self, observed: Observed, ids: Callable[[Address], str]) -> None:
        kind, session = self.kinds[observed.address.kind], _Session(self, ids)
        kind.delete(observed, session)
        kind.wait_gone(observed, session)

    def rest(self, service: str, project: str | None = None) -> Rest:
        return self._access.rest(service, project)

    def shared(self, service: str, path: str, key: str, least: float = 0.0, **params: Any) -> Shared:
        return self._shared_lists.list(service, path, key, least, **params)

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
    def __init__(self, cloud: OpenStack, ids: Callable[[Address], str]) -> None:
        self.owner = cloud.owner
        self.id = ids
        self._cloud = cloud

    def rest(self, service: str, project: str | None = None) -> Rest:
        return self._cloud.rest(service, project)

    def shared(self, service: str, path: str, key: str, least: float = 0.0, **params: Any) -> Shared:
        return self._cloud.shared(service, path, key, least, **params)

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


class _Collector:
    """Implements `kind.session.Collector`: each list is requested once, however many kinds read it."""

    def __init__(self, access: Access, pool: ThreadPoolExecutor, wanted: frozenset[Address]) -> None:
        self.wanted = wanted
        self._access = access
        self._pool = pool
        self._guard = Lock()
        self._lists: dict[Any, Future[Any]] = {}

    def all(self, service: str, path: str, key: str, **params: Any) -> Any:
        name = (service, path, tuple(sorted(params.items())))
        with self._guard:
            mine = name not in self._lists
            future = self._lists.setdefault(name, Future())
        if mine:
            try:
                rest = self._access.rest(service)
                # A single object, such as a quota, is requested in the same way.
                one = not key.endswith("s") or "quota" in path
                future.set_result(rest.get(path)[key] if one else rest.all(path, key, **params))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def each(self, calls: Iterable[Any], ask: Callable[[Any], Any]) -> list[Any]:
        """Call `ask` for each, several at a time, in new threads: the pool's threads are occupied by the callers."""
        listed = list(calls)
        if len(listed) < 2:
            return [ask(one) for one in listed]
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(ask, listed))

    def together(self, calls: list[Callable[[], Any]]) -> list[Any]:
        return [future.result() for future in [self._pool.submit(call) for call in calls]]


def _collected(kind: Kind, collector: _Collector) -> list[dict[str, Any]]:
    return list(kind.collect(collector))


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
