"""What is written of a request: who, what, from where, the answer; never what is secret in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from onestack_runtime.serving.audit import LOGINS, Audit

SECRET = "a-secret-word"
WHO = {
    "HTTP_X_USER_ID": "u1",
    "HTTP_X_USER_NAME": "alice",
    "HTTP_X_PROJECT_ID": "p1",
    "HTTP_X_PROJECT_NAME": "lab",
}
"""As keystonemiddleware says it."""


def asked(
    method: str,
    path: str,
    *,
    body: bytes = b"",
    answer: bytes = b"",
    status: str = "200 OK",
    who: dict[str, str] = WHO,
    **environ: Any,
) -> tuple[list[dict[str, Any]], bytes]:
    """The records of one request, and the body that the application read."""
    written: list[dict[str, Any]] = []
    seen = b""

    def application(given: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        nonlocal seen
        seen = given["wsgi.input"].read()
        given.update(who)
        start_response(status, [("X-Openstack-Request-Id", "req-1")])
        return [answer]

    given = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "/compute",
        "PATH_INFO": path,
        "QUERY_STRING": f"secret={SECRET}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
        "HTTP_X_AUTH_TOKEN": SECRET,
        "HTTP_USER_AGENT": "openstacksdk/4",
        **environ,
    }
    found = Audit(application, "nova", lambda record: written.append(dict(record)))(given, lambda *_: None)
    assert b"".join(found) == answer
    if (close := getattr(found, "close", None)) is not None:
        close()
    return written, seen


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_are_not_written(method: str) -> None:
    assert asked(method, "/v2.1/servers")[0] == []


def test_a_record_says_who_what_from_where_and_the_answer() -> None:
    body = json.dumps({"server": {"name": "web", "adminPass": SECRET}}).encode()
    answer = json.dumps({"server": {"id": "s1", "adminPass": SECRET}}).encode()
    (record,), seen = asked("POST", "/v2.1/servers", body=body, answer=answer, status="202 Accepted")
    assert seen == body
    assert record["initiator"] == {
        "typeURI": "service/security/account/user",
        "id": "u1",
        "name": "alice",
        "project_id": "p1",
        "project_name": "lab",
        "host": {"address": "192.0.2.7", "agent": "openstacksdk/4"},
        "request_id": "req-1",
    }
    assert (record["action"], record["outcome"]) == ("create", "success")
    assert record["reason"] == {"reasonType": "HTTP", "reasonCode": "202"}
    assert record["target"] == {"typeURI": "/compute/v2.1/servers", "id": "s1"}
    assert (record["requestMethod"], record["requestPath"]) == ("POST", "/compute/v2.1/servers")
    assert SECRET not in json.dumps(record)


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("POST", "/v2.1/servers/s1/action", b'{"os-start": null}', "update/os-start"),
        (
            "POST",
            "/v2.1/servers/s1/action",
            b'{"changePassword": {"adminPass": "a-secret-word"}}',
            "update/changePassword",
        ),
        ("POST", "/v2.1/servers/s1/action", b"no JSON", "create"),
        ("POST", "/v2.1/servers/s1/action", b'{"x": "' + b"y" * 70000 + b'"}', "create"),
        ("PUT", "/v2.1/servers/s1", b"{}", "update"),
        ("PATCH", "/v2/images/i1", b"[]", "update"),
        ("DELETE", "/v2.1/servers/s1", b"", "delete"),
    ],
)
def test_actions(method: str, path: str, body: bytes, action: str) -> None:
    (record,), seen = asked(method, path, body=body)
    assert (record["action"], seen) == (action, body)
    assert SECRET not in json.dumps(record)


def test_a_refused_request_is_nobodys_whatever_its_headers_say() -> None:
    forged = {"HTTP_X_USER_NAME": "admin", "HTTP_X_PROJECT_ID": "p0"}
    (record,), _ = asked("DELETE", "/v2.1/servers/s1", status="401 Unauthorized", who={}, **forged)
    assert record["outcome"] == "failure"
    assert {"id", "name", "project_id", "project_name"}.isdisjoint(record["initiator"])


def test_an_application_that_fails_is_written_once() -> None:
    written: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        Audit(application, "nova", written.append)({"REQUEST_METHOD": "POST"}, lambda *_: None)
    assert [each["reason"]["reasonCode"] for each in written] == ["500"]


def test_a_record_is_there_before_its_answer() -> None:
    written: list[Any] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        yield b"two"

    parts = iter(Audit(application, "nova", written.append)({"REQUEST_METHOD": "PUT"}, lambda *_: None))
    assert written == []
    assert next(parts) == b"one"
    assert len(written) == 1
    assert [*parts, len(written)] == [b"two", 1]


def test_what_cannot_be_written_does_not_fail_the_request(caplog: pytest.LogCaptureFixture) -> None:
    def full(record: object) -> None:
        raise OSError("disk full")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("204 No Content", [])
        return []

    given = {"REQUEST_METHOD": "DELETE", "PATH_INFO": "/v2.1/servers/s1"}
    assert list(Audit(application, "nova", full)(given, lambda *_: None)) == []
    assert "not in the audit log: DELETE /v2.1/servers/s1" in caplog.text


def test_a_login_is_the_users_to_whom_the_token_is_given() -> None:
    body = json.dumps({"auth": {"identity": {"password": {"user": {"password": SECRET}}}}}).encode()
    answer = b'{"token": {"user": {"id": "u1", "name": "alice"}, "project": {"id": "p1", "name": "lab"}}}'
    (record,), _ = asked("POST", "/v3/auth/tokens", body=body, answer=answer, status="201 Created", who={})
    who = record["initiator"]
    assert (record["action"], who["name"], who["project_name"]) == ("authenticate", "alice", "lab")
    assert SECRET not in json.dumps(record)


def test_a_failed_login_is_known_by_keystones_notification() -> None:
    payload = {
        "outcome": "failure",
        "initiator": {"user_id": "u1", "username": "alice"},
        "reason": {"reasonType": "The account is locked for user: u1.", "reasonCode": "401"},
    }
    message = json.dumps({"event_type": "identity.authenticate", "payload": payload})

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        LOGINS.emit(logging.LogRecord("x", logging.INFO, "", 0, message, None, None))
        start_response("401 Unauthorized", [])
        return [b"{}"]

    written: list[Any] = []
    audit = Audit(application, "keystone", written.append)
    list(audit({"REQUEST_METHOD": "POST", "PATH_INFO": "/v3/auth/tokens"}, lambda *_: None))
    (record,) = written
    assert (record["initiator"]["name"], record["outcome"]) == ("alice", "failure")
    assert record["reason"]["detail"] == "The account is locked for user: u1."
    # The next request of the same thread is another one's.
    nobody, _ = asked("POST", "/v3/auth/tokens", status="401 Unauthorized", who={})
    assert "name" not in nobody[0]["initiator"]
