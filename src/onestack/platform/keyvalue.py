"""A client of etcd, by its JSON gateway: text by key, with the revision of its last change."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onestack.core.errors import PermanentError, TemporaryError
from onestack.platform import host_tls

if TYPE_CHECKING:
    from onestack.host.netns import Network
    from onestack.platform.node import Node

SECONDS = 1.5
"""How long one member may take to answer, in seconds."""


_STALE = ("invalid auth token", "user name is empty", "revision of auth store is old")


class Refused(PermanentError):
    """etcd answered, and refused."""


@dataclass(frozen=True)
class Kept:
    """What is under a key. `revision`: etcd's of its last change, never 0."""

    value: str
    revision: int


class KeyValue:
    """One user's connection. Not to be shared by threads: it keeps one connection open. Each call raises
    TemporaryError where no member answers, and Refused where one refuses."""

    def __init__(
        self,
        endpoints: Sequence[tuple[str, int]],
        context: ssl.SSLContext,
        user: str,
        password: str,
        network: Network | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._endpoints = list(endpoints)
        self._context = context
        self._user = user
        self._password = password
        self._network = network
        self._seconds = seconds
        self._connection: http.client.HTTPSConnection | None = None
        self._token = ""

    def get(self, key: str) -> Kept | None:
        """What is under a key, as a majority knows it now."""
        return self._range({"key": _coded(key)}).get(key)

    def below(self, prefix: str) -> dict[str, Kept]:
        """All keys that begin with a prefix, without it."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        found = self._range({"key": _coded(prefix), "range_end": _coded(end)})
        return {key.removeprefix(prefix): kept for key, kept in found.items()}

    def put(self, key: str, value: str) -> int:
        """Write it; its revision."""
        answer = self._call("kv/put", {"key": _coded(key), "value": _coded(value)})
        return int(answer["header"]["revision"])

    def put_if(self, key: str, value: str, unchanged: Mapping[str, int]) -> bool:
        """Write it if each of these keys still has its revision (0: is not there); whether that was so."""
        compare = [
            {"key": _coded(each), "target": "MOD", "result": "EQUAL", "mod_revision": str(revision)}
            for each, revision in unchanged.items()
        ]
        put = {"request_put": {"key": _coded(key), "value": _coded(value)}}
        return bool(self._call("kv/txn", {"compare": compare, "success": [put]}).get("succeeded"))

    def delete(self, key: str) -> None:
        """Remove a key. Idempotent."""
        self._call("kv/deleterange", {"key": _coded(key)})

    def is_closed(self) -> bool:
        """Whether it asks for users and passwords."""
        try:
            self._authenticate()
        except Refused as refused:
            if "not enabled" in refused.detail:
                return False
            raise
        return True

    def close_to_others(self) -> None:
        """Ask for users and passwords from now on."""
        self._call("auth/enable", {})

    def users(self) -> list[str]:
        """The names of all users."""
        return [str(each) for each in self._call("auth/user/list", {}).get("users", ())]

    def add_user(
        self, name: str, password: str, rights: Mapping[str, tuple[str, str]], role: str = ""
    ) -> None:
        """Have a user with a role of its name. Idempotent. `rights`: key -> (end of the range or empty, READ, WRITE
        or READWRITE)."""
        role = role or name
        self._have("auth/role/add", {"name": role})
        for key, (end, kind) in rights.items():
            permission = {"permType": kind, "key": _coded(key), **({"range_end": _coded(end)} if end else {})}
            self._call("auth/role/grant", {"name": role, "perm": permission})
        if not self._have("auth/user/add", {"name": name, "password": password}):
            self._call("auth/user/changepw", {"name": name, "password": password})
        self._call("auth/user/grant", {"user": name, "role": role})

    def roles_of(self, user: str) -> list[str]:
        """A user's roles; none where there is no such user."""
        try:
            return [str(each) for each in self._call("auth/user/get", {"name": user}).get("roles", ())]
        except Refused as refused:
            if "not found" not in refused.detail:
                raise
            return []

    def delete_user(self, name: str) -> None:
        """Remove a user and its role."""
        self._call("auth/user/delete", {"name": name})
        self._call("auth/role/delete", {"role": name})

    def end(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _have(self, path: str, body: Mapping[str, Any]) -> bool:
        """Create something; False where it exists."""
        try:
            self._call(path, body)
        except Refused as refused:
            if "already exists" not in refused.detail:
                raise
            return False
        return True

    def _range(self, body: Mapping[str, Any]) -> dict[str, Kept]:
        rows = self._call("kv/range", body).get("kvs", ())
        return {
            _plain(row["key"]): Kept(_plain(row.get("value", "")), int(row["mod_revision"])) for row in rows
        }

    def _call(self, path: str, body: Mapping[str, Any]) -> Any:
        if not self._token:
            self.is_closed()
        try:
            return self._ask(path, body)
        except Refused as refused:
            # A token ends after minutes without use, and with each change of users.
            if not any(each in refused.detail for each in _STALE):
                raise
        self.is_closed()
        return self._ask(path, body)

    def _authenticate(self) -> None:
        self._token = ""
        self._token = self._ask("auth/authenticate", {"name": self._user, "password": self._password})[
            "token"
        ]

    def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """One answer, of the first member that gives one."""
        problem: Exception | None = None
        for _ in self._endpoints:
            try:
                return self._answer(path, json.dumps(body))
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = error
                self.end()
                # The others come first from now on.
                self._endpoints.append(self._endpoints.pop(0))
        where = ", ".join(f"{host}:{port}" for host, port in self._endpoints)
        raise TemporaryError(f"etcd does not answer: {problem}", where=where)

    def _answer(self, path: str, text: str) -> Any:
        if self._connection is None:
            self._connection = self._connected(*self._endpoints[0])
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": self._token} if self._token else {}),
        }
        self._connection.request("POST", f"/v3/{path}", text, headers)
        response = self._connection.getresponse()
        said = response.read()
        if response.status == 200:
            return json.loads(said)
        if response.status in (503, 504):
            raise http.client.HTTPException(said.decode(errors="replace")[:200])
        detail = said.decode(errors="replace")[:300]
        if any(word in detail for word in ("no leader", "timed out", "leader changed", "stopped")):
            raise http.client.HTTPException(detail)
        raise Refused(f"etcd refused {path}", detail=detail, where=":".join(map(str, self._endpoints[0])))

    def _connected(self, host: str, port: int) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._context)
        if self._network is None:
            made.connect()
        else:
            self._network.call(made.connect)
        return made


def of_node(node: Node, endpoints: Sequence[tuple[str, int]], user: str, password: str) -> KeyValue:
    """A client with a host's certificate, in its cloud's network."""
    return KeyValue(endpoints, host_tls.client(node), user, password, node.network)


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _plain(text: str) -> str:
    return base64.b64decode(text).decode()
