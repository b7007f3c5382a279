"""OpenStack's APIs as JSON through openstacksdk's connections, with readable errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from keystoneauth1 import exceptions as auth_errors
from openstack.connection import Connection

from onestack.workloads.kind.faults import Fault, TemporaryFault

MICROVERSIONS = {"compute": "2.96", "block-storage": "3.70"}
"""The microversions that the kinds are written for."""

_ADAPTERS = {"block-storage": "block_storage", "load-balancer": "load_balancer"}
_TEMPORARY = re.compile(
    r"immutable|PENDING_|task_state|currently being|try again|is busy|in-use|in use|required by"
    r"|have an IP allocation",
    re.I,
)


class Rest:
    """A service's API, with a token of one project."""

    def __init__(self, connection: Connection, service: str, microversion: str | None = None) -> None:
        """`microversion`: by default the one that the kinds are written for."""
        self.service = service
        self._adapter = adapter(connection, service)
        self._microversion = microversion or MICROVERSIONS.get(service)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, json=body)

    def put(self, path: str, body: Any = None) -> Any:
        return self.call("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self.call("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """Delete; a 404 is no error."""
        try:
            self.call("DELETE", path)
        except Fault as fault:
            if fault.status != 404:
                raise

    def all(self, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
        """A list, with all its pages."""
        found: list[dict[str, Any]] = []
        further: dict[str, str] = {}
        while True:
            answer = self.get(path, **{**further, **params})
            found += answer[key]
            following = _next(answer, key)
            if not following or not answer[key]:
                return found
            # Nova's link to the next page has only one value of a repeated parameter.
            further = dict(parse_qsl(urlsplit(following).query))

    def call(self, method: str, path: str, **words: Any) -> Any:
        if self._microversion:
            words["microversion"] = self._microversion
        what = f"{method} {path}"
        try:
            answer = self._adapter.request(path, method, raise_exc=False, **words)
        except auth_errors.ConnectFailure as error:
            raise TemporaryFault(
                0, f"{self.service} cannot be reached: {error}", self.service, what, "-", 2
            ) from error
        except auth_errors.ClientException as error:
            status = getattr(error, "http_status", 0) or 0
            raise Fault(
                status, str(error), self.service, what, getattr(error, "request_id", None) or "-"
            ) from error
        if answer.status_code >= 400:
            raise self._fault(answer, what)
        return answer.json() if answer.content and "json" in answer.headers.get("Content-Type", "") else None

    def _fault(self, answer: Any, what: str) -> Fault | TemporaryFault:
        request = (
            answer.headers.get("x-openstack-request-id") or answer.headers.get("x-compute-request-id") or "-"
        )
        status, message = answer.status_code, message_of(answer)
        passing = status in (429, 502, 503) or (status == 409 and _TEMPORARY.search(message))
        if passing:
            delay = _seconds(answer.headers.get("Retry-After"), 1.0)
            return TemporaryFault(status, message, self.service, what, request, delay)
        return Fault(status, message, self.service, what, request)


def adapter(connection: Connection, service: str) -> Any:
    """openstacksdk's adapter for a type of service."""
    return getattr(connection, _ADAPTERS.get(service, service))


def message_of(answer: Any) -> str:
    """The message in an error response, whose format differs between services."""
    try:
        data = answer.json()
    except ValueError:
        plain = re.sub(r"<[^>]+>", " ", answer.text or "")
        return " ".join(plain.split())[:300] or f"HTTP {answer.status_code}"
    inner = next(iter(data.values())) if isinstance(data, Mapping) and len(data) == 1 else data
    for source in (inner, data):
        if isinstance(source, Mapping):
            for key in ("message", "faultstring", "detail", "title"):
                if source.get(key):
                    return str(source[key])
    return str(inner or f"HTTP {answer.status_code}")


def _next(answer: Mapping[str, Any], key: str) -> str | None:
    if answer.get("next"):
        return str(answer["next"])
    links = answer.get(f"{key}_links") or answer.get("links") or ()
    if isinstance(links, Mapping):
        return links.get("next")
    return next((link["href"] for link in links if link.get("rel") == "next"), None)


def _seconds(text: str | None, otherwise: float) -> float:
    return float(text) if text and text.isdigit() else otherwise


class Access:
    """All services as the administrator, or within a project. Connections are reused.

    `connect`: a new connection to a project (by id; None: the administrator's own), as the administrator unless the
    id and the password of another user are given.
    """

    def __init__(self, connect: Callable[..., Connection]) -> None:
        self._connect = connect
        self._guard = Lock()
        self._connections: dict[str | None, Connection] = {}
        self._locks: dict[str | None, Lock] = {}

    def rest(self, service: str, project: str | None = None) -> Rest:
        """A service's API. `project`: an id; the administrator gets a role in it if necessary."""
        with self._guard:
            lock = self._locks.setdefault(project, Lock())
        with lock:
            if project not in self._connections:
                self._connections[project] = self._entered(project)
            return self._rest(self._connections[project], service)

    def _rest(self, connection: Connection, service: str) -> Rest:
        return Rest(connection, service)

    def administrator(self) -> Connection:
        """The administrator's own connection."""
        self.rest("identity")
        return self._connections[None]

    def as_user(self, user: str, password: str, project: str) -> Rest:
        """Keystone's API as another user, for what only that user may do."""
        return Rest(self._connect(project, user, password), "identity")

    def _entered(self, project: str | None) -> Connection:
        connection = self._connect(project)
        if project is None:
            return connection
        try:
            connection.authorize()
        except Exception:  # openstacksdk wraps Keystone's refusal in several exceptions
            self._admit(project)
            connection = self._connect(project)
            connection.authorize()
        return connection

    def _admit(self, project: str) -> None:
        """Give the administrator a role in a project: servers can only be created with a token of their project."""
        admin = self.rest("identity")
        session = self._connections[None]
        role = admin.all("/roles", "roles", name="admin")[0]["id"]
        admin.put(f"/projects/{project}/users/{session.current_user_id}/roles/{role}")
