"""Writes down each API request that changes something, as an event in CADF's terms (DMTF DSP0262).

keystonemiddleware's own filter makes two events of a request and sees none that was refused before it, and neither
Keystone nor Placement can have it. This one stands before each project's whole application, and reads from the
request's WSGI environment afterwards who asked, as keystonemiddleware or Keystone found it. So each request is
written once, with what was answered, before the answer is sent.

No body, query or header is written, but for the name of an action (`{"os-start": null}`), and of an answer the id
and name of what was made.
"""

from __future__ import annotations

import io
import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from onestack_runtime.serving.health import Application, Environ, StartResponse

LOG = logging.getLogger(__name__)

READS = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST_READ = 65536
"""Bytes of a body in which the name of an action, or the id of what was made, is looked for."""
NAMES = ("HTTP_X_USER_ID", "HTTP_X_USER_NAME", "HTTP_X_PROJECT_ID", "HTTP_X_PROJECT_NAME")
"""Where keystonemiddleware says who asks."""
_ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_LOGIN = "/auth/tokens"
_TYPE = "http://schemas.dmtf.org/cloud/audit/1.0/event"

Write = Callable[[Mapping[str, Any]], None]


@dataclass
class _Call:
    """A request that changes something, while it is under way."""

    environ: Environ
    path: str
    action: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> bool:
        return self.path.endswith(_LOGIN) and self.environ.get("REQUEST_METHOD") == "POST"


class Audit:
    """An application whose changing requests are written down by `write`. `service`: the project."""

    def __init__(self, application: Application, service: str, write: Write) -> None:
        self._application = application
        self._service = service
        self._write = write

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        for name in NAMES:
            # What a client puts there says nothing, and would be believed of a request that is refused early.
            environ.pop(name, None)
        method = environ.get("REQUEST_METHOD", "")
        if method in READS:
            return self._application(environ, start_response)
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        call = _Call(environ, path, _action(environ, method, path))
        LOGINS.clear()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            call.status = int(status.split()[0])
            call.headers = {name.lower(): value for name, value in headers}
            return start_response(status, headers, *more)

        try:
            return _Answer(self._application(environ, start), lambda first: self._done(call, first))
        except BaseException:
            call.status = 500
            self._done(call, b"")
            raise

    def _done(self, call: _Call, first: bytes) -> None:
        try:
            self._write(event(self._service, call, first))
        except Exception:
            # A service that serves is worth more than its log, and what is missing is said.
            LOG.exception("not in the audit log: %s %s", call.environ.get("REQUEST_METHOD"), call.path)


class _Answer:
    """An answer's body, before whose first part `done` is called with it."""

    def __init__(self, body: Iterable[bytes], done: Callable[[bytes], None]) -> None:
        self._body = body
        self._done: Callable[[bytes], None] | None = done

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            self._tell(part)
            yield part
        self._tell(b"")

    def _tell(self, part: bytes) -> None:
        if self._done is not None:
            done, self._done = self._done, None
            done(part)

    def close(self) -> None:
        self._tell(b"")
        if (close := getattr(self._body, "close", None)) is not None:
            close()


class Logins(logging.Handler):
    """Keystone's own notifications of logins: whose failed, and why. Of the request that this thread serves."""

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(ValueError, KeyError, TypeError):
            message = json.loads(record.getMessage())
            if message["event_type"] == "identity.authenticate":
                self._here.payload = message["payload"]

    def clear(self) -> None:
        self._here.payload = {}

    @property
    def payload(self) -> dict[str, Any]:
        """The last one since `clear`; empty if there was none."""
        return getattr(self._here, "payload", {})


LOGINS = Logins()


def hear_logins() -> None:
    """Have Keystone's notifications for the records of logins, and not in its log as well."""
    logger = logging.getLogger("oslo.messaging.notification")
    logger.addHandler(LOGINS)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def event(service: str, call: _Call, first: bytes) -> dict[str, Any]:
    """The record of a request. `first`: the first part of its answer."""
    made = _made(call, first)
    code = call.status or 500
    reason: dict[str, str] = {"reasonType": "HTTP", "reasonCode": str(code)}
    initiator = _initiator(call, made)
    if call.login and LOGINS.payload.get("outcome") == "failure":
        initiator.update(_failed(LOGINS.payload))
        if why := LOGINS.payload.get("reason", {}).get("reasonType"):
            reason["detail"] = why
    environ = call.environ
    # By the API gateway, which overwrites a client's own.
    address = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")[0].strip() or environ.get("REMOTE_ADDR", "")
    initiator["host"] = {"address": address, "agent": environ.get("HTTP_USER_AGENT", "")[:200]}
    initiator["request_id"] = call.headers.get("x-openstack-request-id", "")
    if caller := environ.get("HTTP_X_OPENSTACK_REQUEST_ID"):
        initiator["global_request_id"] = caller[:64]
    return {
        # First, as the beginning of the line: by it logs of several hosts are put in order.
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000"),
        "typeURI": _TYPE,
        "eventType": "activity",
        "id": str(uuid.uuid4()),
        "action": call.action,
        "outcome": "success" if 200 <= code < 400 else "failure",
        "reason": reason,
        "initiator": initiator,
        "target": _target(call, made),
        "observer": {"typeURI": f"service/{service}", "name": service},
        "requestPath": call.path,
        "requestMethod": environ.get("REQUEST_METHOD", ""),
    }


def _action(environ: Environ, method: str, path: str) -> str:
    if path.endswith(_LOGIN) and method in ("POST", "DELETE"):
        return "authenticate" if method == "POST" else "authenticate/revoke"
    if method == "POST" and path.endswith("/action") and (name := _body_key(environ)):
        return f"update/{name}"
    return _ACTIONS.get(method, method.lower())


def _body_key(environ: Environ) -> str | None:
    """The one key of a request's JSON body, which names an action. The application reads the same body."""
    with suppress(ValueError):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not 0 < length <= LARGEST_READ:
            return None
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        found = json.loads(body)
        if isinstance(found, dict) and found:
            return str(next(iter(found)))[:64]
    return None


def _made(call: _Call, first: bytes) -> dict[str, Any]:
    """What an answer describes: its only object."""
    if not first.startswith(b"{") or len(first) > LARGEST_READ or call.status >= 400:
        return {}
    with suppress(ValueError):
        found = json.loads(first)
        if isinstance(found, dict):
            inner = next(iter(found.values()), None) if len(found) == 1 else found
            return inner if isinstance(inner, dict) else {}
    return {}


def _target(call: _Call, made: Mapping[str, Any]) -> dict[str, str]:
    found = {"typeURI": call.path}
    for name in () if call.login else ("id", "name"):
        if isinstance(value := made.get(name), str):
            found[name] = value[:255]
    return found


def _initiator(call: _Call, made: Mapping[str, Any]) -> dict[str, Any]:
    """Who asked: by the token that was issued, by Keystone's own context, or by keystonemiddleware's headers."""
    found: dict[str, Any] = {"typeURI": "service/security/account/user"}
    environ = call.environ
    if call.login:
        user, project = made.get("user"), made.get("project")
    elif context := environ.get("KEYSTONE_AUTH_CONTEXT"):
        user, project = _of_keystone(context)
    else:
        user_id, user_name, project_id, project_name = (environ.get(name) for name in NAMES)
        user, project = {"id": user_id, "name": user_name}, {"id": project_id, "name": project_name}
    for prefix, one in (("", user), ("project_", project)):
        for name in ("id", "name"):
            if isinstance(one, Mapping) and one.get(name):
                found[f"{prefix}{name}"] = one[name]
    return found


def _of_keystone(context: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """User and project by Keystone's own context; names by its token, which reads them from its cache."""
    user, project = {"id": context.get("user_id")}, {"id": context.get("project_id")}
    token = context.get("token")
    with suppress(Exception):
        user = {"id": token.user["id"], "name": token.user["name"]}  # type: ignore[union-attr]
        if token.project:  # type: ignore[union-attr]
            project = {"id": token.project["id"], "name": token.project["name"]}  # type: ignore[union-attr]
    return user, project


def _failed(payload: Mapping[str, Any]) -> dict[str, str]:
    """Whose login failed. Of a user who does not exist nothing is said: it may be a password in the wrong field."""
    initiator = payload.get("initiator", {})
    found = {"id": initiator.get("user_id"), "name": initiator.get("username")}
    return {name: value for name, value in found.items() if value}
