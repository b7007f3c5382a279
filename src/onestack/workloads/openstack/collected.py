"""Reads the lists of a cloud for the kinds: each once, however many kinds read it, in all projects that count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

from onestack.workloads.kind.base import LISTED_IN
from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.reach import REFUSED, Reach
from onestack.workloads.openstack.rest import Access
from onestack.workloads.plan.values import Address

READERS = 8
"""How many lists are requested in parallel."""


class Collected:
    """Implements `kind.session.Collector`."""

    def __init__(
        self,
        access: Access,
        pool: ThreadPoolExecutor,
        wanted: frozenset[Address],
        reach: Reach,
        *,
        services: frozenset[str] = frozenset(),
        everything: bool = False,
    ) -> None:
        self._services = services
        self.wanted = wanted
        self.everything = everything
        self._access = access
        self._pool = pool
        self._reach = reach
        self._guard = Lock()
        self._lists: dict[Any, Future[Any]] = {}

    def has(self, service: str) -> bool:
        return service in self._services

    def all(self, service: str, path: str, key: str, **params: Any) -> Any:
        name = (service, path, tuple(sorted(params.items())))
        with self._guard:
            mine = name not in self._lists
            future = self._lists.setdefault(name, Future())
        if mine:
            try:
                future.set_result(self._read(service, path, key, params))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _read(self, service: str, path: str, key: str, params: dict[str, Any]) -> Any:
        if (known := self._reach.known(service, path)) is not None:
            return known
        # A single object, such as a quota, is requested in the same way.
        if not key.endswith("s") or "quota" in path:
            inside = next((each for each in self._reach.projects.values() if each in path), None)
            return self._access.rest(service, inside).get(path)[key]
        projects = tuple(dict.fromkeys(self._reach.projects.values()))
        if not projects:
            return self._access.rest(service).all(path, key, **params)
        return self._in_each(projects, service, path, key, params)

    def _in_each(
        self, projects: tuple[str, ...], service: str, path: str, key: str, params: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """The list as it is seen from each project; what several see is in it once."""
        found: dict[Any, dict[str, Any]] = {}
        refusals: list[Fault] = []
        for project in projects:
            try:
                listed = self._access.rest(service, project).all(path, key, **params)
            except Fault as fault:
                if fault.status not in REFUSED:
                    raise
                refusals.append(fault)
                continue
            for raw in listed:
                found.setdefault(raw.get("id") or str(raw), {**raw, LISTED_IN: project})
        if len(refusals) == len(projects):
            raise refusals[0]
        return list(found.values())

    def each(self, calls: Iterable[Any], ask: Callable[[Any], Any]) -> list[Any]:
        """Call `ask` for each, several at a time, in new threads: the pool's threads are occupied by the callers."""
        listed = list(calls)
        if len(listed) < 2:
            return [ask(one) for one in listed]
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(ask, listed))

    def together(self, calls: list[Callable[[], Any]]) -> list[Any]:
        return [future.result() for future in [self._pool.submit(call) for call in calls]]
