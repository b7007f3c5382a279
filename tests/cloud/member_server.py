"""A small HTTP server, run inside a network namespace: it says its name and what it was asked.

    python3 member_server.py NAME PORT [PEM]

/ answers its name; /headers what it was sent, as JSON; /slow answers its name in ten pieces over SECONDS?; any
path ending in /fail answers 503. Sends PROXY headers back too: the first line of a connection that begins with one.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

NAME = sys.argv[1] if len(sys.argv) > 1 else "nobody"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxied = ""

    def handle_one_request(self) -> None:
        if not self.proxied and self.rfile.peek(6)[:6] == b"PROXY ":
            self.proxied = self.rfile.readline().decode().strip()
        super().handle_one_request()

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        if where.path == "/slow":
            self.slow(float(where.query or "5"))
            return
        if where.path == "/headers":
            said = {key.lower(): value for key, value in self.headers.items()}
            body = json.dumps({**said, "name": NAME, "proxied": self.proxied}).encode()
        else:
            body = NAME.encode()
        self.send_response(503 if where.path.endswith("/fail") else 200)
        self.send_header("Content-Length", str(len(body)))
        if where.path == "/login":
            self.send_header("Set-Cookie", f"session={NAME}-1")
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def slow(self, seconds: float) -> None:
        body = NAME.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(10 * len(body)))
        self.end_headers()
        for _ in range(10):
            self.wfile.write(body)
            self.wfile.flush()
            time.sleep(seconds / 10)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """A monitor hangs up as soon as it knows enough."""


server = Server(("", int(sys.argv[2])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
