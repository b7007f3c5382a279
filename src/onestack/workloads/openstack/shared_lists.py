"""Lists that several threads poll, requested once for all of them.

Polling twenty servers twice a second while they are built would cost the cloud as much as building them: for each
server in a response, Nova reads the security groups from Neutron. A list of the ids of servers that are still being
built is one request for all.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

from onestack.workloads.openstack.rest import Access

PAUSE, LONGEST_PAUSE = 0.5, 2.0
"""How long a response is cached, in seconds: the longer the service took for it, the longer, so that lists do not
slow down a cloud that is busy creating servers."""
_TIMES = 5.0
"""A response is cached for this multiple of the duration of its request (at most LONGEST_PAUSE), so that requests
take at most a fifth of the time."""


class SharedLists:
    """All shared lists of a cloud."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._guard = Lock()
        self._lists: dict[Any, SharedList] = {}

    def list(
        self, service: str, path: str, key: str, least: float = 0.0, project: str | None = None, **params: Any
    ) -> SharedList:
        """The shared list for these parameters. `least`: the minimum time, in seconds, for which a response is
        cached. `project`: the id of the project whose token is used."""
        name = (service, path, key, project, tuple(sorted(params.items())))
        with self._guard:
            if name not in self._lists:
                self._lists[name] = SharedList(self._access, service, path, key, params, least, project)
            return self._lists[name]


class SharedList:
    """A shared list. Implements `onestack.workloads.kind.session.Shared`."""

    def __init__(
        self,
        access: Access,
        service: str,
        path: str,
        key: str,
        params: dict[str, Any],
        least: float,
        project: str | None = None,
    ) -> None:
        self._access = access
        self._least = least
        self._words = (service, path, key, params)
        self._project = project
        self._guard = Lock()
        self._asked = float("-inf")
        self._pause = 0.0
        self._ids: frozenset[str] = frozenset()

    def ids(self) -> tuple[float, frozenset[str]]:
        """When the list was requested, and the ids in it; concurrent callers wait for the same response."""
        with self._guard:
            now = time.monotonic()
            if now - self._asked > self._pause:
                service, path, key, params = self._words
                listed = self._access.rest(service, self._project).all(path, key, **params)
                self._ids = frozenset(one["id"] for one in listed)
                self._asked = now
                took = time.monotonic() - now
                self._pause = max(self._least, min(max(PAUSE, took * _TIMES), LONGEST_PAUSE))
            return self._asked, self._ids
