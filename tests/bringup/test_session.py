"""The HTTP sessions of OneStack's own requests."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from onestack.host.netns import Network
from onestack.platform import session


class _Empty(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def test_a_host_that_is_lost_is_noticed_within_seconds(tmp_path: Path) -> None:
    """A request that waits for an answer sends nothing: only TCP's own probes show that nobody is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Empty)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with session.http_session(Network(tmp_path / "none")) as http:
            answer = http.get(f"http://127.0.0.1:{server.server_port}/", stream=True)
            sock = answer.raw.connection.sock
            option = sock.getsockopt
            assert option(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            idle, interval, count = (
                option(socket.IPPROTO_TCP, each)
                for each in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert idle + interval * count < 20
    finally:
        server.shutdown()
        server.server_close()
