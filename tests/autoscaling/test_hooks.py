"""What is told before a member serves, and before it goes: posted, or run as nobody."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from onestack.autoscaling.autoscaler.hooks import call
from onestack.core.errors import PermanentError

TOLD = {"event": "before_serving", "member": "web-1", "address": "10.0.0.9"}


class Listener:
    """A server that answers every POST alike, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.sent: list[tuple[str, object]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.sent.append((self.path, json.loads(body)))
                self.send_response(listener.status)
                self.end_headers()
                self.wfile.write(b"not now")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/ready?who=web"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_url_is_posted_to(listener: Listener) -> None:
    call(listener.url, TOLD, 5)
    assert listener.sent == [("/ready?who=web", TOLD)]


def test_a_url_that_refuses_says_why(listener: Listener) -> None:
    listener.status = 503
    with pytest.raises(PermanentError, match="answered 503: not now"):
        call(listener.url, TOLD, 5)


def test_a_url_nobody_listens_at() -> None:
    with pytest.raises(PermanentError, match="does not answer"):
        call("http://127.0.0.1:9/", TOLD, 5)


def test_a_command_is_given_what_is_told_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "mine")
    with pytest.raises(PermanentError, match=r"ended with 3: web-1 10\.0\.0\.9 none /$"):
        call("""sh -c 'echo $ONESTACK_MEMBER $ONESTACK_ADDRESS ${SECRET:-none} $PWD; exit 3'""", TOLD, 5)
    call("true", TOLD, 5)


def test_a_command_of_roots_is_nobodys() -> None:
    with pytest.raises(PermanentError) as refused:
        call("sh -c 'id -un; exit 1'", TOLD, 5)
    assert ("nobody" in refused.value.summary) == (os.geteuid() == 0)


@pytest.mark.parametrize(
    ("hook", "said"),
    [("sleep 5", "took longer than 0.2 s"), ("/nothing/there", "cannot be run"), ("false", "ended with 1")],
)
def test_commands_that_fail(hook: str, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        call(hook, TOLD, 0.2)
