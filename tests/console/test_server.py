"""The server over a real socket: what it refuses, what a mistake is to the browser, and streams."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from onestack.console import http as web
from onestack.console.http import Request, Response


@contextmanager
def served(answer: Callable[[Request], Response]) -> Iterator[http.client.HTTPConnection]:
    found = web.server(0, answer)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", found.server_port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()
        found.shutdown()
        found.server_close()


def test_it_listens_on_loopback_alone() -> None:
    found = web.server(0, lambda request: Response())
    assert found.server_address[0] == "127.0.0.1"
    found.server_close()


def test_a_request_comes_with_its_form_cookies_and_headers() -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response(b"ok")

    with served(answer) as connection:
        headers = {"Cookie": "a=1; b=2", "X-CSRF-Token": "t"}
        connection.request("POST", "/x?q=%C3%A4", "name=a+b&empty=", headers)
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"ok")
        assert {name: response.headers[name] for name in web.HEADERS} == web.HEADERS
    (request,) = seen
    assert (request.method, request.path, request.query) == ("POST", "/x", {"q": "ä"})
    assert (request.form, request.cookies) == ({"name": "a b", "empty": ""}, {"a": "1", "b": "2"})
    assert request.header("x-csrf-token") == "t"


@pytest.mark.parametrize("length", [str(web.LARGEST_FORM + 1), "-1", "many", ""])
def test_a_form_without_a_sane_length_is_refused(length: str) -> None:
    with served(lambda request: Response()) as connection:
        connection.putrequest("POST", "/x")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_a_mistake_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: Request) -> Response:
        raise RuntimeError("no such thing")

    with served(answer) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, b"no such thing" in response.read()) == (500, True)
        connection.request("GET", "/")
        assert connection.getresponse().status == 500
    assert "Traceback" in capsys.readouterr().err


def test_a_stream_is_sent_as_it_comes() -> None:
    further = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        further.wait(30)
        yield b"data: 2\n\n"

    with served(lambda request: Response(kind="text/event-stream", stream=pieces())) as connection:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read1(100) == b"data: 1\n\n"
        further.set()
        assert response.read() == b"data: 2\n\n"
