"""Requests and responses of the console as data, and the server that carries them: threads, loopback only."""

from __future__ import annotations

import http.cookies
import socketserver
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

LARGEST_FORM = 2 * 1024 * 1024
"""Bytes; a spec of a thousand servers has a tenth of it."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer` a browser says of no form where it comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every response."""


@dataclass(frozen=True)
class Request:
    """`host`: by which name the browser asked; `origin`: of the page that asked, if it is said."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """A header, by its name in lower case; empty if it was not sent."""
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Response:
    """`stream`: instead of a body, pieces that are sent as they come."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None


def redirect(place: str) -> Response:
    """The browser goes to a page, by GET."""
    return Response(status=303, headers={"Location": place})


def answered(request: Request, answer: Callable[[Request], Response]) -> Response:
    """The application's answer; a mistake in it is one, too, and its trace is on standard error."""
    try:
        return answer(request)
    except Exception as error:
        traceback.print_exc()
        said = f"a mistake of the console's: {type(error).__name__}: {error}\n"
        return Response(said.encode(), 500, "text/plain; charset=utf-8")


def server(port: int, answer: Callable[[Request], Response]) -> ThreadingHTTPServer:
    """A server on 127.0.0.1; port 0: any free one. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "onestack-console", ""
        timeout = 75

        def do_GET(self) -> None:
            self._respond({})

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LARGEST_FORM:
                self._send(Response(b"the form is too large\n", 413, "text/plain"))
                self.close_connection = True
                return
            text = self.rfile.read(int(length)).decode(errors="replace")
            self._respond(dict(parse_qsl(text, keep_blank_values=True)))

        def _respond(self, form: Mapping[str, str]) -> None:
            place = urlsplit(self.path)
            cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
            with suppress(http.cookies.CookieError):
                cookies.load(self.headers.get("Cookie", ""))
            self._send(
                answered(
                    Request(
                        self.command,
                        place.path,
                        dict(parse_qsl(place.query)),
                        form,
                        {name: each.value for name, each in cookies.items()},
                        {name.lower(): value for name, value in self.headers.items()},
                    ),
                    answer,
                )
            )

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in {**HEADERS, "Content-Type": response.kind, **response.headers}.items():
                self.send_header(name, value)
            if response.stream is None:
                self.send_header("Content-Length", str(len(response.body)))
                self.end_headers()
                self.wfile.write(response.body)
                return
            self.send_header("Connection", "close")
            self.close_connection = True
            self.end_headers()
            for piece in response.stream:
                self.wfile.write(piece)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged: a link's token is in one."""

    return _Server(("127.0.0.1", port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self) -> None:
        # HTTPServer's own asks DNS for the address's name, and waits where no server answers.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is no error."""
